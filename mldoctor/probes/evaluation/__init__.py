"""Probes of evaluation: what is kept, and by which score."""
