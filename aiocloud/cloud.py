"""What users hold: a region with every `{verb}_{noun}` on it: a table of contents, each line leading to where it is done."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import anyio

from aiocloud.auth.token import Catalog, Named
from aiocloud.config.relogin import as_project, as_somebody_else
from aiocloud.config.schema import CloudConfig
from aiocloud.model import Location
from aiocloud.pretty import pformat
from aiocloud.region import Region
from aiocloud.session import Options, Session
from aiocloud.tasks import (
    compute,
    downloads,
    flavors,
    floating_ips,
    images,
    networks,
    objects,
    picking,
    searching,
    security_groups,
    servers,
    volume_copies,
    volumes,
)
from aiocloud.transport.limits import Stats
from aiocloud.verb import via

__all__ = ["Cloud"]


class Cloud(Region):
    """One region of one cloud. Services are attributes; tasks are methods. `async with` closes it.

    Every method also works unbound, with the cloud as its first argument: that is what a fleet maps over many.
    """

    def __init__(self, session: Session, config: CloudConfig, options: Options, *, owner: bool = True) -> None:
        super().__init__(session, config, options)
        self._owner = owner

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close all connections; of a view or a fleet's cloud nothing, since they are not its own."""
        if self._owner:
            with anyio.CancelScope(shield=True):
                await self.session.aclose()

    close = aclose

    # The connection

    async def authorize(self) -> str:
        """The token as text; logs in where needed. Raises AuthError, saying what to do."""
        return (await self.session.token()).text

    def with_options(
        self,
        *,
        timeout: float | None = None,
        retries: int | None = None,
        strict: bool | None = None,
        global_request_id: str | None = None,
    ) -> Cloud:
        """A view of the same cloud, session and login, whose calls are made in another way.

        `timeout` is the deadline of a whole call in seconds; `retries` how often one may be sent again; `strict` reads
        only declared fields; `global_request_id` (`req-` and a UUID) is sent along, so that logs can be put together.
        """
        given = {"timeout": timeout, "retries": retries, "strict": strict, "global_request_id": global_request_id}
        changes: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
        return Cloud(self.session, self.config, dataclasses.replace(self.options, **changes), owner=False)

    def global_request(self, global_request_id: str) -> Cloud:
        """A view whose requests all carry this id (`req-` and a UUID)."""
        return self.with_options(global_request_id=global_request_id)

    def connect_as(self, **auth: Any) -> Cloud:
        """The same cloud and region as somebody else: keys of `auth` replaced, with a login of its own.

        Naming a user, project or domain by name drops an inherited id of it, and the other way round.
        """
        return self._relogin(as_somebody_else(self.config, auth))

    def connect_as_project(self, project: str | Mapping[str, Any]) -> Cloud:
        """The same user in another project, given by name, or as `{"id": ...}` or `{"name": ...}`."""
        return self._relogin(as_project(self.config, project))

    def _relogin(self, config: CloudConfig) -> Cloud:
        return Cloud(self.session.sibling(config), config, self.options, owner=True)

    async def service_catalog(self) -> Catalog:
        """The services of the cloud, in all its regions, as the login named them."""
        return (await self.session.token()).catalog

    async def current_project(self) -> Named | None:
        """The project that the login is for; None when it is for none."""
        return (await self.session.token()).project

    async def current_user(self) -> Named | None:
        """Who we are."""
        return (await self.session.token()).user

    async def current_location(self) -> Location:
        """Cloud, region and project."""
        await self.session.token()
        return self.session.location(self.region_name)

    async def endpoint_for(
        self, service_type: str, interface: str | None = None, region_name: str | None = None
    ) -> str | None:
        """Where the configuration, or else the catalog, says that a service is, or None."""
        wanted = self.config.service(service_type)
        changes: dict[str, Any] = {}
        if interface:
            changes["interface"] = (interface,)
        if region_name:
            changes["region_name"] = region_name
        return await self.session.catalog_url(dataclasses.replace(wanted, **changes))

    async def get_session_endpoint(
        self, service_key: str, min_version: str | None = None, max_version: str | None = None
    ) -> str | None:
        """The URL at which a service is called, its version chosen; None when there is none in these major versions."""
        if not await self.has_service(service_key):
            return None
        found = await self.endpoint(service_key).service()
        least, most = (int(v.split(".")[0]) if v else None for v in (min_version, max_version))
        major = found.version.major if found.version else None
        if major is not None and ((least is not None and major < least) or (most is not None and major > most)):
            return None
        return found.url

    def stats(self) -> Mapping[str, Stats]:
        """What each service of this region was asked: requests, repetitions, seconds spent waiting for a limit."""
        stats = self.session.stats()
        return {str(kind): stat for (_, region, kind), stat in stats.items() if region in (self.region_name, None)}

    def get_name(self) -> str:
        """The cloud's name."""
        return self.name

    def pformat(self, resource: Any) -> str:
        """A resource, or a list of them, for people to read."""
        return pformat(resource)

    def pprint(self, resource: Any) -> None:
        """Print a resource, or a list of them, for people to read."""
        print(pformat(resource))  # noqa: T201 - what it is for

    # Servers

    create_server = servers.create_server
    delete_server = servers.delete_server
    get_active_server = servers.get_active_server
    get_server = servers.get_server
    get_server_by_id = servers.get_server_by_id
    get_server_id = servers.get_server_id
    list_servers = servers.list_servers
    rebuild_server = servers.rebuild_server
    search_servers = servers.search_servers
    update_server = servers.update_server
    wait_for_server = servers.wait_for_server
    get_server_console = compute.get_server_console
    get_server_private_ip = compute.get_server_private_ip
    get_server_public_ip = compute.get_server_public_ip
    set_server_metadata = compute.set_server_metadata
    delete_server_metadata = compute.delete_server_metadata
    add_server_security_groups = compute.add_server_security_groups
    list_server_security_groups = compute.list_server_security_groups
    remove_server_security_groups = compute.remove_server_security_groups

    # Compute

    add_flavor_access = flavors.add_flavor_access
    create_flavor = flavors.create_flavor
    delete_flavor = via(lambda region: region.compute.flavors.delete)
    get_flavor = flavors.get_flavor
    get_flavor_by_id = flavors.get_flavor_by_id
    get_flavor_by_ram = flavors.get_flavor_by_ram
    get_flavor_name = flavors.get_flavor_name
    list_flavor_access = flavors.list_flavor_access
    list_flavors = flavors.list_flavors
    remove_flavor_access = flavors.remove_flavor_access
    search_flavors = flavors.search_flavors
    set_flavor_specs = flavors.set_flavor_specs
    unset_flavor_specs = flavors.unset_flavor_specs
    create_keypair = compute.create_keypair
    delete_keypair = via(lambda region: region.compute.keypairs.delete)
    get_keypair = via(lambda region: region.compute.keypairs.find)
    list_keypairs = via(lambda region: region.compute.keypairs.list)
    search_keypairs = via(lambda region: region.compute.keypairs.search)
    create_server_group = compute.create_server_group
    delete_server_group = via(lambda region: region.compute.server_groups.delete)
    get_server_group = via(lambda region: region.compute.server_groups.find)
    list_server_groups = via(lambda region: region.compute.server_groups.list)
    search_server_groups = via(lambda region: region.compute.server_groups.search)
    add_host_to_aggregate = compute.add_host_to_aggregate
    create_aggregate = compute.create_aggregate
    delete_aggregate = via(lambda region: region.compute.aggregates.delete)
    get_aggregate = via(lambda region: region.compute.aggregates.find)
    list_aggregates = via(lambda region: region.compute.aggregates.list)
    remove_host_from_aggregate = compute.remove_host_from_aggregate
    search_aggregates = via(lambda region: region.compute.aggregates.search)
    set_aggregate_metadata = compute.set_aggregate_metadata
    update_aggregate = via(lambda region: region.compute.aggregates.update)
    list_availability_zone_names = compute.list_availability_zone_names
    list_hypervisors = via(lambda region: region.compute.hypervisors.list)
    get_compute_limits = compute.get_compute_limits
    get_compute_usage = compute.get_compute_usage
    get_compute_quotas = compute.get_compute_quotas
    set_compute_quotas = compute.set_compute_quotas
    delete_compute_quotas = compute.delete_compute_quotas

    # Addresses

    add_auto_ip = floating_ips.add_auto_ip
    add_ip_list = floating_ips.add_ip_list
    add_ips_to_server = floating_ips.add_ips_to_server
    available_floating_ip = floating_ips.available_floating_ip
    create_floating_ip = floating_ips.create_floating_ip
    delete_floating_ip = floating_ips.delete_floating_ip
    delete_unattached_floating_ips = floating_ips.delete_unattached_floating_ips
    detach_ip_from_server = floating_ips.detach_ip_from_server
    get_default_network = picking.get_default_network
    get_external_ipv4_floating_networks = picking.get_external_ipv4_floating_networks
    get_external_ipv4_networks = picking.get_external_ipv4_networks
    get_external_ipv6_networks = picking.get_external_ipv6_networks
    get_external_networks = picking.get_external_networks
    get_internal_ipv4_networks = picking.get_internal_ipv4_networks
    get_internal_ipv6_networks = picking.get_internal_ipv6_networks
    get_internal_networks = picking.get_internal_networks
    get_nat_destination = picking.get_nat_destination
    get_nat_source = picking.get_nat_source
    use_external_network = picking.use_external_network
    use_internal_network = picking.use_internal_network

    # Networks

    create_network = networks.create_network
    delete_network = via(lambda region: region.network.networks.delete)
    get_network = via(lambda region: region.network.networks.find)
    get_network_by_id = networks.get_network_by_id
    list_networks = via(lambda region: region.network.networks.list)
    search_networks = via(lambda region: region.network.networks.search)
    update_network = networks.update_network
    create_subnet = networks.create_subnet
    delete_subnet = via(lambda region: region.network.subnets.delete)
    get_subnet = via(lambda region: region.network.subnets.find)
    get_subnet_by_id = networks.get_subnet_by_id
    get_subnetpool = via(lambda region: region.network.subnet_pools.find)
    list_subnets = via(lambda region: region.network.subnets.list)
    search_subnets = via(lambda region: region.network.subnets.search)
    update_subnet = networks.update_subnet
    create_port = networks.create_port
    delete_port = via(lambda region: region.network.ports.delete)
    get_port = via(lambda region: region.network.ports.find)
    get_port_by_id = networks.get_port_by_id
    list_ports = via(lambda region: region.network.ports.list)
    search_ports = via(lambda region: region.network.ports.search)
    update_port = via(lambda region: region.network.ports.update)
    create_router = networks.create_router
    delete_router = via(lambda region: region.network.routers.delete)
    get_router = via(lambda region: region.network.routers.find)
    list_routers = via(lambda region: region.network.routers.list)
    search_routers = via(lambda region: region.network.routers.search)
    update_router = networks.update_router
    add_router_interface = networks.add_router_interface
    list_router_interfaces = networks.list_router_interfaces
    remove_router_interface = networks.remove_router_interface
    get_network_extensions = networks.get_network_extensions
    get_network_quotas = networks.get_network_quotas
    set_network_quotas = networks.set_network_quotas
    delete_network_quotas = networks.delete_network_quotas
    create_security_group = security_groups.create_security_group
    delete_security_group = via(lambda region: region.network.security_groups.delete)
    get_security_group = via(lambda region: region.network.security_groups.find)
    get_security_group_by_id = security_groups.get_security_group_by_id
    list_security_groups = via(lambda region: region.network.security_groups.list)
    search_security_groups = via(lambda region: region.network.security_groups.search)
    update_security_group = via(lambda region: region.network.security_groups.update)
    create_security_group_rule = security_groups.create_security_group_rule
    delete_security_group_rule = security_groups.delete_security_group_rule

    # Floating IPs

    get_floating_ip = floating_ips.get_floating_ip
    get_floating_ip_by_id = floating_ips.get_floating_ip_by_id
    list_floating_ips = via(lambda region: region.network.floating_ips.list)
    search_floating_ips = floating_ips.search_floating_ips
    list_floating_ip_pools = floating_ips.list_floating_ip_pools
    search_floating_ip_pools = floating_ips.search_floating_ip_pools

    # Volumes

    attach_volume = volumes.attach_volume
    create_volume = volumes.create_volume
    delete_volume = volumes.delete_volume
    detach_volume = volumes.detach_volume
    get_volume = via(lambda region: region.block_storage.volumes.find)
    get_volume_attach_device = volumes.get_volume_attach_device
    get_volume_by_id = volumes.get_volume_by_id
    get_volume_id = volumes.get_volume_id
    get_volumes = volumes.get_volumes
    list_volumes = volumes.list_volumes
    search_volumes = via(lambda region: region.block_storage.volumes.search)
    set_volume_bootable = volumes.set_volume_bootable
    update_volume = volumes.update_volume
    volume_exists = volumes.volume_exists
    create_volume_snapshot = volume_copies.create_volume_snapshot
    delete_volume_snapshot = volume_copies.delete_volume_snapshot
    get_volume_snapshot = via(lambda region: region.block_storage.snapshots.find)
    get_volume_snapshot_by_id = volume_copies.get_volume_snapshot_by_id
    list_volume_snapshots = volume_copies.list_volume_snapshots
    search_volume_snapshots = via(lambda region: region.block_storage.snapshots.search)
    create_volume_backup = volume_copies.create_volume_backup
    delete_volume_backup = volume_copies.delete_volume_backup
    export_volume_backup = volume_copies.export_volume_backup
    get_volume_backup = via(lambda region: region.block_storage.backups.find)
    list_volume_backups = volume_copies.list_volume_backups
    search_volume_backups = via(lambda region: region.block_storage.backups.search)
    add_volume_type_access = volumes.add_volume_type_access
    get_volume_type = via(lambda region: region.block_storage.types.find)
    get_volume_type_access = volumes.get_volume_type_access
    list_volume_types = volumes.list_volume_types
    remove_volume_type_access = volumes.remove_volume_type_access
    search_volume_types = volumes.search_volume_types
    get_volume_limits = volumes.get_volume_limits
    get_volume_quotas = volumes.get_volume_quotas
    set_volume_quotas = volumes.set_volume_quotas
    delete_volume_quotas = volumes.delete_volume_quotas

    # Images

    create_image = images.create_image
    delete_image = images.delete_image
    download_image = images.download_image
    get_image = images.get_image
    get_image_by_id = images.get_image_by_id
    get_image_exclude = images.get_image_exclude
    get_image_id = images.get_image_id
    get_image_name = images.get_image_name
    list_images = images.list_images
    search_images = images.search_images
    stream_image = images.stream_image
    update_image_properties = images.update_image_properties
    wait_for_image = images.wait_for_image

    # Objects

    create_container = objects.create_container
    create_directory_marker_object = objects.create_directory_marker_object
    create_object = objects.create_object
    delete_container = objects.delete_container
    delete_object = objects.delete_object
    get_container = objects.get_container
    get_container_access = objects.get_container_access
    get_object = downloads.get_object
    get_object_capabilities = objects.get_object_capabilities
    get_object_metadata = objects.get_object_metadata
    get_object_raw = downloads.get_object_raw
    get_object_segment_size = objects.get_object_segment_size
    is_object_stale = objects.is_object_stale
    list_containers = objects.list_containers
    list_objects = objects.list_objects
    search_containers = objects.search_containers
    search_objects = objects.search_objects
    set_container_access = objects.set_container_access
    stream_object = downloads.stream_object
    update_object = objects.update_object

    # Anything

    range_search = searching.range_search
    search_resources = searching.search_resources
