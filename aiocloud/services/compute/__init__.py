"""Compute (Nova). API: https://docs.openstack.org/api-ref/compute/"""

from aiocloud.services.compute.service import Compute as Compute
