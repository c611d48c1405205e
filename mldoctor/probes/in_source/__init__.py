"""What probes can say of a file that is only read, one file for each name.

A reading speaks where the source leaves no doubt, and is silent on everything else.
"""
