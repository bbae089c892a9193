"""The screens: each owns its keys and its widgets."""
