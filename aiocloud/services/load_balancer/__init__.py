"""Load balancing (Octavia). API: https://docs.openstack.org/api-ref/load-balancer/v2/"""

from aiocloud.services.load_balancer.service import LoadBalancing as LoadBalancing
