"""Examples of an experiment's augmentations, to listen to and to look at."""
