"""What the user accepts: ignores in comments and settings, and the baseline of known findings."""
