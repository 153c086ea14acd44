"""The commands: what can be listed, shown, created and deleted, one frozen line each; and the rest by name."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["COMMANDS", "EXTRA", "NOUNS", "Noun"]


@dataclass(frozen=True)
class Noun:
    """A kind of thing. `collection` is where its verbs are: `service.collection` of a Cloud.

    Where `Cloud` has a task of its own (`create_server`, `search_servers`, ...), that is what runs; `flat` and `flats` are
    what its names say, one and many, and `shown` is the one that shows, if it is called otherwise. Else the collection's
    verb runs, and `new` (`module:Spec`) says what a create may ask for.
    """

    name: str
    what: str
    collection: str
    columns: str
    wide: str = ""
    flat: str = ""
    flats: str = ""
    shown: str = ""
    new: str = ""
    verbs: tuple[str, ...] = ("list", "show", "create", "delete")

    @property
    def one(self) -> str:
        """As in `create_server`."""
        return self.flat or self.name.replace("-", "_")

    @property
    def many(self) -> str:
        """As in `search_servers`."""
        return self.flats or f"{self.one}s"


_READ = ("list", "show")
_COMPUTE = "aiocloud.services.compute"
_NETWORK = "aiocloud.services.network"
_VOLUME = "aiocloud.services.block_storage"
_IDENTITY = "aiocloud.services.identity"

_TABLE = (
    Noun(
        "server",
        "servers",
        "compute.servers",
        "id name status public_v4 private_v4 flavor.name",
        "task_state image.id key_name availability_zone created_at host",
    ),
    Noun("flavor", "flavors", "compute.flavors", "id name ram vcpus disk", "ephemeral swap is_public extra_specs"),
    Noun("keypair", "keypairs", "compute.keypairs", "name type fingerprint"),
    Noun("server-group", "server groups", "compute.server_groups", "id name policy members"),
    Noun("aggregate", "host aggregates", "compute.aggregates", "id name availability_zone hosts", "metadata"),
    Noun(
        "hypervisor", "hypervisors", "compute.hypervisors", "id name hypervisor_type state status host_ip", verbs=_READ
    ),
    Noun(
        "image",
        "images",
        "image.images",
        "id name status size disk_format visibility",
        "container_format min_disk min_ram created_at checksum tags",
    ),
    Noun(
        "network",
        "networks",
        "network.networks",
        "id name status is_router_external is_shared subnet_ids",
        "mtu provider_network_type project_id availability_zones",
    ),
    Noun(
        "subnet",
        "subnets",
        "network.subnets",
        "id name network_id cidr gateway_ip",
        "is_dhcp_enabled allocation_pools dns_nameservers",
    ),
    Noun(
        "port",
        "ports",
        "network.ports",
        "id name status mac_address fixed_ips",
        "network_id device_owner device_id security_group_ids",
    ),
    Noun(
        "router",
        "routers",
        "network.routers",
        "id name status external_gateway_info.network_id",
        "project_id is_ha routes",
    ),
    Noun(
        "floating-ip",
        "floating IPs",
        "network.floating_ips",
        "id floating_ip_address fixed_ip_address status port_id",
        "floating_network_id router_id project_id description",
    ),
    Noun(
        "security-group",
        "security groups",
        "network.security_groups",
        "id name description",
        "project_id security_group_rules",
    ),
    Noun(
        "security-group-rule",
        "security group rules",
        "network.security_group_rules",
        "id direction ether_type protocol port_range_min port_range_max remote_ip_prefix security_group_id",
        new=f"{_NETWORK}.security_group:NewSecurityGroupRule",
    ),
    Noun(
        "subnet-pool",
        "subnet pools",
        "network.subnet_pools",
        "id name prefixes default_prefix_length is_shared",
        new=f"{_NETWORK}.address:NewSubnetPool",
    ),
    Noun(
        "address-group",
        "address groups",
        "network.address_groups",
        "id name addresses description",
        new=f"{_NETWORK}.address:NewAddressGroup",
    ),
    Noun("trunk", "trunks", "network.trunks", "id name status port_id", new=f"{_NETWORK}.trunk:NewTrunk"),
    Noun("agent", "network agents", "network.agents", "id agent_type host is_alive availability_zone", verbs=_READ),
    Noun(
        "volume",
        "volumes",
        "block_storage.volumes",
        "id name status size volume_type",
        "is_bootable attachments availability_zone created_at",
    ),
    Noun(
        "snapshot",
        "volume snapshots",
        "block_storage.snapshots",
        "id name status size volume_id",
        "created_at",
        flat="volume_snapshot",
    ),
    Noun(
        "backup",
        "volume backups",
        "block_storage.backups",
        "id name status size volume_id",
        "container created_at",
        flat="volume_backup",
    ),
    Noun(
        "volume-type",
        "volume types",
        "block_storage.types",
        "id name is_public description",
        "extra_specs",
        new=f"{_VOLUME}.type:NewVolumeType",
    ),
    Noun(
        "container",
        "object containers",
        "object_store.containers",
        "name object_count bytes_used",
        "storage_policy read_acl",
    ),
    Noun(
        "object",
        "objects in a container",
        "",
        "name content_length content_type last_modified etag",
        "container",
        shown="get_object_metadata",
    ),
    Noun("stack", "stacks", "orchestration.stacks", "id name status created_at", "status_reason description"),
    Noun("zone", "DNS zones", "dns.zones", "id name status type email ttl", "description serial"),
    Noun(
        "load-balancer",
        "load balancers",
        "load_balancer.load_balancers",
        "id name provisioning_status operating_status vip_address",
        "vip_subnet_id provider",
        new="aiocloud.services.load_balancer.balancer:NewLoadBalancer",
    ),
    Noun(
        "secret",
        "secrets",
        "key_manager.secrets",
        "id name status secret_type created_at",
        "algorithm bit_length mode expires_at",
        new="aiocloud.services.key_manager.secret:NewSecret",
    ),
    Noun(
        "share",
        "shared file systems",
        "shared_file_system.shares",
        "id name status size share_protocol",
        "share_type_name availability_zone",
        new="aiocloud.services.shared_file_system.share:NewShare",
    ),
    Noun(
        "project",
        "projects",
        "identity.projects",
        "id name domain_id is_enabled",
        "description",
        new=f"{_IDENTITY}.project:NewProject",
    ),
    Noun(
        "domain", "domains", "identity.domains", "id name is_enabled description", new=f"{_IDENTITY}.project:NewDomain"
    ),
    Noun(
        "user",
        "users",
        "identity.users",
        "id name domain_id is_enabled",
        "email default_project_id description",
        new=f"{_IDENTITY}.user:NewUser",
    ),
    Noun(
        "group", "groups of users", "identity.groups", "id name domain_id description", new=f"{_IDENTITY}.user:NewGroup"
    ),
    Noun("role", "roles", "identity.roles", "id name domain_id description", new=f"{_IDENTITY}.role:NewRole"),
    Noun(
        "service",
        "services in the catalog",
        "identity.services",
        "id name type is_enabled",
        "description",
        new=f"{_IDENTITY}.catalog:NewService",
    ),
    Noun(
        "endpoint",
        "endpoints in the catalog",
        "identity.endpoints",
        "id service_id interface region_id url is_enabled",
        new=f"{_IDENTITY}.catalog:NewServiceEndpoint",
    ),
    Noun(
        "region", "regions", "identity.regions", "id description parent_region_id", new=f"{_IDENTITY}.catalog:NewRegion"
    ),
    Noun("credential", "credentials", "identity.credentials", "id type user_id project_id", verbs=(*_READ, "delete")),
)

NOUNS = {noun.name: noun for noun in _TABLE}

# Verbs of some nouns alone: where they are, and what they are for.
EXTRA = {
    "image": {
        "save": ("aiocloud.cli.transfer:save_image", "Download an image to a file, verified: all of it or nothing."),
    },
    "object": {
        "save": ("aiocloud.cli.transfer:save_object", "Download an object to a file, verified: all of it or nothing."),
        "sync": ("aiocloud.cli.transfer:sync", "Make a container like a folder, or a folder like a container."),
    },
}

# What is no noun: where it is, and what it is for.
COMMANDS = {
    "demo": ("demo:demo", "The talk's program on three clouds at once: image, flavor, server, address."),
    "watch": ("watch:watch", "A live board of the servers of all clouds, in the terminal or in a browser."),
    "api": ("api:api", "One raw request to a service: `aiocloud api compute GET /servers`."),
    "config": ("configuration:config", "What clouds.yaml, secure.yaml, profiles and the environment say."),
    "doctor": (
        "doctor:doctor",
        "Check files, names, TLS, clock, login and services of each cloud, and say what to do.",
    ),
    "cleanup": ("cleanup:cleanup", "Remove everything in a project, in the order that dependencies ask for."),
    "leftovers": ("leftovers:leftovers", "What operations left behind whose process was killed; and its removal."),
    "inventory": ("inventory:inventory", "Servers of all clouds as Ansible's dynamic inventory."),
    "fake-cloud": ("fake:fake_cloud", "Serve three fake clouds on this machine."),
    "completion": ("completion:completion", "The script that makes bash, zsh or fish complete commands and clouds."),
}
