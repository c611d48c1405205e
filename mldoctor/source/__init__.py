"""What the source of a script shows without running it: names, values and where they come from."""
