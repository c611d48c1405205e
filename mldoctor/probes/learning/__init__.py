"""What only steps can show."""
