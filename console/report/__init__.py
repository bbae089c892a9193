"""Verdicts as text and JSON: one wording for the command line and the screens."""
