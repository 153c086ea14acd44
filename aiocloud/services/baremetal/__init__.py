"""Bare metal (Ironic). API: https://docs.openstack.org/api-ref/baremetal/"""

from aiocloud.services.baremetal.service import Baremetal as Baremetal
