"""What an AI workload is. Pure, on top of policy."""
