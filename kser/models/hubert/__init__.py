"""HuBERT: backbone, its own position convolution, and how published checkpoints map onto them."""
