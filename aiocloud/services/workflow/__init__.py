"""Workflows (Mistral). API: https://docs.openstack.org/mistral/latest/api/"""

from aiocloud.services.workflow.service import WorkflowService as WorkflowService
