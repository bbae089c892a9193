"""Verdicts, audits and the rest in every form: one wording for the command line and the screens."""
