"""One folder a service, one file a resource."""
