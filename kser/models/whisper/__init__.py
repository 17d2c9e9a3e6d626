"""The encoder of Whisper: its log-mel front end, its layers, and how checkpoints map onto them."""
