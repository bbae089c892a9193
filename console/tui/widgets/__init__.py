"""Widgets: they draw lines the model made, and turn keys and clicks into messages."""
