"""Identity (Keystone). API: https://docs.openstack.org/api-ref/identity/v3/"""

from aiocloud.services.identity.service import Identity as Identity
