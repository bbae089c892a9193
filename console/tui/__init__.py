"""The console: five screens over one source, in a terminal."""
