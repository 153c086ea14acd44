"""Secrets (Barbican). API: https://docs.openstack.org/api-guide/key-manager/"""

from aiocloud.services.key_manager.service import KeyManager as KeyManager
