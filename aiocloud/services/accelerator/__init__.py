"""Accelerators (Cyborg). API: https://docs.openstack.org/api-ref/accelerator/"""

from aiocloud.services.accelerator.service import Accelerator as Accelerator
