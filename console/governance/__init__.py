"""What an AI workload is, and what its traffic is held to. Pure, on top of policy."""
