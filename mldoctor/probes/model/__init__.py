"""Faults inside the model."""
