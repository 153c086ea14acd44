"""Which clouds there are to fake: the talk's three and a plain one."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

if TYPE_CHECKING:
    from aiocloud.testing.keystone import Keystone
    from aiocloud.testing.state import RegionState, Wire

Kind = Literal["provider", "two-networks", "floating"]
"""How servers get a public address.

provider: straight from the shared network "public". two-networks: from one of two
networks that look alike, so clouds.yaml has to name it; no routers, no floating IPs.
floating: a private network, a router, and floating IPs from "ext-net".
"""


@dataclass(frozen=True)
class Flavor:
    """MiB of RAM, virtual CPUs, GiB of disk."""

    name: str
    ram: int
    vcpus: int
    disk: int
    id: str = ""


@dataclass(frozen=True)
class Plan:
    """One cloud to fake: who may log in and what is there at first."""

    name: str
    regions: tuple[str, ...] = ("RegionOne",)
    kind: Kind = "floating"
    username: str = "demo"
    project: str = "demo"
    password: str = "secret"  # noqa: S105 - of a fake cloud
    domain_id: str = "default"
    flavors: tuple[Flavor, ...] = ()
    images: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    """For two-networks: the one that routes outside, the one that doesn't; none: "outside" and "inside"."""
    extra: dict[str, Any] = field(default_factory=dict[str, Any])
    """More keys for its entry in clouds.yaml."""

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise ValueError(f"there is no kind of cloud {self.kind!r}; there are: {', '.join(get_args(Kind))}")
        if not self.regions:
            raise ValueError(f"regions of the fake cloud {self.name!r}: one name or more is expected here")
        for name in (self.name, *self.regions):
            if not re.fullmatch(r"[\w.-]+", name, re.ASCII):
                raise ValueError(f"{name!r} can't be in a URL: letters, digits, '.', '_' and '-' are good names")

    @property
    def pair(self) -> tuple[str, ...]:
        """The names of its two networks; none for the other kinds."""
        return (self.networks or ("outside", "inside")) if self.kind == "two-networks" else ()

    def people(self, keystone: Keystone) -> None:
        """Make its user and its administrator, both with a project."""
        if self.domain_id not in keystone.domains:
            keystone.add_domain(f"{self.name}-customers", self.domain_id)
        project = keystone.add_project(self.project, self.domain_id)
        user = keystone.add_user(self.username, self.password, self.domain_id)
        keystone.grant(user["id"], "member", project_id=project["id"])
        admin_project = keystone.add_project("admin")
        admin = keystone.add_user("admin", self.password)
        keystone.grant(admin["id"], "admin", project_id=admin_project["id"])
        keystone.grant(admin["id"], "admin", system=True)

    def furnish(self, region: RegionState) -> None:
        """Flavors, images and networks."""
        owner = region.cloud.keystone.new_id("project/default/admin")
        project_id = region.cloud.keystone.new_id(f"project/{self.domain_id}/{self.project}")
        for one in self.flavors:
            fixed = one.id or region.ids.fixed(f"{self.name}/{one.name}")
            region.nova.add_flavor(one.name, one.ram, one.vcpus, one.disk, fixed)
        for name in self.images:
            region.glance.add_image(name, project_id=owner, os_distro="ubuntu", min_ram=64, min_disk=1)
        region.neutron.listeners.append(region.nova.network_changed)
        self._network(region, owner, project_id)

    def _network(self, region: RegionState, owner: str, project_id: str) -> None:
        add = region.neutron.add_network
        if self.kind == "provider":
            add("public", "198.18.0.0/16", "2001:db8:18::/64", project_id=owner, shared=True, external=True)
        elif self.kind == "two-networks":
            outside, inside = self.pair
            add(outside, "198.19.0.0/16", project_id=owner, shared=True)
            add(inside, "10.17.0.0/16", project_id=owner, shared=True)
        else:
            external = add("ext-net", "198.18.0.0/16", project_id=owner, external=True, enable_dhcp=False)
            private = add("private", "10.0.0.0/16", project_id=project_id)
            region.neutron.add_router("router", project_id=project_id, external=external, inside=[private])

    def entry(self, root: str, *, admin: bool = False) -> Wire:
        """Its entry in clouds.yaml for a fake at this URL."""
        domain = "default" if admin else self.domain_id
        entry: Wire = {
            "auth": {
                "auth_url": f"{root}/{self.name}/identity",
                "username": "admin" if admin else self.username,
                "password": self.password,
                "project_name": "admin" if admin else self.project,
                "user_domain_id": domain,
                "project_domain_id": domain,
            },
            "identity_api_version": 3,
            **self.extra,
        }
        if self.pair:
            outside, inside = self.pair
            entry.setdefault("floating_ip_source", "None")
            values = {
                "networks": [
                    {"name": outside, "routes_externally": True, "default_interface": True},
                    {"name": inside, "routes_externally": False},
                ]
            }
            entry["regions"] = [{"name": name, "values": values} for name in self.regions]
        elif len(self.regions) == 1:
            entry["region_name"] = self.regions[0]
        else:
            entry["regions"] = list(self.regions)
        return entry


SMALL = (Flavor("m1.nano", 128, 1, 1), Flavor("m1.tiny", 512, 1, 1))

PLAIN = Plan(
    name="fake",
    regions=("RegionOne",),
    kind="floating",
    username="demo",
    project="demo",
    flavors=(
        *SMALL,
        Flavor("m1.small", 2048, 1, 20),
        Flavor("m1.medium", 4096, 2, 40),
        Flavor("m1.large", 8192, 4, 80),
    ),
    images=("ubuntu-24.04", "cirros"),
)

TALK = {
    "my-vexxhost": Plan(
        name="my-vexxhost",
        regions=("ca-ymq-1",),
        kind="provider",
        username="0b8c435b-cc4d-4e05-8a47-a2ada0539af1",
        project="d8af8a8f-a573-48e6-898a-af333b970a2d",
        flavors=(
            *SMALL,
            Flavor("v1-standard-1", 1024, 1, 40),
            Flavor("v1-standard-2", 2048, 2, 40),
            Flavor("v1-standard-4", 4096, 4, 40, "5cf64088-893b-46b5-9bb1-ee020277635d"),
        ),
        images=("Ubuntu 16.04.1 LTS [2017-03-03]",),
    ),
    "my-citycloud": Plan(
        name="my-citycloud",
        regions=("Buf1",),
        kind="floating",
        username="mordred",
        project="mordred",
        domain_id="d0919bd5e8d74e49adf0e145807ffc38",
        flavors=(
            *SMALL,
            Flavor("1C-1GB-20GB", 1024, 1, 20),
            Flavor("2C-2GB-50GB", 2048, 2, 50),
            Flavor("4C-4GB-100GB", 4096, 4, 100, "0dab10b5-42a2-438e-be7b-505741a7ffcc"),
        ),
        images=("Ubuntu 16.04 Xenial Xerus",),
    ),
    "my-internap": Plan(
        name="my-internap",
        regions=("ams01",),
        kind="two-networks",
        username="api-55f9a00fb2619",
        project="inap-17037",
        # As in the talk's script for this cloud, where the flavor is the id "A1.4".
        flavors=(*SMALL, Flavor("A1.1", 1024, 1, 20), Flavor("A1.2", 2048, 2, 40), Flavor("A1.4", 4096, 4, 80, "A1.4")),
        images=("Ubuntu 16.04 LTS (Xenial Xerus)",),
        networks=("inap-17037-WAN1654", "inap-17037-LAN3631"),
    ),
}


def write_yaml(value: Any, indent: str = "") -> str:
    """Mappings, lists, text, numbers and booleans as YAML."""
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value)
        return "".join(f"{indent}{name}:{_below(one, indent)}" for name, one in members.items())
    lines: list[str] = []
    for one in value:
        text = write_yaml(one, indent + "  ") if isinstance(one, dict) else f"{indent}  {_scalar(one)}\n"
        lines.append(f"{indent}- {text[len(indent) + 2 :]}")
    return "".join(lines)


def _below(value: Any, indent: str) -> str:
    if isinstance(value, (dict, list)):
        return "\n" + write_yaml(value, indent + "  ")
    return f" {_scalar(value)}\n"


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        plain = re.fullmatch(r"[A-Za-z][\w. -]*\w", value) and value.lower() not in {
            "true",
            "false",
            "null",
            "yes",
            "no",
            "on",
            "off",
        }
        return value if plain else json.dumps(value)
    return json.dumps(value)
