"""Instance high availability (Masakari). API: https://docs.openstack.org/api-ref/instance-ha/"""

from aiocloud.services.instance_ha.service import InstanceHA as InstanceHA
