"""What changed, and the record kept of it: a file of every change, its replay at any moment, and the timeline."""
