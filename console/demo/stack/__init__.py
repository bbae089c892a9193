"""The AI platform of the demo, namespace by namespace: what runs, on which ports, wearing which labels."""
