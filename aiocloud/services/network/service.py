"""The network service's collections, one line each."""

from __future__ import annotations

from aiocloud.collection import Collection, Creatable, Listing
from aiocloud.endpoint import Endpoint
from aiocloud.services.base import ServiceProxy
from aiocloud.services.network.address import (
    AddressGroup,
    AddressGroups,
    AddressScope,
    EditAddressGroup,
    EditAddressScope,
    EditSubnetPool,
    NewAddressGroup,
    NewAddressScope,
    NewSubnetPool,
    SubnetPool,
)
from aiocloud.services.network.base import Tagged
from aiocloud.services.network.firewall import (
    EditFirewallGroup,
    EditFirewallPolicy,
    EditFirewallRule,
    FirewallGroup,
    FirewallPolicies,
    FirewallPolicy,
    FirewallRule,
    NewFirewallGroup,
    NewFirewallPolicy,
    NewFirewallRule,
)
from aiocloud.services.network.floating_ip import EditFloatingIP, FloatingIP, FloatingIPs, NewFloatingIP
from aiocloud.services.network.info import (
    Agent,
    AvailabilityZone,
    Extension,
    NetworkFlavor,
    NetworkIPAvailability,
    ServiceProvider,
)
from aiocloud.services.network.network import EditNetwork, NewNetwork
from aiocloud.services.network.network import Network as NetworkModel
from aiocloud.services.network.port import EditPort, NewPort, Port
from aiocloud.services.network.qos import EditQoSPolicy, NewQoSPolicy, QoSPolicies, QoSPolicy, QoSRuleType
from aiocloud.services.network.quota import Quotas
from aiocloud.services.network.rbac import EditRBACPolicy, EditSegment, NewRBACPolicy, NewSegment, RBACPolicy, Segment
from aiocloud.services.network.router import EditRouter, NewRouter, Router, Routers
from aiocloud.services.network.security_group import (
    DefaultSecurityGroupRule,
    EditSecurityGroup,
    NewDefaultSecurityGroupRule,
    NewSecurityGroup,
    NewSecurityGroupRule,
    SecurityGroup,
    SecurityGroupRule,
)
from aiocloud.services.network.subnet import EditSubnet, NewSubnet, Subnet
from aiocloud.services.network.trunk import EditTrunk, NewTrunk, Trunk, Trunks


class Network(ServiceProxy):
    """Networks, what is on them and what joins them."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self.networks = Tagged(endpoint, NetworkModel, NewNetwork, EditNetwork)
        self.subnets = Tagged(endpoint, Subnet, NewSubnet, EditSubnet)
        self.ports = Tagged(endpoint, Port, NewPort, EditPort)
        self.routers = Routers(endpoint, Router, NewRouter, EditRouter)
        self.floating_ips = FloatingIPs(endpoint, FloatingIP, NewFloatingIP, EditFloatingIP)
        self.security_groups = Tagged(endpoint, SecurityGroup, NewSecurityGroup, EditSecurityGroup)
        self.security_group_rules = Creatable(endpoint, SecurityGroupRule, NewSecurityGroupRule)
        self.default_security_group_rules = Creatable(endpoint, DefaultSecurityGroupRule, NewDefaultSecurityGroupRule)
        self.subnet_pools = Tagged(endpoint, SubnetPool, NewSubnetPool, EditSubnetPool)
        self.address_scopes = Collection(endpoint, AddressScope, NewAddressScope, EditAddressScope)
        self.address_groups = AddressGroups(endpoint, AddressGroup, NewAddressGroup, EditAddressGroup)
        self.qos_policies = QoSPolicies(endpoint, QoSPolicy, NewQoSPolicy, EditQoSPolicy)
        self.qos_rule_types = Listing(endpoint, QoSRuleType)
        self.trunks = Trunks(endpoint, Trunk, NewTrunk, EditTrunk)
        self.quotas = Quotas(endpoint)
        self.rbac_policies = Collection(endpoint, RBACPolicy, NewRBACPolicy, EditRBACPolicy)
        self.segments = Collection(endpoint, Segment, NewSegment, EditSegment)
        self.agents = Listing(endpoint, Agent)
        self.extensions = Listing(endpoint, Extension)
        self.availability_zones = Listing(endpoint, AvailabilityZone)
        self.service_providers = Listing(endpoint, ServiceProvider)
        self.flavors = Listing(endpoint, NetworkFlavor)
        self.ip_availabilities = Listing(endpoint, NetworkIPAvailability)
        self.firewall_groups = Collection(endpoint, FirewallGroup, NewFirewallGroup, EditFirewallGroup)
        self.firewall_policies = FirewallPolicies(endpoint, FirewallPolicy, NewFirewallPolicy, EditFirewallPolicy)
        self.firewall_rules = Collection(endpoint, FirewallRule, NewFirewallRule, EditFirewallRule)
