"""DNS (Designate). API: https://docs.openstack.org/api-ref/dns/dns-api-v2-index.html"""

from aiocloud.services.dns.service import DNS as DNS
