"""Images (Glance). API: https://docs.openstack.org/api-ref/image/v2/"""

from aiocloud.services.image.service import ImageService as ImageService
