"""What users see: the names of the package, cheap to import; every flat verb of the contract, bound and unbound."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import aiocloud
from aiocloud import Cloud
from aiocloud.testing import FakeCloud
from aiocloud.verb import via
from aiocloud.verbs import Verbs

# The verbs of the talk and of what it touches, with the arguments that scripts pass.
VERBS = {
    "create_server": ("name", "image", "flavor", "auto_ip", "ips", "ip_pool", "wait", "timeout", "network", "volumes"),
    "delete_server": ("name_or_id", "wait", "timeout", "delete_ips", "delete_ip_retry"),
    "get_server": ("name_or_id", "filters", "detailed", "bare", "all_projects"),
    "list_servers": ("detailed", "all_projects", "bare", "filters"),
    "search_servers": ("name_or_id", "filters", "detailed", "all_projects", "bare"),
    "update_server": ("name_or_id", "detailed", "bare"),
    "wait_for_server": ("server", "auto_ip", "ips", "ip_pool", "reuse", "timeout", "nat_destination"),
    "add_auto_ip": ("server", "wait", "timeout", "reuse"),
    "attach_volume": ("server", "volume", "device", "wait", "timeout"),
    "get_flavor_by_ram": ("ram", "include", "get_extra"),
    "create_image": ("name", "filename", "container", "disk_format", "wait", "timeout", "allow_duplicates", "meta"),
    "get_image": ("name_or_id", "filters"),
    "list_images": ("filter_deleted", "show_all"),
    "create_object": ("container", "name", "filename", "segment_size", "use_slo", "metadata", "data"),
    "delete_object": ("container", "name"),
    "delete_container": ("name",),
    "list_networks": ("filters",),
    "get_network": ("name_or_id", "filters"),
    "delete_network": ("name_or_id",),
    "search_volumes": ("name_or_id", "filters"),
    "has_service": ("service_key", "version"),
}


def test_all_is_what_can_be_imported() -> None:
    assert sorted(aiocloud.__all__) == aiocloud.__all__
    for name in aiocloud.__all__:
        assert getattr(aiocloud, name) is not None
    assert callable(aiocloud.connect)
    assert callable(aiocloud.connect_all)
    with pytest.raises(AttributeError, match="nothing"):
        aiocloud.nothing  # noqa: B018


def test_importing_aiocloud_imports_nothing_heavy() -> None:
    code = "import sys, aiocloud; print([m for m in ('httpx2', 'pydantic', 'yaml', 'anyio', 'tenacity') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_a_verb_has_the_arguments_of_the_contract(verb: str) -> None:
    method = getattr(Cloud, verb)
    assert callable(method)
    given = inspect.signature(method)
    names = list(given.parameters)
    if "args" in names:  # `via` passes its collection's signature on only when it is bound
        return
    assert set(VERBS[verb]) <= set(names), names


def test_an_unbound_verb_knows_its_name() -> None:
    assert Cloud.list_networks.__qualname__ == "Cloud.list_networks"
    assert Cloud.create_server.__name__ == "create_server"


def test_a_second_request_id_goes_with_every_later_request() -> None:
    fake = FakeCloud()
    cloud = aiocloud.connect(auth={"auth_url": "http://nowhere"}, load_yaml_config=False, transport=fake.transport)
    before = cloud.compute
    cloud.set_global_request_id("req-1")
    assert cloud.options.global_request_id == "req-1"
    assert cloud.compute is not before
    assert cloud.compute.endpoint.options.global_request_id == "req-1"


def test_a_process_imports_the_tasks_that_it_asks_for() -> None:
    code = (
        "import sys, aiocloud; aiocloud.Cloud.get_object; "
        "print(*sorted(m for m in sys.modules if m.startswith(('aiocloud.tasks.serv', 'aiocloud.services.compute'))))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_every_verb_leads_somewhere() -> None:
    for name in [name for name in vars(Verbs) if not name.startswith("_")]:
        verb = getattr(Cloud, name)
        assert getattr(Cloud, name) is verb or isinstance(vars(Verbs)[name], via), name
        assert callable(verb), name
        assert verb.__module__.startswith("aiocloud."), name


def test_a_verb_that_a_subclass_wraps_is_found_below_it() -> None:
    class Mine(Cloud):
        def get_object_capabilities(self) -> Any:
            return super().get_object_capabilities

    fake = FakeCloud()
    cloud = aiocloud.connect(auth={"auth_url": "http://nowhere"}, load_yaml_config=False, transport=fake.transport)
    mine = Mine(cloud.session, cloud.config, cloud.options, owner=False)
    assert mine.get_object_capabilities().__func__ is Cloud.get_object_capabilities


@pytest.mark.anyio
async def test_what_is_wrong_with_an_argument_says_where(fake: FakeCloud, clouds_yaml: Path) -> None:
    async with aiocloud.connect("fake", config_files=[clouds_yaml], transport=fake.transport) as cloud:
        with pytest.raises(aiocloud.InvalidRequest, match=r"^fake RegionOne: a subnet needs a cidr"):
            await cloud.create_subnet("net")
        with pytest.raises(aiocloud.InvalidRequest, match=r"^fake RegionOne: .*no-such-file"):
            await cloud.create_object("box", "name", "no-such-file")
        with pytest.raises(aiocloud.CloudError, match=r"^fake RegionOne: "):
            async for _ in cloud.stream_object("box", "nothing"):
                pass
    assert list(inspect.signature(Cloud.create_subnet).parameters)[:2] == ["cloud", "network_name_or_id"]


def test_every_verb_that_leads_elsewhere_says_what_it_does() -> None:
    for name, verb in vars(Verbs).items():
        if isinstance(verb, via):
            on_class = getattr(Cloud, name)
            parameters = inspect.signature(on_class).parameters
            assert inspect.getdoc(on_class), name
            assert next(iter(parameters)) == "cloud", name
            assert not {"args", "kwargs"} & parameters.keys(), name
            assert on_class.__name__ == name
    assert inspect.signature(Cloud.update_port).parameters["security_groups"].default is None
    assert "name" in inspect.signature(Cloud.create_firewall_rule).parameters
    assert inspect.signature(Cloud.list_networks).return_annotation == "list[Network]"
