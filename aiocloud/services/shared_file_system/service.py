"""The shared file system service's collections, one line each."""

from __future__ import annotations

from aiocloud.collection import Collection, Creatable, Listing
from aiocloud.endpoint import Endpoint
from aiocloud.services.base import ServiceProxy
from aiocloud.services.shared_file_system.network import (
    AvailabilityZone,
    EditShareGroup,
    EditShareNetwork,
    NewShareGroup,
    NewShareNetwork,
    NewShareType,
    ShareGroup,
    ShareNetwork,
    ShareService,
    ShareType,
)
from aiocloud.services.shared_file_system.share import (
    EditShare,
    EditShareSnapshot,
    NewShare,
    NewShareSnapshot,
    Share,
    Shares,
    ShareSnapshot,
)


class SharedFileSystem(ServiceProxy):
    """File systems that servers share."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self.shares = Shares(endpoint, Share, NewShare, EditShare)
        self.snapshots = Collection(endpoint, ShareSnapshot, NewShareSnapshot, EditShareSnapshot)
        self.share_networks = Collection(endpoint, ShareNetwork, NewShareNetwork, EditShareNetwork)
        self.share_types = Creatable(endpoint, ShareType, NewShareType)
        self.share_groups = Collection(endpoint, ShareGroup, NewShareGroup, EditShareGroup)
        self.availability_zones = Listing(endpoint, AvailabilityZone)
        self.services = Listing(endpoint, ShareService)
