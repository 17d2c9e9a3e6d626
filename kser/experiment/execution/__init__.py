"""Doing one run: reading, searching, training, saving."""
