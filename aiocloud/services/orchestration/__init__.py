"""Orchestration (Heat). API: https://docs.openstack.org/api-ref/orchestration/v1/"""

from aiocloud.services.orchestration.service import Orchestration as Orchestration
