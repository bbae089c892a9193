"""The engine: compiles policies into one form and judges connections. Pure: no I/O, no clock, no screen."""
