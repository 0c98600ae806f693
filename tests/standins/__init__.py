"""Stand-in servers for cloud APIs that cannot run here, each held to a description of the API."""
