"""Facts that the source of a script tells without running it."""
