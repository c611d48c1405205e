"""Data of any size: the overlap kernel, and readers that stream files past it."""
