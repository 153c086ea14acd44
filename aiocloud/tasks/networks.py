"""Networks, subnets, ports and routers. API: https://docs.openstack.org/api-ref/network/v2/"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Unpack, overload

from aiocloud.errors import InvalidRequest
from aiocloud.model import Which
from aiocloud.reconcile import described
from aiocloud.region import Region
from aiocloud.services.network.info import Extension
from aiocloud.services.network.network import Network
from aiocloud.services.network.port import Port, PortWords
from aiocloud.services.network.quota import NetworkQuotaDetails, NetworkQuotas
from aiocloud.services.network.router import Router, RouterInterface
from aiocloud.services.network.subnet import Subnet
from aiocloud.tasks.lookup import by_id, given, project_id_of
from aiocloud.tasks.undo import Undo

__all__ = [
    "add_router_interface",
    "create_network",
    "create_port",
    "create_router",
    "create_subnet",
    "delete_network_quotas",
    "get_network_by_id",
    "get_network_extensions",
    "get_network_quotas",
    "get_port_by_id",
    "get_subnet_by_id",
    "list_router_interfaces",
    "remove_router_interface",
    "set_network_quotas",
    "update_network",
    "update_router",
    "update_subnet",
]

_PROVIDER = ("network_type", "physical_network", "segmentation_id")
_INSIDE = (
    "network:router_interface",
    "network:router_interface_distributed",
    "network:ha_router_replicated_interface",
)
_OUTSIDE = ("network:router_gateway",)

IPv6Mode = Literal["slaac", "dhcpv6-stateful", "dhcpv6-stateless"]


async def create_network(
    cloud: Region,
    name: str,
    shared: bool = False,
    admin_state_up: bool = True,
    external: bool = False,
    provider: Mapping[str, Any] | None = None,
    project_id: str | None = None,
    availability_zone_hints: Sequence[str] | None = None,
    port_security_enabled: bool | None = None,
    mtu_size: int | None = None,
    dns_domain: str | None = None,
    *,
    description: str | None = None,
    extra_body: dict[str, Any] | None = None,
) -> Network:
    """Make a network. `shared`, `external` and `provider` are for administrators.

    `provider` says how it is made: `network_type`, `physical_network`, `segmentation_id`. `mtu_size` is in bytes.
    """
    wanted = given(
        admin_state_up=admin_state_up,
        # What is False anyway is not sent: some clouds allow only administrators to say so.
        shared=shared or None,
        external=external or None,
        project_id=project_id,
        availability_zone_hints=None if availability_zone_hints is None else [*availability_zone_hints],
        port_security_enabled=port_security_enabled,
        mtu=mtu_size,
        dns_domain=dns_domain,
        description=description,
        extra_body=extra_body,
    )
    return await cloud.network.networks.create(name=name, **wanted, **_provider(provider))


def _provider(provider: Mapping[str, Any] | None) -> dict[str, Any]:
    unknown = sorted(set(provider or {}) - set(_PROVIDER))
    if unknown:
        raise InvalidRequest(f"provider has {', '.join(_PROVIDER)}; it has no {', '.join(unknown)}")
    return dict(provider or {})


async def update_network(
    cloud: Region,
    name_or_id: Which,
    *,
    name: str | None = None,
    shared: bool | None = None,
    admin_state_up: bool | None = None,
    external: bool | None = None,
    provider: Mapping[str, Any] | None = None,
    mtu_size: int | None = None,
    port_security_enabled: bool | None = None,
    dns_domain: str | None = None,
    description: str | None = None,
    extra_body: dict[str, Any] | None = None,
) -> Network:
    """Change a network; what is not given stays as it is."""
    wanted = given(
        name=name,
        shared=shared,
        admin_state_up=admin_state_up,
        external=external,
        mtu=mtu_size,
        port_security_enabled=port_security_enabled,
        dns_domain=dns_domain,
        description=description,
        extra_body=extra_body,
    )
    return await cloud.network.networks.update(name_or_id, **wanted, **_provider(provider))


async def get_network_by_id(cloud: Region, id: str) -> Network | None:
    """The network with this id, or None."""
    return await by_id(cloud.network.networks, id)


async def create_subnet(
    cloud: Region,
    network_name_or_id: Which,
    cidr: str | None = None,
    ip_version: int | str = 4,
    enable_dhcp: bool = False,
    subnet_name: str | None = None,
    tenant_id: str | None = None,
    allocation_pools: Sequence[Mapping[str, str]] | None = None,
    gateway_ip: str | None = None,
    disable_gateway_ip: bool = False,
    dns_nameservers: Sequence[str] | None = None,
    host_routes: Sequence[Mapping[str, str]] | None = None,
    ipv6_ra_mode: IPv6Mode | None = None,
    ipv6_address_mode: IPv6Mode | None = None,
    prefixlen: int | str | None = None,
    use_default_subnetpool: bool = False,
    subnetpool_name_or_id: Which | None = None,
    *,
    description: str | None = None,
    dns_publish_fixed_ip: bool | None = None,
    segment_id: str | None = None,
    service_types: Sequence[str] | None = None,
    extra_body: dict[str, Any] | None = None,
) -> Subnet:
    """Make a subnet on a network: of `cidr`, or of `prefixlen` bits from a subnet pool.

    DHCP is off unless `enable_dhcp`. The gateway is the first address unless `gateway_ip` names one or
    `disable_gateway_ip` wants none. Raises InvalidRequest when these contradict each other or nothing says which addresses.
    """
    if cidr is None and not use_default_subnetpool and subnetpool_name_or_id is None:
        raise InvalidRequest("a subnet needs a cidr, or a subnet pool to come from")
    pool = subnetpool_name_or_id
    wanted = given(
        cidr=cidr,
        name=subnet_name,
        project_id=tenant_id,
        allocation_pools=_dicts(allocation_pools),
        dns_nameservers=None if dns_nameservers is None else [*dns_nameservers],
        host_routes=_dicts(host_routes),
        ipv6_ra_mode=ipv6_ra_mode,
        ipv6_address_mode=ipv6_address_mode,
        prefixlen=None if prefixlen is None else int(prefixlen),
        use_default_subnetpool=use_default_subnetpool or None,
        subnetpool_id=None if pool is None else await cloud.network.subnet_pools.id_of(pool),
        description=description,
        dns_publish_fixed_ip=dns_publish_fixed_ip,
        segment_id=segment_id,
        service_types=None if service_types is None else [*service_types],
        extra_body=extra_body,
        **_gateway(gateway_ip, disable_gateway_ip),
    )
    if disable_gateway_ip:
        wanted["gateway_ip"] = None
    return await cloud.network.subnets.create(
        network_id=await cloud.network.networks.id_of(network_name_or_id),
        ip_version=_ip_version(ip_version),
        enable_dhcp=enable_dhcp,
        **wanted,
    )


def _ip_version(version: int | str) -> Literal[4, 6]:
    if str(version) not in ("4", "6"):
        raise InvalidRequest(f"ip_version is 4 or 6, not {version!r}")
    return 4 if str(version) == "4" else 6


def _gateway(gateway_ip: str | None, disable: bool | None) -> dict[str, Any]:
    if gateway_ip is not None and disable:
        raise InvalidRequest("gateway_ip and disable_gateway_ip contradict each other")
    return {"gateway_ip": gateway_ip}


def _dicts(values: Sequence[Mapping[str, str]] | None) -> list[dict[str, str]] | None:
    return None if values is None else [dict(value) for value in values]


async def update_subnet(
    cloud: Region,
    name_or_id: Which,
    subnet_name: str | None = None,
    enable_dhcp: bool | None = None,
    gateway_ip: str | None = None,
    disable_gateway_ip: bool | None = None,
    allocation_pools: Sequence[Mapping[str, str]] | None = None,
    dns_nameservers: Sequence[str] | None = None,
    host_routes: Sequence[Mapping[str, str]] | None = None,
    *,
    description: str | None = None,
    service_types: Sequence[str] | None = None,
    extra_body: dict[str, Any] | None = None,
) -> Subnet:
    """Change a subnet; what is not given stays as it is. `disable_gateway_ip` takes its gateway away."""
    wanted = given(
        name=subnet_name,
        enable_dhcp=enable_dhcp,
        allocation_pools=_dicts(allocation_pools),
        dns_nameservers=None if dns_nameservers is None else [*dns_nameservers],
        host_routes=_dicts(host_routes),
        description=description,
        service_types=None if service_types is None else [*service_types],
        extra_body=extra_body,
        **_gateway(gateway_ip, disable_gateway_ip),
    )
    if disable_gateway_ip:
        wanted["gateway_ip"] = None
    return await cloud.network.subnets.update(name_or_id, **wanted)


async def get_subnet_by_id(cloud: Region, id: str) -> Subnet | None:
    """The subnet with this id, or None."""
    return await by_id(cloud.network.subnets, id)


async def create_port(
    cloud: Region,
    network_id: Which,
    *,
    name: str | None = None,
    description: str | None = None,
    admin_state_up: bool | None = None,
    mac_address: str | None = None,
    fixed_ips: Sequence[Mapping[str, Any]] | None = None,
    subnet_id: str | None = None,
    ip_address: str | None = None,
    security_groups: Sequence[Which] | None = None,
    port_security_enabled: bool | None = None,
    allowed_address_pairs: Sequence[Mapping[str, Any]] | None = None,
    extra_dhcp_opts: Sequence[Mapping[str, Any]] | None = None,
    device_id: str | None = None,
    device_owner: str | None = None,
    binding_host_id: str | None = None,
    binding_profile: dict[str, Any] | None = None,
    binding_vnic_type: str | None = None,
    dns_name: str | None = None,
    dns_domain: str | None = None,
    numa_affinity_policy: str | None = None,
    propagate_uplink_status: bool | None = None,
    qos_policy_id: str | None = None,
    project_id: str | None = None,
    tags: Sequence[str] | None = None,
    extra_body: dict[str, Any] | None = None,
    **words: Unpack[PortWords],
) -> Port:
    """Make a port on a network, given by name or id.

    `fixed_ips` are mappings with `subnet_id` and `ip_address`; `subnet_id` and `ip_address` are short for one of them.
    No `security_groups` means the project's default group, an empty list means none at all. `binding_vnic_type` and its
    kin may also be called as Neutron does, `binding:vnic_type`.
    """
    wanted: dict[str, Any] = given(
        name=name,
        description=description,
        admin_state_up=admin_state_up,
        mac_address=mac_address,
        fixed_ips=_fixed_ips(fixed_ips, subnet_id, ip_address),
        security_groups=await _group_ids(cloud, security_groups),
        port_security_enabled=port_security_enabled,
        allowed_address_pairs=_dicts(allowed_address_pairs),
        extra_dhcp_opts=_dicts(extra_dhcp_opts),
        device_id=device_id,
        device_owner=device_owner,
        binding_host_id=binding_host_id,
        binding_profile=binding_profile,
        binding_vnic_type=binding_vnic_type,
        dns_name=dns_name,
        dns_domain=dns_domain,
        numa_affinity_policy=numa_affinity_policy,
        propagate_uplink_status=propagate_uplink_status,
        qos_policy_id=qos_policy_id,
        project_id=project_id,
        tags=None if tags is None else [*tags],
        extra_body=extra_body,
    )
    wanted.update(_in_python(words))
    return await _create_port(cloud, await cloud.network.networks.id_of(network_id), wanted)


def _in_python(words: PortWords) -> dict[str, Any]:
    return {key.replace(":", "_"): value for key, value in words.items()}


def _fixed_ips(
    fixed_ips: Sequence[Mapping[str, Any]] | None, subnet_id: str | None, ip_address: str | None
) -> list[dict[str, Any]] | None:
    if subnet_id is None and ip_address is None:
        return _dicts(fixed_ips)
    if fixed_ips is not None:
        raise InvalidRequest("fixed_ips says it all: subnet_id and ip_address stand for one of them")
    return [given(subnet_id=subnet_id, ip_address=ip_address)]


async def _group_ids(cloud: Region, groups: Sequence[Which] | None) -> list[str] | None:
    return None if groups is None else [await cloud.network.security_groups.id_of(group) for group in groups]


async def _create_port(cloud: Region, network_id: str, wanted: dict[str, Any]) -> Port:
    """One POST, reconciled by its mark when it ends ambiguously. A description of the caller's leaves no room for a mark."""
    ports = cloud.network.ports
    if "description" in wanted:
        return await ports.create(network_id=network_id, **wanted)
    async with Undo(cloud) as undo:
        mark = described(undo.mark)

        async def look() -> Sequence[Port]:
            return [port for port in await ports.list(description=mark) if port.description == mark]

        marked: dict[str, Any] = {**wanted, "network_id": network_id, "description": mark}
        return await undo.create("port", lambda: ports.create(**marked), look, ports.delete)


async def get_port_by_id(cloud: Region, id: str) -> Port | None:
    """The port with this id, or None."""
    return await by_id(cloud.network.ports, id)


async def create_router(
    cloud: Region,
    name: str | None = None,
    admin_state_up: bool = True,
    ext_gateway_net_id: Which | None = None,
    enable_snat: bool | None = None,
    ext_fixed_ips: Sequence[Mapping[str, str]] | None = None,
    project_id: str | None = None,
    availability_zone_hints: Sequence[str] | None = None,
    *,
    description: str | None = None,
    extra_body: dict[str, Any] | None = None,
) -> Router:
    """Make a router, with its way out on `ext_gateway_net_id` where one is given.

    `ext_fixed_ips` are its addresses there, mappings with `subnet_id` and `ip_address`; `enable_snat` lets what is behind
    it out under its address. Both may need an administrator.
    """
    network_id = None if ext_gateway_net_id is None else await cloud.network.networks.id_of(ext_gateway_net_id)
    gateway = _gateway_info(network_id, enable_snat, ext_fixed_ips)
    wanted = given(
        name=name,
        external_gateway_info=gateway or None,
        project_id=project_id,
        availability_zone_hints=None if availability_zone_hints is None else [*availability_zone_hints],
        description=description,
        extra_body=extra_body,
    )
    return await cloud.network.routers.create(admin_state_up=admin_state_up, **wanted)


def _gateway_info(
    network_id: str | None, enable_snat: bool | None, ext_fixed_ips: Sequence[Mapping[str, str]] | None
) -> dict[str, Any]:
    return given(network_id=network_id, enable_snat=enable_snat, external_fixed_ips=_dicts(ext_fixed_ips))


async def update_router(
    cloud: Region,
    name_or_id: Which,
    name: str | None = None,
    admin_state_up: bool | None = None,
    ext_gateway_net_id: Which | None = None,
    enable_snat: bool | None = None,
    ext_fixed_ips: Sequence[Mapping[str, str]] | None = None,
    routes: Sequence[Mapping[str, str]] | None = None,
    *,
    description: str | None = None,
    extra_body: dict[str, Any] | None = None,
) -> Router:
    """Change a router; what is not given stays as it is, also the network that its gateway is on.

    `cloud.network.routers.update(router, external_gateway_info=None)` takes the gateway away.
    """
    routers = cloud.network.routers
    network_id = None if ext_gateway_net_id is None else await cloud.network.networks.id_of(ext_gateway_net_id)
    gateway = _gateway_info(network_id, enable_snat, ext_fixed_ips)
    if gateway and network_id is None:
        found = await routers.require(name_or_id)
        name_or_id = found
        gateway["network_id"] = (found.external_gateway_info or {}).get("network_id")
    wanted = given(
        name=name,
        admin_state_up=admin_state_up,
        external_gateway_info=gateway or None,
        routes=_dicts(routes),
        description=description,
        extra_body=extra_body,
    )
    return await routers.update(name_or_id, **wanted)


async def add_router_interface(
    cloud: Region, router: Which, subnet_id: Which | None = None, port_id: Which | None = None
) -> RouterInterface:
    """Join a router to a subnet, or to the subnet of a port."""
    return await cloud.network.routers.add_interface(router, *await _leg(cloud, subnet_id, port_id))


async def remove_router_interface(
    cloud: Region, router: Which, subnet_id: Which | None = None, port_id: Which | None = None
) -> None:
    """Take a router's leg out of a subnet. Raises NotFound when it has none there, Conflict when it is still needed."""
    await cloud.network.routers.remove_interface(router, *await _leg(cloud, subnet_id, port_id))


async def _leg(cloud: Region, subnet: Which | None, port: Which | None) -> tuple[str | None, str | None]:
    return (
        None if subnet is None else await cloud.network.subnets.id_of(subnet),
        None if port is None else await cloud.network.ports.id_of(port),
    )


async def list_router_interfaces(
    cloud: Region, router: Which, interface_type: Literal["internal", "external"] | None = None
) -> list[Port]:
    """The ports of a router: those in subnets ("internal"), its gateway's ("external"), or both."""
    kinds = {"internal": _INSIDE, "external": _OUTSIDE, None: (*_INSIDE, *_OUTSIDE)}
    if interface_type not in kinds:
        raise InvalidRequest(f"interface_type is internal, external or None, not {interface_type!r}")
    ports = await cloud.network.ports.list(device_id=await cloud.network.routers.id_of(router))
    return [port for port in ports if port.device_owner in kinds[interface_type]]


async def get_network_extensions(cloud: Region) -> set[str]:
    """The aliases of what this Neutron can do."""
    extensions: list[Extension] = await cloud.network.extensions.list()
    return {extension.alias for extension in extensions}


@overload
async def get_network_quotas(cloud: Region, name_or_id: Which, details: Literal[False] = False) -> NetworkQuotas: ...
@overload
async def get_network_quotas(cloud: Region, name_or_id: Which, details: Literal[True]) -> NetworkQuotaDetails: ...
async def get_network_quotas(
    cloud: Region, name_or_id: Which, details: bool = False
) -> NetworkQuotas | NetworkQuotaDetails:
    """A project's network quotas; with `details` also what it uses of them."""
    project_id = await project_id_of(cloud, name_or_id)
    quotas = cloud.network.quotas
    return await quotas.details(project_id) if details else await quotas.get(project_id)


async def set_network_quotas(cloud: Region, name_or_id: Which, **quotas: int) -> NetworkQuotas:
    """Set a project's network quotas, by Neutron's names or ours: `network=20, floating_ips=5`. For administrators."""
    return await cloud.network.quotas.update(await project_id_of(cloud, name_or_id), quotas)


async def delete_network_quotas(cloud: Region, name_or_id: Which) -> None:
    """Put a project's network quotas back to the defaults. For administrators."""
    await cloud.network.quotas.delete(await project_id_of(cloud, name_or_id))
