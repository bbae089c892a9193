"""Kubernetes objects as the console keeps them: frozen, slotted, typed. Raw JSON in, values and diagnostics out."""
