"""Changes tried on the live trainee, one file each."""
