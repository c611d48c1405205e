"""Frozen values that probes judge, each with the one function that obtains it."""
