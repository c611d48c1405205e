"""Small data made in place, so that every recipe trains without a download."""
