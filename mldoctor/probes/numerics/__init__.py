"""Numbers that overflow, vanish or are not numbers."""
