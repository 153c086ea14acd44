"""Messages (Zaqar). API: https://docs.openstack.org/api-ref/message/"""

from aiocloud.services.message.service import Messaging as Messaging
