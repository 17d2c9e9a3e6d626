"""Wav2Vec 2.0: backbone, its layers, the base class of its relatives, and how checkpoints map onto them."""
