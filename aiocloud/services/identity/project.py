"""Domains and projects. API: https://docs.openstack.org/api-ref/identity/v3/#projects"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from aiocloud.model import NullAs, Place, Resource, Spec, Text, Wire

__all__ = ["Domain", "EditDomain", "EditProject", "NewDomain", "NewProject", "Project"]


class Domain(Resource):
    """Users, groups and projects that belong together. API: https://docs.openstack.org/api-ref/identity/v3/#show-domain-details"""

    place: ClassVar[Place] = Place("/domains", one="domain", many="domains", update="PATCH")

    description: Text = ""
    is_enabled: Annotated[bool, Wire("enabled"), NullAs(True)] = True
    options: dict[str, Any] = {}
    tags: Annotated[list[str], NullAs([])] = []
    links: dict[str, Any] = {}


class NewDomain(Spec):
    """API: https://docs.openstack.org/api-ref/identity/v3/#create-domain"""

    name: str
    description: str | None = None
    enabled: bool | None = None
    options: dict[str, Any] | None = None


class EditDomain(Spec):
    """API: https://docs.openstack.org/api-ref/identity/v3/#update-domain"""

    name: str | None = None
    description: str | None = None
    enabled: bool | None = None
    options: dict[str, Any] | None = None


class Project(Resource):
    """Who owns things. API: https://docs.openstack.org/api-ref/identity/v3/#show-project-details"""

    place: ClassVar[Place] = Place("/projects", one="project", many="projects", update="PATCH")

    domain_id: str | None = None
    parent_id: str | None = None
    description: Text = ""
    is_enabled: Annotated[bool, Wire("enabled"), NullAs(True)] = True
    is_domain: Annotated[bool, NullAs(False)] = False
    options: dict[str, Any] = {}
    tags: Annotated[list[str], NullAs([])] = []
    links: dict[str, Any] = {}


class NewProject(Spec):
    """API: https://docs.openstack.org/api-ref/identity/v3/#create-project"""

    name: str
    domain_id: str | None = None
    parent_id: str | None = None
    description: str | None = None
    enabled: bool | None = None
    is_domain: bool | None = None
    options: dict[str, Any] | None = None
    tags: list[str] | None = None


class EditProject(Spec):
    """API: https://docs.openstack.org/api-ref/identity/v3/#update-project"""

    name: str | None = None
    description: str | None = None
    enabled: bool | None = None
    options: dict[str, Any] | None = None
    tags: list[str] | None = None
