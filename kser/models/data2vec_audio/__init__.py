"""data2vec for audio: backbone, its stacked position convolutions, and how checkpoints map onto them."""
