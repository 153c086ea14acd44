"""Placement. API: https://docs.openstack.org/api-ref/placement/"""

from aiocloud.services.placement.service import Placement as Placement
