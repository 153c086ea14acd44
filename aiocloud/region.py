"""One region of one cloud: its services as typed attributes."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from aiocloud.config.schema import CloudConfig
from aiocloud.config.services import official
from aiocloud.endpoint import Endpoint
from aiocloud.errors import CloudError
from aiocloud.services.base import ServiceProxy
from aiocloud.session import Options, Session

if TYPE_CHECKING:
    from aiocloud.services.accelerator import Accelerator
    from aiocloud.services.baremetal import Baremetal
    from aiocloud.services.block_storage import BlockStorage
    from aiocloud.services.compute import Compute
    from aiocloud.services.container_infrastructure_management import ContainerInfrastructureManagement
    from aiocloud.services.database import DatabaseService
    from aiocloud.services.dns import DNS
    from aiocloud.services.identity import Identity
    from aiocloud.services.image import ImageService
    from aiocloud.services.instance_ha import InstanceHA
    from aiocloud.services.key_manager import KeyManager
    from aiocloud.services.load_balancer import LoadBalancing
    from aiocloud.services.message import Messaging
    from aiocloud.services.network import Network
    from aiocloud.services.object_store import ObjectStore
    from aiocloud.services.orchestration import Orchestration
    from aiocloud.services.placement import Placement
    from aiocloud.services.shared_file_system import SharedFileSystem
    from aiocloud.services.workflow import WorkflowService

__all__ = ["Region"]


class Region:
    """The services of one region, each imported when it is first used. Making one opens no connection."""

    def __init__(self, session: Session, config: CloudConfig, options: Options) -> None:
        self.session = session
        self._config = config
        self.options = options
        session.know(config)

    @property
    def config(self) -> CloudConfig:
        """The region's configuration; what a profile at an address says is in it once something was asked."""
        return self.session.known(self._config)

    def for_all(self) -> Region:
        """The same region, for what is asked on behalf of others too: with no timeout or request id of one's own."""
        return Region(self.session, self._config, self.options.for_all())

    @property
    def name(self) -> str:
        """The cloud's name in clouds.yaml."""
        return self.config.name

    @property
    def region_name(self) -> str | None:
        """The region; None where the cloud has but one and the configuration does not name it."""
        return self.config.region_name

    @property
    def where(self) -> str:
        """Cloud and region, as errors and tables spell them."""
        return f"{self.name} {self.region_name}" if self.region_name else self.name

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.where}>"

    def endpoint(self, service_type: str) -> Endpoint:
        """Any service of this region, by type or alias."""
        return Endpoint(self.session, self.config, official(service_type), self.options)

    def rest(self, service_type: str) -> ServiceProxy:
        """Raw REST to a service of any type that the catalog lists: `await cloud.rest("alarm").get("/alarms")`."""
        return ServiceProxy(self.endpoint(service_type))

    async def has_service(self, service_key: str, version: str | None = None) -> bool:
        """Is there such a service in this region, and is it not switched off (`has_network: false`)?

        `version` is a major version that it must offer, such as "3". Logs in unless the configuration decides.
        """
        wanted = self.config.service(service_key)
        if not wanted.enabled or await self.session.catalog_url(wanted) is None:
            return False
        if version is None:
            return True
        try:
            found = await self.session.service(self.config, wanted.service_type)
        except CloudError:
            return False
        return found.version is not None and str(found.version.major) == version.removeprefix("v").split(".")[0]

    @cached_property
    def compute(self) -> Compute:
        """Servers and what they are made of (Nova)."""
        from aiocloud.services.compute import Compute

        return Compute(self.endpoint("compute"))

    @cached_property
    def network(self) -> Network:
        """Networks, ports, routers, floating IPs, security groups (Neutron)."""
        from aiocloud.services.network import Network

        return Network(self.endpoint("network"))

    @cached_property
    def image(self) -> ImageService:
        """Images (Glance)."""
        from aiocloud.services.image import ImageService

        return ImageService(self.endpoint("image"))

    @cached_property
    def object_store(self) -> ObjectStore:
        """Containers and objects (Swift)."""
        from aiocloud.services.object_store import ObjectStore

        return ObjectStore(self.endpoint("object-store"))

    @cached_property
    def block_storage(self) -> BlockStorage:
        """Volumes, snapshots, backups (Cinder)."""
        from aiocloud.services.block_storage import BlockStorage

        return BlockStorage(self.endpoint("block-storage"))

    @cached_property
    def identity(self) -> Identity:
        """Projects, users, roles (Keystone)."""
        from aiocloud.services.identity import Identity

        return Identity(self.endpoint("identity"))

    @cached_property
    def dns(self) -> DNS:
        """Zones and the names in them (Designate)."""
        from aiocloud.services.dns import DNS

        return DNS(self.endpoint("dns"))

    @cached_property
    def load_balancer(self) -> LoadBalancing:
        """Load balancers (Octavia)."""
        from aiocloud.services.load_balancer import LoadBalancing

        return LoadBalancing(self.endpoint("load-balancer"))

    @cached_property
    def key_manager(self) -> KeyManager:
        """Secrets (Barbican)."""
        from aiocloud.services.key_manager import KeyManager

        return KeyManager(self.endpoint("key-manager"))

    @cached_property
    def orchestration(self) -> Orchestration:
        """Stacks of things that templates describe (Heat)."""
        from aiocloud.services.orchestration import Orchestration

        return Orchestration(self.endpoint("orchestration"))

    @cached_property
    def placement(self) -> Placement:
        """Who has how much of what (Placement)."""
        from aiocloud.services.placement import Placement

        return Placement(self.endpoint("placement"))

    @cached_property
    def shared_file_system(self) -> SharedFileSystem:
        """File systems that servers share (Manila)."""
        from aiocloud.services.shared_file_system import SharedFileSystem

        return SharedFileSystem(self.endpoint("shared-file-system"))

    @cached_property
    def container_infrastructure_management(self) -> ContainerInfrastructureManagement:
        """Clusters for containers (Magnum)."""
        from aiocloud.services.container_infrastructure_management import ContainerInfrastructureManagement

        return ContainerInfrastructureManagement(self.endpoint("container-infrastructure-management"))

    @cached_property
    def baremetal(self) -> Baremetal:
        """Machines (Ironic)."""
        from aiocloud.services.baremetal import Baremetal

        return Baremetal(self.endpoint("baremetal"))

    @cached_property
    def instance_ha(self) -> InstanceHA:
        """Servers that are kept alive (Masakari)."""
        from aiocloud.services.instance_ha import InstanceHA

        return InstanceHA(self.endpoint("instance-ha"))

    @cached_property
    def accelerator(self) -> Accelerator:
        """Devices that make servers faster (Cyborg)."""
        from aiocloud.services.accelerator import Accelerator

        return Accelerator(self.endpoint("accelerator"))

    @cached_property
    def workflow(self) -> WorkflowService:
        """Work in steps (Mistral)."""
        from aiocloud.services.workflow import WorkflowService

        return WorkflowService(self.endpoint("workflow"))

    @cached_property
    def database(self) -> DatabaseService:
        """Databases that are looked after (Trove)."""
        from aiocloud.services.database import DatabaseService

        return DatabaseService(self.endpoint("database"))

    @cached_property
    def message(self) -> Messaging:
        """Messages in queues (Zaqar)."""
        from aiocloud.services.message import Messaging

        return Messaging(self.endpoint("message"))
