"""The embedded cluster: an API server on loopback, an AI platform, and incidents that happen to it."""
