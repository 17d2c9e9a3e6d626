"""A trained model behind HTTP: uploads kept in memory, batches of those who wait, limits that hold."""
