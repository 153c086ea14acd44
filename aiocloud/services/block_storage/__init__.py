"""Block storage (Cinder). API: https://docs.openstack.org/api-ref/block-storage/v3/"""

from aiocloud.services.block_storage.service import BlockStorage as BlockStorage
