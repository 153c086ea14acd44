"""Databases (Trove). API: https://docs.openstack.org/api-ref/database/"""

from aiocloud.services.database.service import DatabaseService as DatabaseService
