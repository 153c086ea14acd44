"""What neutron says of itself: versions, extensions, quotas, zones, agents, and how full networks are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiocloud.testing.http import Fail, Reply, Req, Routes
from aiocloud.testing.neutron_query import Item
from aiocloud.testing.state import stamp

if TYPE_CHECKING:
    from aiocloud.testing.neutron import Neutron

EXTENSIONS = [
    "address-group",
    "agent",
    "allowed-address-pairs",
    "availability_zone",
    "availability_zone_filter",
    "default-subnetpools",
    "empty-string-filtering",
    "external-net",
    "extra_dhcp_opt",
    "filter-validation",
    "ip-substring-filtering",
    "net-mtu",
    "net-mtu-writable",
    "network_availability_zone",
    "network-ip-availability",
    "pagination",
    "port-security",
    "project-id",
    "provider",
    "binding",
    "quotas",
    "quota_details",
    "revision-if-match",
    "security-group",
    "security-groups-normalized-cidr",
    "security-groups-remote-address-group",
    "stateful-security-group",
    "sorting",
    "standard-attr-description",
    "standard-attr-revisions",
    "standard-attr-tag",
    "standard-attr-timestamp",
    "subnet-external-network",
    "subnet-service-types",
    "subnet_allocation",
    "tag-creation",
    "address-scope",
    "qos",
    "qos-rule-type-details",
    "rbac-policies",
    "trunk",
    "trunk-details",
]
ROUTER_EXTENSIONS = [
    "router",
    "ext-gw-mode",
    "extraroute",
    "extraroute-atomic",
    "fip-port-details",
    "floatingip-pools",
    "l3_agent_scheduler",
    "router_availability_zone",
    "floating-ip-port-forwarding",
    "expose-port-forwarding-in-fip",
    "fwaas_v2",
    "service-type",
    "l3-flavors",
]
DNS_EXTENSIONS = ["dns-integration", "dns-domain-ports"]

FURTHER_QUOTAS = {"router_route": 30}
COUNTED = frozenset(
    {
        *("network", "subnet", "subnetpool", "port", "router", "floatingip", "rbac_policy", "trunk"),
        *("security_group", "security_group_rule"),
    }
)
"""Resources that have a quota."""
PROVIDERS = ("dvrha", "dvr", "ha", "single_node")


class Info:
    """The routes that are not about a resource of a project."""

    def __init__(self, neutron: Neutron) -> None:
        self.neutron = neutron

    def mount(self, routes: Routes) -> None:
        """Add the routes."""
        routes.add("GET", "/", self.versions, open=True)
        routes.add("GET", "/v2.0", self.resources)
        routes.add("GET", "/v2.0/extensions", self.extensions)
        routes.add("GET", "/v2.0/extensions/{alias}", self.extension)
        routes.add("GET", "/v2.0/availability_zones", self.availability_zones)
        routes.add("GET", "/v2.0/agents", self.agents)
        if self.neutron.has_router:
            routes.add("GET", "/v2.0/service-providers", self.service_providers)
            routes.add("GET", "/v2.0/flavors", self.flavors)
            routes.add("GET", "/v2.0/floatingip-pools", self.floatingip_pools)
        routes.add("GET", "/v2.0/network-ip-availabilities", self.availabilities)
        routes.add("GET", "/v2.0/network-ip-availabilities/{id}", self.availability)
        routes.add("GET", "/v2.0/quotas", self.quotas)
        for suffix in ("", ".json"):
            routes.add("GET", f"/v2.0/quotas/{{project}}/default{suffix}", self.default_quota)
            routes.add("GET", f"/v2.0/quotas/{{project}}/details{suffix}", self.quota_details)
        routes.add("GET", "/v2.0/quotas/{project}", self.quota)
        routes.add("PUT", "/v2.0/quotas/{project}", self.set_quota)
        routes.add("DELETE", "/v2.0/quotas/{project}", self.reset_quota)

    async def versions(self, req: Req) -> Reply:
        """The root, without a token."""
        links = [{"rel": "self", "href": f"{req.base}/v2.0/"}]
        return Reply.json({"versions": [{"id": "v2.0", "status": "CURRENT", "links": links}]})

    async def resources(self, req: Req) -> Reply:
        """What /v2.0/ lists: the core resources."""
        core = [("network", "networks"), ("subnet", "subnets"), ("subnetpool", "subnetpools"), ("port", "ports")]
        found = [
            {"name": one, "collection": many, "links": [{"rel": "self", "href": f"{req.base}/v2.0/{many}"}]}
            for one, many in core
        ]
        return Reply.json({"resources": found})

    # Extensions

    def aliases(self) -> list[str]:
        """The extensions that this region has."""
        aliases = list(EXTENSIONS)
        if self.neutron.has_router:
            aliases += ROUTER_EXTENSIONS
        if self.neutron.has_dns:
            aliases += DNS_EXTENSIONS
        return sorted(aliases)

    def described(self, alias: str) -> Item:
        """One extension as the API shows it."""
        words = alias.replace("-", " ").replace("_", " ")
        updated = "2026-04-01T00:00:00-00:00"
        return {"name": words.capitalize(), "alias": alias, "description": words, "updated": updated, "links": []}

    async def extensions(self, req: Req) -> Reply:  # noqa: ARG002
        """GET /extensions."""
        return Reply.json({"extensions": [self.described(alias) for alias in self.aliases()]})

    async def extension(self, req: Req) -> Reply:
        """GET /extensions/ALIAS."""
        alias = req.args["alias"]
        if alias not in self.aliases():
            raise Fail(404, f"Extension with alias {alias} does not exist", "ExtensionNotFound")
        return Reply.json({"extension": self.described(alias)})

    # Zones and agents

    async def availability_zones(self, req: Req) -> Reply:  # noqa: ARG002
        """GET /availability_zones."""
        resources = ["router", "network"] if self.neutron.has_router else ["network"]
        zones = [{"state": "available", "name": "nova", "resource": resource} for resource in resources]
        return Reply.json({"availability_zones": zones})

    async def agents(self, req: Req) -> Reply:
        """GET /agents: administrators see them."""
        names = {"Open vSwitch agent": "neutron-openvswitch-agent", "DHCP agent": "neutron-dhcp-agent"}
        if self.neutron.has_router:
            names["L3 agent"] = "neutron-l3-agent"
        now = stamp(self.neutron.region.clock.now(), suffix="").replace("T", " ")
        agents: list[Item] = [
            {
                "id": self.neutron.region.ids.fixed(binary),
                "agent_type": kind,
                "binary": binary,
                "topic": "N/A",
                "host": "fake-compute",
                "admin_state_up": True,
                "created_at": now,
                "started_at": now,
                "heartbeat_timestamp": now,
                "description": None,
                "resources_synced": None,
                "availability_zone": "nova",
                "alive": True,
                "configurations": {},
            }
            for kind, binary in names.items()
        ]
        return Reply.json({"agents": agents if req.is_admin else []})

    # What routers can be, and where floating IPs come from

    async def service_providers(self, req: Req) -> Reply:  # noqa: ARG002
        """GET /service-providers."""
        found = [{"service_type": "L3_ROUTER_NAT", "name": name, "default": False} for name in PROVIDERS]
        return Reply.json({"service_providers": found})

    async def flavors(self, req: Req) -> Reply:  # noqa: ARG002
        """GET /flavors: routers come in one make here."""
        return Reply.json({"flavors": []})

    async def floatingip_pools(self, req: Req) -> Reply:
        """GET /floatingip-pools: the subnets of external networks."""
        owner = {"project_id": req.project_id, "tenant_id": req.project_id}
        found = [
            {
                "subnet_id": subnet["id"],
                "subnet_name": subnet["name"],
                "network_id": subnet["network_id"],
                "cidr": subnet["cidr"],
                **owner,
            }
            for subnet in self.neutron.subnets.values()
            if self.neutron.networks[subnet["network_id"]]["router:external"]
        ]
        return Reply.json({"floatingip_pools": found})

    # How full networks are

    async def availabilities(self, req: Req) -> Reply:
        """GET /network-ip-availabilities: administrators see them."""
        networks: list[Item] = list(self.neutron.networks.values()) if req.is_admin else []
        wanted = req.get("network_id"), req.get("network_name")
        found = [
            self.filling(network)
            for network in networks
            if wanted[0] in {None, network["id"]} and wanted[1] in {None, network["name"]}
        ]
        return Reply.json({"network_ip_availabilities": found})

    async def availability(self, req: Req) -> Reply:
        """GET /network-ip-availabilities/NETWORK."""
        network = self.neutron.networks.need(req.args["id"] if req.is_admin else None)
        return Reply.json({"network_ip_availability": self.filling(network)})

    def filling(self, network: Item) -> Item:
        """Used and total addresses of a network."""
        subnets: list[Item] = []
        for subnet in self.neutron.subnets.of_network(network["id"]):
            pool = self.neutron.subnets.pools[subnet["id"]]
            subnets.append(
                {
                    "subnet_id": subnet["id"],
                    "subnet_name": subnet["name"],
                    "ip_version": subnet["ip_version"],
                    "cidr": subnet["cidr"],
                    "used_ips": len(pool.used),
                    "total_ips": pool.total,
                    "ip_availability_details": {
                        "total_ips_in_subnet": pool.network.num_addresses - (2 if subnet["ip_version"] == 4 else 0),
                        "total_ips_in_allocation_pool": pool.total,
                        "used_ips_in_subnet": len(pool.used),
                        "used_ips_in_allocation_pool": pool.used_in_ranges(),
                    },
                }
            )
        details = {
            key: sum(subnet["ip_availability_details"][key] for subnet in subnets)
            for key in (
                "total_ips_in_subnet",
                "total_ips_in_allocation_pool",
                "used_ips_in_subnet",
                "used_ips_in_allocation_pool",
            )
        }
        return {
            "network_id": network["id"],
            "network_name": network["name"],
            "project_id": network["project_id"],
            "tenant_id": network["project_id"],
            "subnet_ip_availability": subnets,
            "used_ips": sum(subnet["used_ips"] for subnet in subnets),
            "total_ips": sum(subnet["total_ips"] for subnet in subnets),
            "ip_availability_details": details,
        }

    # Quotas

    def limits(self, project_id: str) -> dict[str, int]:
        """A project's quotas by name."""
        region = self.neutron.region
        found = {table.one: table.limit(project_id) for table in self.neutron.tables if table.one in COUNTED}
        return {**found, **{name: region.quota(project_id, name, limit) for name, limit in FURTHER_QUOTAS.items()}}

    def allow(self, req: Req, rule: str) -> str:
        """The project in the path, when the caller may ask about it."""
        project = req.args["project"]
        if not req.is_admin and (project != req.project_id or rule != "get_quota"):
            raise Fail(403, f"rule:{rule} is disallowed by policy", "PolicyNotAuthorized")
        return project

    async def quotas(self, req: Req) -> Reply:
        """GET /quotas: projects with quotas of their own, for administrators."""
        if not req.is_admin:
            raise Fail(403, "rule:get_quota is disallowed by policy", "PolicyNotAuthorized")
        projects = sorted({project for project, name in self.neutron.region.quotas if name in self.limits(project)})
        found: list[dict[str, Any]] = [
            {**self.limits(project), "project_id": project, "tenant_id": project} for project in projects
        ]
        return Reply.json({"quotas": found})

    async def quota(self, req: Req) -> Reply:
        """GET /quotas/PROJECT."""
        return Reply.json({"quota": self.limits(self.allow(req, "get_quota"))})

    async def default_quota(self, req: Req) -> Reply:
        """GET /quotas/PROJECT/default."""
        self.allow(req, "get_quota")
        return Reply.json({"quota": self.limits("")})

    async def quota_details(self, req: Req) -> Reply:
        """GET /quotas/PROJECT/details: with what is used."""
        project = self.allow(req, "get_quota")
        used = {table.one: table.used(project) for table in self.neutron.tables}
        found = {
            name: {"limit": limit, "used": used.get(name, 0), "reserved": 0}
            for name, limit in self.limits(project).items()
        }
        return Reply.json({"quota": found})

    async def set_quota(self, req: Req) -> Reply:
        """PUT /quotas/PROJECT: administrators only."""
        project = self.allow(req, "update_quota")
        given = self.neutron.part(await self.neutron.body(req), "quota")
        known = self.limits(project)
        odd = [name for name in given if name not in known]
        if odd:
            raise Fail(400, f"Unrecognized attribute(s) '{', '.join(odd)}'")
        for name, limit in given.items():
            self.neutron.region.quotas[project, name] = int(limit)
        return Reply.json({"quota": self.limits(project)})

    async def reset_quota(self, req: Req) -> Reply:
        """DELETE /quotas/PROJECT: back to the defaults."""
        project = self.allow(req, "delete_quota")
        for name in self.limits(project):
            self.neutron.region.quotas.pop((project, name), None)
        return Reply(204)
