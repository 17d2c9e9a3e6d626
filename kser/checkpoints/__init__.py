"""Reading published checkpoints: configuration and named NumPy arrays. Knows no Keras and no model."""
