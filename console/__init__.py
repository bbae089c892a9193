"""netpol-console: see, question and prove the network boundaries of AI platforms on Kubernetes."""

__version__ = "0.1.0"
