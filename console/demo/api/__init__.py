"""The demo cluster's API server in parts: kinds, addresses, rights, answers and watches."""
