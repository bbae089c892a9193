"""What holds for every test."""

from __future__ import annotations

from hypothesis import settings

# How long an example takes says how busy the machine is: speed is measured in tests/bench.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
