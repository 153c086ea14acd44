"""Network (Neutron). API: https://docs.openstack.org/api-ref/network/v2/"""

from aiocloud.services.network.service import Network as Network
