"""Wav2Vec 2.0: backbone, its layers, and how published checkpoints map onto them."""
