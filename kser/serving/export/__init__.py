"""Trained models for other programs: one graph from waveform to probabilities, in several formats."""
