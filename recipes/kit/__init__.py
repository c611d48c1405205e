"""The chores of the recipes: settings, tables, splits, scores, checkpoints. No training loop."""
