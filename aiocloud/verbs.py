"""Every `{verb}_{noun}`: a table of contents, each line leading to where it is done."""

from __future__ import annotations

from aiocloud.later import (
    accelerators,
    batches,
    catalog,
    cleanup,
    clusters,
    compute,
    downloads,
    firewalls,
    flavors,
    floating_ips,
    image_tasks,
    images,
    inventory,
    leftovers,
    links,
    machines,
    networks,
    objects,
    people,
    picking,
    qos,
    ranges,
    roles,
    searching,
    security_groups,
    servers,
    stacks,
    sync,
    templates,
    volume_copies,
    volumes,
    watching,
    zones,
)
from aiocloud.region import Region
from aiocloud.verb import via

__all__ = ["Verbs"]


class Verbs(Region):
    """A region with every `{verb}_{noun}` on it."""

    # Servers

    create_server = servers.create_server
    create_servers = batches.create_servers
    delete_server = servers.delete_server
    get_active_server = servers.get_active_server
    get_server = servers.get_server
    get_server_by_id = servers.get_server_by_id
    get_server_id = servers.get_server_id
    get_openstack_vars = inventory.get_openstack_vars
    get_server_meta = inventory.get_server_meta
    list_servers = servers.list_servers
    rebuild_server = servers.rebuild_server
    search_servers = servers.search_servers
    update_server = servers.update_server
    wait_for_server = servers.wait_for_server
    watch_servers = watching.watch_servers
    keep_journal = leftovers.keep_journal
    reclaim_leftovers = leftovers.reclaim_leftovers
    leftovers = leftovers.leftovers
    get_server_console = compute.get_server_console
    get_server_private_ip = compute.get_server_private_ip
    get_server_public_ip = compute.get_server_public_ip
    set_server_metadata = compute.set_server_metadata
    delete_server_metadata = compute.delete_server_metadata
    add_server_security_groups = compute.add_server_security_groups
    list_server_security_groups = compute.list_server_security_groups
    remove_server_security_groups = compute.remove_server_security_groups

    create_image_snapshot = compute.create_image_snapshot

    # Compute

    add_flavor_access = flavors.add_flavor_access
    create_flavor = flavors.create_flavor
    delete_flavor = via(lambda region: region.compute.flavors.delete)
    get_flavor = flavors.get_flavor
    get_flavor_by_id = flavors.get_flavor_by_id
    get_flavor_by_ram = flavors.get_flavor_by_ram
    get_flavor_name = flavors.get_flavor_name
    list_flavor_access = flavors.list_flavor_access
    list_flavors = flavors.list_flavors
    remove_flavor_access = flavors.remove_flavor_access
    search_flavors = flavors.search_flavors
    set_flavor_specs = flavors.set_flavor_specs
    unset_flavor_specs = flavors.unset_flavor_specs
    create_keypair = compute.create_keypair
    delete_keypair = compute.delete_keypair
    get_keypair = compute.get_keypair
    list_keypairs = via(lambda region: region.compute.keypairs.list)
    search_keypairs = via(lambda region: region.compute.keypairs.search)
    create_server_group = compute.create_server_group
    delete_server_group = via(lambda region: region.compute.server_groups.delete)
    get_server_group = via(lambda region: region.compute.server_groups.find)
    list_server_groups = via(lambda region: region.compute.server_groups.list)
    search_server_groups = via(lambda region: region.compute.server_groups.search)
    add_host_to_aggregate = compute.add_host_to_aggregate
    create_aggregate = compute.create_aggregate
    delete_aggregate = via(lambda region: region.compute.aggregates.delete)
    get_aggregate = via(lambda region: region.compute.aggregates.find)
    list_aggregates = via(lambda region: region.compute.aggregates.list)
    remove_host_from_aggregate = compute.remove_host_from_aggregate
    search_aggregates = via(lambda region: region.compute.aggregates.search)
    set_aggregate_metadata = compute.set_aggregate_metadata
    update_aggregate = via(lambda region: region.compute.aggregates.update)
    list_availability_zone_names = compute.list_availability_zone_names
    list_hypervisors = via(lambda region: region.compute.hypervisors.list)
    get_compute_limits = compute.get_compute_limits
    get_compute_usage = compute.get_compute_usage
    get_compute_quotas = compute.get_compute_quotas
    set_compute_quotas = compute.set_compute_quotas
    delete_compute_quotas = compute.delete_compute_quotas

    # Addresses

    add_auto_ip = floating_ips.add_auto_ip
    add_ip_list = floating_ips.add_ip_list
    add_ips_to_server = floating_ips.add_ips_to_server
    available_floating_ip = floating_ips.available_floating_ip
    create_floating_ip = floating_ips.create_floating_ip
    delete_floating_ip = floating_ips.delete_floating_ip
    delete_unattached_floating_ips = floating_ips.delete_unattached_floating_ips
    detach_ip_from_server = floating_ips.detach_ip_from_server
    get_default_network = picking.get_default_network
    get_external_ipv4_floating_networks = picking.get_external_ipv4_floating_networks
    get_external_ipv4_networks = picking.get_external_ipv4_networks
    get_external_ipv6_networks = picking.get_external_ipv6_networks
    get_external_networks = picking.get_external_networks
    get_internal_ipv4_networks = picking.get_internal_ipv4_networks
    get_internal_ipv6_networks = picking.get_internal_ipv6_networks
    get_internal_networks = picking.get_internal_networks
    get_nat_destination = picking.get_nat_destination
    get_nat_source = picking.get_nat_source
    use_external_network = picking.use_external_network
    use_internal_network = picking.use_internal_network

    # Networks

    create_network = networks.create_network
    delete_network = via(lambda region: region.network.networks.delete)
    get_network = via(lambda region: region.network.networks.find)
    get_network_by_id = networks.get_network_by_id
    list_networks = via(lambda region: region.network.networks.list)
    search_networks = via(lambda region: region.network.networks.search)
    update_network = networks.update_network
    create_subnet = networks.create_subnet
    delete_subnet = via(lambda region: region.network.subnets.delete)
    get_subnet = via(lambda region: region.network.subnets.find)
    get_subnet_by_id = networks.get_subnet_by_id
    get_subnetpool = via(lambda region: region.network.subnet_pools.find)
    list_subnets = via(lambda region: region.network.subnets.list)
    search_subnets = via(lambda region: region.network.subnets.search)
    update_subnet = networks.update_subnet
    create_port = networks.create_port
    delete_port = via(lambda region: region.network.ports.delete)
    get_port = via(lambda region: region.network.ports.find)
    get_port_by_id = networks.get_port_by_id
    list_ports = via(lambda region: region.network.ports.list)
    search_ports = via(lambda region: region.network.ports.search)
    update_port = via(lambda region: region.network.ports.update)
    create_router = networks.create_router
    delete_router = via(lambda region: region.network.routers.delete)
    get_router = via(lambda region: region.network.routers.find)
    list_routers = via(lambda region: region.network.routers.list)
    search_routers = via(lambda region: region.network.routers.search)
    update_router = networks.update_router
    add_router_interface = networks.add_router_interface
    list_router_interfaces = networks.list_router_interfaces
    remove_router_interface = networks.remove_router_interface
    get_network_extensions = networks.get_network_extensions
    get_network_quotas = networks.get_network_quotas
    set_network_quotas = networks.set_network_quotas
    delete_network_quotas = networks.delete_network_quotas
    create_security_group = security_groups.create_security_group
    delete_security_group = via(lambda region: region.network.security_groups.delete)
    get_security_group = via(lambda region: region.network.security_groups.find)
    get_security_group_by_id = security_groups.get_security_group_by_id
    list_security_groups = via(lambda region: region.network.security_groups.list)
    search_security_groups = via(lambda region: region.network.security_groups.search)
    update_security_group = via(lambda region: region.network.security_groups.update)
    create_security_group_rule = security_groups.create_security_group_rule
    delete_security_group_rule = security_groups.delete_security_group_rule

    # Floating IPs

    get_floating_ip = floating_ips.get_floating_ip
    get_floating_ip_by_id = floating_ips.get_floating_ip_by_id
    list_floating_ips = floating_ips.list_floating_ips
    search_floating_ips = floating_ips.search_floating_ips
    list_floating_ip_pools = floating_ips.list_floating_ip_pools
    search_floating_ip_pools = floating_ips.search_floating_ip_pools

    # Volumes

    attach_volume = volumes.attach_volume
    create_volume = volumes.create_volume
    delete_volume = volumes.delete_volume
    detach_volume = volumes.detach_volume
    get_volume = via(lambda region: region.block_storage.volumes.find)
    get_volume_attach_device = volumes.get_volume_attach_device
    get_volume_by_id = volumes.get_volume_by_id
    get_volume_id = volumes.get_volume_id
    get_volumes = volumes.get_volumes
    list_volumes = volumes.list_volumes
    search_volumes = via(lambda region: region.block_storage.volumes.search)
    set_volume_bootable = volumes.set_volume_bootable
    update_volume = volumes.update_volume
    volume_exists = volumes.volume_exists
    create_volume_snapshot = volume_copies.create_volume_snapshot
    delete_volume_snapshot = volume_copies.delete_volume_snapshot
    get_volume_snapshot = via(lambda region: region.block_storage.snapshots.find)
    get_volume_snapshot_by_id = volume_copies.get_volume_snapshot_by_id
    list_volume_snapshots = volume_copies.list_volume_snapshots
    search_volume_snapshots = via(lambda region: region.block_storage.snapshots.search)
    create_volume_backup = volume_copies.create_volume_backup
    delete_volume_backup = volume_copies.delete_volume_backup
    export_volume_backup = volume_copies.export_volume_backup
    get_volume_backup = via(lambda region: region.block_storage.backups.find)
    list_volume_backups = volume_copies.list_volume_backups
    search_volume_backups = via(lambda region: region.block_storage.backups.search)
    add_volume_type_access = volumes.add_volume_type_access
    get_volume_type = via(lambda region: region.block_storage.types.find)
    get_volume_type_access = volumes.get_volume_type_access
    list_volume_types = volumes.list_volume_types
    remove_volume_type_access = volumes.remove_volume_type_access
    search_volume_types = volumes.search_volume_types
    get_volume_limits = volumes.get_volume_limits
    get_volume_quotas = volumes.get_volume_quotas
    set_volume_quotas = volumes.set_volume_quotas
    delete_volume_quotas = volumes.delete_volume_quotas

    # Images

    create_image = images.create_image
    delete_autocreated_image_objects = image_tasks.delete_autocreated_image_objects
    delete_image = images.delete_image
    download_image = images.download_image
    stream_image = images.stream_image
    get_image = images.get_image
    get_image_by_id = images.get_image_by_id
    get_image_exclude = images.get_image_exclude
    get_image_id = images.get_image_id
    get_image_name = images.get_image_name
    list_images = images.list_images
    search_images = images.search_images
    update_image = via(lambda region: region.image.images.update)
    update_image_properties = images.update_image_properties
    wait_for_image = images.wait_for_image

    # Objects

    create_container = objects.create_container
    create_directory_marker_object = objects.create_directory_marker_object
    create_object = objects.create_object
    delete_container = objects.delete_container
    delete_object = objects.delete_object
    download_object = ranges.download_object
    get_container = objects.get_container
    get_container_access = objects.get_container_access
    get_object = downloads.get_object
    get_object_raw = downloads.get_object_raw
    get_object_capabilities = objects.get_object_capabilities
    get_object_metadata = objects.get_object_metadata
    get_object_segment_size = objects.get_object_segment_size
    is_object_stale = objects.is_object_stale
    list_containers = objects.list_containers
    list_objects = objects.list_objects
    search_containers = objects.search_containers
    search_objects = objects.search_objects
    set_container_access = objects.set_container_access
    stream_object = downloads.stream_object
    update_container = objects.update_container
    update_object = objects.update_object
    delete_objects = objects.delete_all
    generate_form_signature = links.generate_form_signature
    generate_temp_url = links.generate_temp_url
    set_temp_url_key = links.set_temp_url_key
    sync_objects = sync.sync_objects
    upload_archive = objects.upload_archive

    # Quality of service

    create_qos_policy = qos.create_qos_policy
    delete_qos_policy = via(lambda region: region.network.qos_policies.delete)
    list_qos_policies = via(lambda region: region.network.qos_policies.list)
    search_qos_policies = via(lambda region: region.network.qos_policies.search)
    update_qos_policy = qos.update_qos_policy
    get_qos_policy = via(lambda region: region.network.qos_policies.find)
    list_qos_rule_types = via(lambda region: region.network.qos_rule_types.list)
    get_qos_rule_type_details = qos.get_qos_rule_type_details
    create_qos_bandwidth_limit_rule = qos.create_qos_bandwidth_limit_rule
    delete_qos_bandwidth_limit_rule = qos.delete_qos_bandwidth_limit_rule
    get_qos_bandwidth_limit_rule = qos.get_qos_bandwidth_limit_rule
    list_qos_bandwidth_limit_rules = qos.list_qos_bandwidth_limit_rules
    search_qos_bandwidth_limit_rules = qos.search_qos_bandwidth_limit_rules
    update_qos_bandwidth_limit_rule = qos.update_qos_bandwidth_limit_rule
    create_qos_dscp_marking_rule = qos.create_qos_dscp_marking_rule
    delete_qos_dscp_marking_rule = qos.delete_qos_dscp_marking_rule
    get_qos_dscp_marking_rule = qos.get_qos_dscp_marking_rule
    list_qos_dscp_marking_rules = qos.list_qos_dscp_marking_rules
    search_qos_dscp_marking_rules = qos.search_qos_dscp_marking_rules
    update_qos_dscp_marking_rule = qos.update_qos_dscp_marking_rule
    create_qos_minimum_bandwidth_rule = qos.create_qos_minimum_bandwidth_rule
    delete_qos_minimum_bandwidth_rule = qos.delete_qos_minimum_bandwidth_rule
    get_qos_minimum_bandwidth_rule = qos.get_qos_minimum_bandwidth_rule
    list_qos_minimum_bandwidth_rules = qos.list_qos_minimum_bandwidth_rules
    search_qos_minimum_bandwidth_rules = qos.search_qos_minimum_bandwidth_rules
    update_qos_minimum_bandwidth_rule = qos.update_qos_minimum_bandwidth_rule

    # Firewalls

    create_firewall_group = firewalls.create_firewall_group
    delete_firewall_group = firewalls.delete_firewall_group
    get_firewall_group = via(lambda region: region.network.firewall_groups.find)
    list_firewall_groups = via(lambda region: region.network.firewall_groups.list)
    update_firewall_group = firewalls.update_firewall_group
    create_firewall_policy = firewalls.create_firewall_policy
    delete_firewall_policy = firewalls.delete_firewall_policy
    get_firewall_policy = via(lambda region: region.network.firewall_policies.find)
    list_firewall_policies = via(lambda region: region.network.firewall_policies.list)
    update_firewall_policy = firewalls.update_firewall_policy
    create_firewall_rule = via(lambda region: region.network.firewall_rules.create)
    delete_firewall_rule = firewalls.delete_firewall_rule
    get_firewall_rule = via(lambda region: region.network.firewall_rules.find)
    list_firewall_rules = via(lambda region: region.network.firewall_rules.list)
    update_firewall_rule = firewalls.update_firewall_rule
    insert_rule_into_policy = firewalls.insert_rule_into_policy
    remove_rule_from_policy = firewalls.remove_rule_from_policy

    # Identity

    create_domain = people.create_domain
    delete_domain = people.delete_domain
    get_domain = people.get_domain
    list_domains = via(lambda region: region.identity.domains.list)
    search_domains = people.search_domains
    update_domain = people.update_domain
    create_project = people.create_project
    delete_project = people.delete_project
    get_project = people.get_project
    list_projects = people.list_projects
    search_projects = via(lambda region: region.identity.projects.search)
    update_project = people.update_project
    create_user = people.create_user
    delete_user = people.delete_user
    get_user = people.get_user
    get_user_by_id = people.get_user_by_id
    list_users = via(lambda region: region.identity.users.list)
    search_users = via(lambda region: region.identity.users.search)
    update_user = people.update_user
    create_group = people.create_group
    delete_group = via(lambda region: region.identity.groups.delete)
    get_group = people.get_group
    list_groups = via(lambda region: region.identity.groups.list)
    search_groups = via(lambda region: region.identity.groups.search)
    update_group = people.update_group
    add_user_to_group = people.add_user_to_group
    is_user_in_group = people.is_user_in_group
    remove_user_from_group = people.remove_user_from_group
    create_role = roles.create_role
    delete_role = roles.delete_role
    get_role = roles.get_role
    list_roles = via(lambda region: region.identity.roles.list)
    search_roles = via(lambda region: region.identity.roles.search)
    update_role = roles.update_role
    grant_role = roles.grant_role
    revoke_role = roles.revoke_role
    list_role_assignments = roles.list_role_assignments
    create_service = catalog.create_service
    delete_service = via(lambda region: region.identity.services.delete)
    get_service = via(lambda region: region.identity.services.find)
    list_services = via(lambda region: region.identity.services.list)
    search_services = via(lambda region: region.identity.services.search)
    update_service = catalog.update_service
    create_endpoint = catalog.create_endpoint
    delete_endpoint = catalog.delete_endpoint
    get_endpoint = catalog.get_endpoint
    list_endpoints = via(lambda region: region.identity.endpoints.list)
    search_endpoints = catalog.search_endpoints
    update_endpoint = catalog.update_endpoint
    create_endpoint_group = catalog.create_endpoint_group
    delete_endpoint_group = catalog.delete_endpoint_group
    get_endpoint_group = catalog.get_endpoint_group
    list_endpoint_groups = via(lambda region: region.identity.endpoint_groups.list)
    search_endpoint_groups = via(lambda region: region.identity.endpoint_groups.search)
    update_endpoint_group = catalog.update_endpoint_group

    # DNS

    create_zone = zones.create_zone
    delete_zone = via(lambda region: region.dns.zones.delete)
    get_zone = via(lambda region: region.dns.zones.find)
    list_zones = via(lambda region: region.dns.zones.list)
    search_zones = via(lambda region: region.dns.zones.search)
    update_zone = via(lambda region: region.dns.zones.update)
    create_recordset = zones.create_recordset
    delete_recordset = zones.delete_recordset
    get_recordset = zones.get_recordset
    list_recordsets = zones.list_recordsets
    search_recordsets = zones.search_recordsets
    update_recordset = zones.update_recordset

    # Anything

    range_search = searching.range_search
    search_resources = searching.search_resources
    project_cleanup = cleanup.project_cleanup

    # Orchestration

    create_stack = stacks.create_stack
    delete_stack = stacks.delete_stack
    get_stack = stacks.get_stack
    get_template_contents = templates.get_template_contents
    list_stacks = stacks.list_stacks
    search_stacks = stacks.search_stacks
    update_stack = stacks.update_stack

    # Container infrastructure

    create_cluster_template = clusters.create_cluster_template
    delete_cluster_template = via(lambda region: region.container_infrastructure_management.cluster_templates.delete)
    get_cluster_template = clusters.get_cluster_template
    list_cluster_templates = clusters.list_cluster_templates
    search_cluster_templates = clusters.search_cluster_templates
    update_cluster_template = via(lambda region: region.container_infrastructure_management.cluster_templates.update)
    create_coe_cluster = clusters.create_coe_cluster
    delete_coe_cluster = via(lambda region: region.container_infrastructure_management.clusters.delete)
    get_coe_cluster = via(lambda region: region.container_infrastructure_management.clusters.find)
    get_coe_cluster_certificate = clusters.get_coe_cluster_certificate
    list_coe_clusters = via(lambda region: region.container_infrastructure_management.clusters.list)
    search_coe_clusters = via(lambda region: region.container_infrastructure_management.clusters.search)
    sign_coe_cluster_certificate = clusters.sign_coe_cluster_certificate
    update_coe_cluster = via(lambda region: region.container_infrastructure_management.clusters.update)
    list_magnum_services = via(lambda region: region.container_infrastructure_management.services.list)

    # Bare metal

    get_machine = via(lambda region: region.baremetal.nodes.find)
    list_machines = via(lambda region: region.baremetal.nodes.list)
    update_machine = via(lambda region: region.baremetal.nodes.update)
    activate_node = machines.activate_node
    attach_port_to_machine = machines.attach_port_to_machine
    deactivate_node = machines.deactivate_node
    detach_port_from_machine = machines.detach_port_from_machine
    get_machine_by_mac = machines.get_machine_by_mac
    get_nic_by_mac = machines.get_nic_by_mac
    inspect_machine = machines.inspect_machine
    list_nics = machines.list_nics
    list_nics_for_machine = machines.list_nics_for_machine
    list_ports_attached_to_machine = machines.list_ports_attached_to_machine
    node_set_provision_state = machines.node_set_provision_state
    patch_machine = machines.patch_machine
    purge_node_instance_info = machines.purge_node_instance_info
    register_machine = machines.register_machine
    remove_machine_from_maintenance = machines.remove_machine_from_maintenance
    set_machine_maintenance_state = machines.set_machine_maintenance_state
    set_machine_power_off = machines.set_machine_power_off
    set_machine_power_on = machines.set_machine_power_on
    set_machine_power_reboot = machines.set_machine_power_reboot
    set_node_instance_info = machines.set_node_instance_info
    unregister_machine = machines.unregister_machine
    validate_machine = machines.validate_machine
    validate_node = machines.validate_node
    wait_for_baremetal_node_lock = machines.wait_for_baremetal_node_lock

    # Accelerators

    bind_accelerator_request = accelerators.bind_accelerator_request
    create_accelerator_request = accelerators.create_accelerator_request
    create_device_profile = accelerators.create_device_profile
    delete_accelerator_request = accelerators.delete_accelerator_request
    delete_device_profile = accelerators.delete_device_profile
    patch_accelerator_request = accelerators.patch_accelerator_request
    unbind_accelerator_request = accelerators.unbind_accelerator_request
    list_accelerator_requests = via(lambda region: region.accelerator.accelerator_requests.list)
    list_deployables = via(lambda region: region.accelerator.deployables.list)
    list_device_profiles = via(lambda region: region.accelerator.device_profiles.list)
    list_devices = via(lambda region: region.accelerator.devices.list)

    # Shared file systems

    list_share_availability_zones = via(lambda region: region.shared_file_system.availability_zones.list)
