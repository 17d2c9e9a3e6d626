"""The encoder of Moonshine: its convolutions, its layers, and how checkpoints map onto them."""
