"""Reading clouds.yaml, secure.yaml, profiles and the environment into one `CloudConfig` per cloud and region."""
