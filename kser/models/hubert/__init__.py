"""HuBERT: backbone, the position convolution of its own, and how published checkpoints map onto them."""
