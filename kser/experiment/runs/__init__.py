"""Models × seeds as plain values: paths, data, the model a run starts with and leaves, locks, logs."""
