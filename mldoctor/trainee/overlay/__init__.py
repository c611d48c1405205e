"""A union file system in Python: the examined script's writes over the real files."""
