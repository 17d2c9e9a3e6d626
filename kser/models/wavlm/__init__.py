"""WavLM: backbone, its gated relative position bias, and how published checkpoints map onto them."""
