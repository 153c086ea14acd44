"""What administrators do: people and their rights, the catalog, flavors, aggregates, quotas, usage."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

import aiocloud
from aiocloud import Cloud
from tests.conformance.target import Target, needs

pytestmark = pytest.mark.anyio


def administrator(target: Target) -> Cloud:
    return aiocloud.connect(f"{target.name}-admin", config_files=[target.config], **target.options)


async def test_people_projects_and_roles(target: Target) -> None:
    name = target.prefix
    async with administrator(target) as cloud:
        role = await cloud.create_role(name, description="a story's")
        project = await cloud.create_project(name, domain_id="default", description="größe", tags=["a b", "c"])
        user = await cloud.create_user(
            name, password="first", email="a@example.org", default_project=project, domain_id="default"
        )
        group = await cloud.create_group(name, description="a story's", domain="default")
        try:
            assert (project.name, project.description, sorted(project.tags)) == (name, "größe", ["a b", "c"])
            assert (user.email, user.default_project_id, user.is_enabled) == ("a@example.org", project.id, True)
            assert await cloud.grant_role(role, user=user, project=project) is True
            assert await cloud.grant_role(role, user=user, project=project) is False
            assert await cloud.grant_role(name, group=group, project=name) is True
            given = await cloud.list_role_assignments({"project": project.id})
            assert len(given) == 2
            assert {(each.role or {}).get("id") for each in given} == {role.id}
            await cloud.add_user_to_group(name, name)
            assert await cloud.is_user_in_group(user, group) is True
            await cloud.remove_user_from_group(user, group)
            assert await cloud.is_user_in_group(user, group) is False
            assert await cloud.revoke_role(role, user=user, project=project) is True
            assert await cloud.revoke_role(role, user=user, project=project) is False
            changed = await cloud.update_user(user, email="b@example.org", enabled=False, description="größer")
            assert (changed.email, changed.is_enabled, changed.description) == ("b@example.org", False, "größer")
            renamed = await cloud.update_project(project, name=f"{name}-b", enabled=False)
            assert (renamed.name, renamed.is_enabled) == (f"{name}-b", False)
            assert (await cloud.update_group(group, description="seen")).description == "seen"
            assert (await cloud.update_role(role, f"{name}-b")).name == f"{name}-b"
            assert [each.id for each in await cloud.search_users(f"{name}*")] == [user.id]
            assert await cloud.get_project(name) is None
        finally:
            assert await cloud.delete_user(user) is True
            assert await cloud.delete_group(group) is True
            assert await cloud.delete_project(project) is True
            assert await cloud.delete_role(role) is True
        assert await cloud.delete_user(user.id) is False
        assert await cloud.get_user(name) is None


async def test_a_domain_is_disabled_before_it_goes(target: Target) -> None:
    async with administrator(target) as cloud:
        domain = await cloud.create_domain(target.prefix, description="a story's")
        try:
            inside = await cloud.create_user(target.prefix, password="x", domain_id=domain.id)
            assert (await cloud.get_user(target.prefix, domain_id=domain.id) or domain).id == inside.id
            assert (await cloud.update_domain(domain.id, description="seen")).description == "seen"
        finally:
            assert await cloud.delete_domain(domain.id) is True
        assert await cloud.get_domain(domain.id) is None
        assert await cloud.get_user_by_id(inside.id) is None


async def test_the_catalog(target: Target) -> None:
    name = target.prefix
    async with administrator(target) as cloud:
        service = await cloud.create_service(name, type="a-story", description="größe")
        try:
            made = await cloud.create_endpoint(
                service, public_url="http://127.0.0.1:9/p", internal_url="http://127.0.0.1:9/i"
            )
            assert {each.interface: each.url for each in made} == {
                "public": "http://127.0.0.1:9/p",
                "internal": "http://127.0.0.1:9/i",
            }
            changed = await cloud.update_endpoint(made[0].id, url="http://127.0.0.1:9/q", enabled=False)
            assert (changed.url, changed.is_enabled) == ("http://127.0.0.1:9/q", False)
            assert len(await cloud.search_endpoints(filters={"service_id": service.id})) == 2
            for each in made:
                assert await cloud.delete_endpoint(each.id) is True
            assert await cloud.get_endpoint(made[0].id) is None
            assert (await cloud.update_service(service, description="seen")).description == "seen"
        finally:
            assert await cloud.delete_service(service) is True
        assert await cloud.get_service(name) is None


async def test_a_flavor_with_specs_for_one_project(target: Target) -> None:
    name = target.prefix
    async with administrator(target) as cloud, target.connect() as user:
        joined = await user.current_project()
        assert joined is not None and joined.id is not None
        flavor = await cloud.create_flavor(name, ram=64, vcpus=1, disk=1, ephemeral=2, swap=8, is_public=False)
        try:
            assert (flavor.ram, flavor.vcpus, flavor.disk, flavor.ephemeral, flavor.swap) == (64, 1, 1, 2, 8)
            assert flavor.id not in {each.id for each in await user.list_flavors()}
            await cloud.add_flavor_access(flavor, joined.id)
            assert await cloud.list_flavor_access(flavor) == [joined.id]
            await cloud.set_flavor_specs(flavor, {"hw:cpu_policy": "shared", "a:b c": "größe"})
            seen = await user.get_flavor(name)
            assert seen is not None
            assert seen.extra_specs == {"hw:cpu_policy": "shared", "a:b c": "größe"}
            await cloud.unset_flavor_specs(flavor, ["a:b c"])
            again = await cloud.get_flavor_by_id(flavor.id, get_extra=True)
            assert again is not None
            assert again.extra_specs == {"hw:cpu_policy": "shared"}
            await cloud.remove_flavor_access(flavor, joined.id)
            assert await cloud.list_flavor_access(flavor) == []
            with pytest.raises(aiocloud.Conflict):
                await cloud.create_flavor(name, ram=64, vcpus=1, disk=1)
        finally:
            assert await cloud.delete_flavor(flavor) is True
        assert await cloud.delete_flavor(name) is False


async def test_an_aggregate_and_its_hosts(target: Target) -> None:
    name = target.prefix
    async with administrator(target) as cloud:
        hypervisors = await cloud.list_hypervisors()
        assert hypervisors
        aggregate = await cloud.create_aggregate(name)
        try:
            host = str((hypervisors[0].get("service") or {}).get("host"))
            held = await cloud.add_host_to_aggregate(name, host)
            assert held.hosts == [host]
            marked = await cloud.set_aggregate_metadata(aggregate, {"ssd": "true", "team": "größe"})
            assert {"ssd": "true", "team": "größe"}.items() <= marked.metadata.items()
            plain = await cloud.set_aggregate_metadata(aggregate, {"ssd": None})
            assert "ssd" not in plain.metadata
            assert (await cloud.remove_host_from_aggregate(aggregate, host)).hosts == []
            assert (await cloud.update_aggregate(aggregate, name=f"{name}-b")).name == f"{name}-b"
        finally:
            assert await cloud.delete_aggregate(aggregate) is True
        assert await cloud.delete_aggregate(name) is False
        assert "nova" in await cloud.list_availability_zone_names()


async def test_quotas_limits_and_usage(target: Target) -> None:
    async with administrator(target) as cloud:
        project = await cloud.create_project(target.prefix, domain_id="default")
        try:
            assert (await cloud.set_compute_quotas(project, cores=7, instances=3)).cores == 7
            quotas = await cloud.get_compute_quotas(project)
            assert (quotas.cores, quotas.instances) == (7, 3)
            await cloud.delete_compute_quotas(project)
            assert (await cloud.get_compute_quotas(project)).cores != 7
            await cloud.set_network_quotas(project, network=4, port=-1)
            network = await cloud.get_network_quotas(project)
            assert (network.networks, network.ports) == (4, -1)
            used = await cloud.get_network_quotas(project, details=True)
            assert used.networks is not None and used.networks.used == 0
            await cloud.delete_network_quotas(project)
            if await cloud.has_service("block-storage"):
                await cloud.set_volume_quotas(project, volumes=5, gigabytes=50)
                assert (await cloud.get_volume_quotas(project)).volumes == 5
                await cloud.delete_volume_quotas(project)
                assert (await cloud.get_volume_limits()).total_volumes_used is not None
            assert (await cloud.get_compute_limits()).max_total_cores != 0
            begin = datetime.now(UTC) - timedelta(days=1)
            usage = await cloud.get_compute_usage(project, start=begin)
            assert usage.total_hours == 0
            with pytest.raises(aiocloud.CloudError):
                await cloud.set_compute_quotas(project, no_such_thing=1)
        finally:
            await cloud.delete_project(project)


async def test_types_of_volumes(target: Target) -> None:
    async with administrator(target) as cloud:
        await needs(cloud, "block-storage")
        joined = await cloud.current_project()
        assert joined is not None and joined.id is not None
        kind = await cloud.block_storage.types.create(name=target.prefix, description="größe", is_public=False)
        try:
            await cloud.add_volume_type_access(kind, joined.id)
            assert await cloud.get_volume_type_access(kind) == [joined.id]
            await cloud.remove_volume_type_access(target.prefix, joined.id)
            assert await cloud.get_volume_type_access(kind) == []
            found = await cloud.get_volume_type(target.prefix)
            assert found is not None and found.id == kind.id
        finally:
            await cloud.block_storage.types.delete(kind)
