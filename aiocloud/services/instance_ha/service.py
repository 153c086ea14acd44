"""Segments of hosts, and what happened there. API: https://docs.openstack.org/api-ref/instance-ha/"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Generic, ParamSpec

from aiocloud.collection import Collection, Creatable, Listing
from aiocloud.endpoint import Endpoint
from aiocloud.model import NullAs, Place, Resource, Spec, Text, Which, Wire
from aiocloud.services.base import ServiceProxy

New = ParamSpec("New")
Edit = ParamSpec("Edit")

_VERSION = "1.3"


class Segment(Resource):
    """Hosts that stand in for each other. API: https://docs.openstack.org/api-ref/instance-ha/#show-segment-details"""

    place: ClassVar[Place] = Place("/segments", one="segment", many="segments", by_name="list", microversion=_VERSION)

    id: Annotated[Text, Wire("uuid")] = ""
    description: Text = ""
    recovery_method: str | None = None
    service_type: str | None = None
    is_enabled: Annotated[bool | None, Wire("enabled", "is_enabled")] = None
    created_at: str | None = None
    updated_at: str | None = None


class NewSegment(Spec):
    """API: https://docs.openstack.org/api-ref/instance-ha/#create-segment"""

    name: str
    recovery_method: str
    service_type: str
    description: str | None = None
    enabled: bool | None = None


class EditSegment(Spec):
    """API: https://docs.openstack.org/api-ref/instance-ha/#update-segment"""

    name: str | None = None
    recovery_method: str | None = None
    service_type: str | None = None
    description: str | None = None
    enabled: bool | None = None


class Host(Resource):
    """A host of a segment. API: https://docs.openstack.org/api-ref/instance-ha/#show-host-details"""

    place: ClassVar[Place] = Place("/hosts", one="host", many="hosts", by_name="list", microversion=_VERSION)

    id: Annotated[Text, Wire("uuid")] = ""
    type: str | None = None
    control_attributes: str | None = None
    on_maintenance: bool | None = None
    reserved: bool | None = None
    failover_segment_id: str | None = None
    failover_segment: dict[str, Any] | None = None
    created_at: str | None = None
    updated_at: str | None = None


class NewHost(Spec):
    """API: https://docs.openstack.org/api-ref/instance-ha/#create-host"""

    name: str
    type: str
    control_attributes: str
    on_maintenance: bool | None = None
    reserved: bool | None = None


class EditHost(Spec):
    """API: https://docs.openstack.org/api-ref/instance-ha/#update-host"""

    name: str | None = None
    type: str | None = None
    control_attributes: str | None = None
    on_maintenance: bool | None = None
    reserved: bool | None = None


class Notification(Resource):
    """What a monitor saw. API: https://docs.openstack.org/api-ref/instance-ha/#show-notification-details"""

    place: ClassVar[Place] = Place(
        "/notifications", one="notification", many="notifications", by_name="list", microversion=_VERSION
    )

    id: Annotated[Text, Wire("notification_uuid")] = ""
    type: str | None = None
    status: Text = ""
    hostname: str | None = None
    source_host_uuid: str | None = None
    generated_time: str | None = None
    payload: Any = None
    recovery_workflow_details: Annotated[list[dict[str, Any]], NullAs([])] = []
    created_at: str | None = None
    updated_at: str | None = None


class NewNotification(Spec):
    """API: https://docs.openstack.org/api-ref/instance-ha/#create-notification"""

    type: str
    hostname: str
    generated_time: str
    payload: dict[str, Any]


class VMove(Resource):
    """A server moved by a notification. API: https://docs.openstack.org/api-ref/instance-ha/#vmoves-vmoves"""

    place: ClassVar[Place] = Place("/vmoves", one="vmove", many="vmoves", by_name="list", microversion=_VERSION)

    id: Annotated[Text, Wire("uuid")] = ""
    server_id: Annotated[str | None, Wire("instance_uuid")] = None
    server_name: Annotated[str | None, Wire("instance_name")] = None
    notification_id: Annotated[str | None, Wire("notification_uuid")] = None
    source_host: str | None = None
    dest_host: str | None = None
    start_time: str | None = None
    end_time: str | None = None
    status: Text = ""
    type: str | None = None
    message: str | None = None
    created_at: str | None = None
    updated_at: str | None = None


class Segments(Collection[Segment, New, Edit], Generic[New, Edit]):
    """The segments of the cloud, and the hosts of each."""

    def hosts(self, segment: Which) -> Collection[Host, ..., ...]:
        """The hosts of a segment, given by id."""
        return Collection(self.endpoint.at("segments", self._id(segment)), Host, NewHost, EditHost)


class Notifications(Creatable[Notification, New], Generic[New]):
    """What monitors saw, and the servers that were moved for it."""

    def vmoves(self, notification: Which) -> Listing[VMove]:
        """The servers moved by a notification, given by id."""
        return Listing(self.endpoint.at("notifications", self._id(notification)), VMove)


class InstanceHA(ServiceProxy):
    """Servers that are kept alive."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self.segments = Segments(endpoint, Segment, NewSegment, EditSegment)
        self.notifications = Notifications(endpoint, Notification, NewNotification)
