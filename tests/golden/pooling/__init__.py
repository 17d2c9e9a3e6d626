"""What SpeechBrain's attentive poolings make of frames, with their weights (see README.md)."""

from pathlib import Path

import numpy as np

MODULES = ("att_stats", "att_stats_without_context", "ecapa")
"""Names of the files; README.md says what each of them stands for."""


def expected_pooling(module: str) -> dict[str, np.ndarray]:
    """What goes into a module and what SpeechBrain makes of it.

    Returns:
        Arrays by name, float32 but for the integers `lengths`:

        - `frames` (3, 32, 6): a batch; `lengths` (3,): how many frames of each utterance are no padding, in
          which other numbers stand;
        - `padded` (3, channels): the pooled batch, SpeechBrain given the lengths;
        - `alone` (3, channels): each utterance without its padding;
        - `training` (3, channels): the batch as 96 valid frames, in training mode;
        - `weights/<name>`: the module's `state_dict`, `updated/<name>`: its means after `training`.
    """
    with np.load(Path(__file__).parent / f"{module}.npz") as file:
        return dict(file)
