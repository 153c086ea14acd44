"""Shared file systems (Manila). API: https://docs.openstack.org/api-ref/shared-file-system/"""

from aiocloud.services.shared_file_system.service import SharedFileSystem as SharedFileSystem
