"""The console: Browse and Simulate over one source, in a terminal. Draws what the layers below computed."""
