"""Containers and objects (Swift). API: https://docs.openstack.org/api-ref/object-store/"""

from aiocloud.services.object_store.service import ObjectStore as ObjectStore
