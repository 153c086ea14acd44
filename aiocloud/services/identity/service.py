"""The identity service's collections, one line each."""

from __future__ import annotations

from aiocloud.collection import Collection, Creatable, Listing
from aiocloud.endpoint import Endpoint
from aiocloud.services.base import ServiceProxy
from aiocloud.services.identity.base import InDomain, PutCollection
from aiocloud.services.identity.catalog import (
    EditEndpointGroup,
    EditRegion,
    EditService,
    EditServiceEndpoint,
    EndpointGroup,
    NewEndpointGroup,
    NewRegion,
    NewService,
    NewServiceEndpoint,
    Region,
    Service,
    ServiceEndpoint,
)
from aiocloud.services.identity.credential import Credential, EditCredential, NewCredential, NewTrust, Trust
from aiocloud.services.identity.federation import (
    EditIdentityProvider,
    EditMapping,
    EditServiceProvider,
    IdentityProvider,
    IdentityProviders,
    Mapping,
    NewIdentityProvider,
    NewMapping,
    NewServiceProvider,
    ServiceProvider,
)
from aiocloud.services.identity.limit import (
    EditLimit,
    EditRegisteredLimit,
    Limit,
    Limits,
    NewLimit,
    NewRegisteredLimit,
    RegisteredLimit,
)
from aiocloud.services.identity.project import Domain, EditDomain, EditProject, NewDomain, NewProject, Project
from aiocloud.services.identity.role import EditRole, NewRole, Role, RoleAssignment, Roles
from aiocloud.services.identity.user import EditGroup, EditUser, Group, Groups, NewGroup, NewUser, User, Users


class Identity(ServiceProxy):
    """Who may do what where."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self.domains = InDomain(endpoint, Domain, NewDomain, EditDomain)
        self.projects = InDomain(endpoint, Project, NewProject, EditProject)
        self.users = Users(endpoint, User, NewUser, EditUser)
        self.groups = Groups(endpoint, Group, NewGroup, EditGroup)
        self.roles = Roles(endpoint, Role, NewRole, EditRole)
        self.role_assignments = Listing(endpoint, RoleAssignment)
        self.services = Collection(endpoint, Service, NewService, EditService)
        self.endpoints = Collection(endpoint, ServiceEndpoint, NewServiceEndpoint, EditServiceEndpoint)
        self.regions = Collection(endpoint, Region, NewRegion, EditRegion)
        self.endpoint_groups = Collection(endpoint, EndpointGroup, NewEndpointGroup, EditEndpointGroup)
        self.credentials = Collection(endpoint, Credential, NewCredential, EditCredential)
        self.trusts = Creatable(endpoint, Trust, NewTrust)
        self.registered_limits = Limits(endpoint, RegisteredLimit, NewRegisteredLimit, EditRegisteredLimit)
        self.limits = Limits(endpoint, Limit, NewLimit, EditLimit)
        self.identity_providers = IdentityProviders(
            endpoint, IdentityProvider, NewIdentityProvider, EditIdentityProvider
        )
        self.mappings = PutCollection(endpoint, Mapping, NewMapping, EditMapping)
        self.service_providers = PutCollection(endpoint, ServiceProvider, NewServiceProvider, EditServiceProvider)
