"""What is examined: models, optimizers, loaders, and a way to take one training step."""
