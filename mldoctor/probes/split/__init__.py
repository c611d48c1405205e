"""What stands in more than one split."""
