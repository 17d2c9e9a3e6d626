"""Published checkpoints in `transformers`, asked for their hidden states."""

from pathlib import Path
from typing import Any

import numpy as np


class TransformersReference:
    """A checkpoint in `transformers`, in float32 until `model` is turned to float64.

    Subclasses say how an architecture is called. PyTorch is imported when one is made.

    Args:
        model: as `AutoModel` gives it.
        folder: where it was read.
    """

    def __init__(self, model: Any, folder: Path):
        self.model = model.eval().float()  # half precision is only how it was saved
        self.config = model.config
        self.folder = folder

    @property
    def takes_mask(self) -> bool:
        """Whether a padded batch comes with an attention mask: not to models with group norm (VALIDITY 4)."""
        return getattr(self.config, "feat_extract_norm", "layer") != "group"

    def frames(self, samples: int) -> int:
        """How many frames are compared of an utterance of that length."""
        return int(self.model._get_feat_extract_output_lengths(samples))

    def states(self, waveform: np.ndarray, padding_mask: np.ndarray | None = None) -> np.ndarray:
        """Hidden states (layers + 1, batch, frames, channels) of waveforms (batch, samples)."""
        import torch

        mask = None if padding_mask is None else torch.from_numpy(padding_mask).long()
        return transformers_states(self.model, self.tensor(waveform), mask)

    def inputs(self, waveform: np.ndarray) -> Any:
        """What the model takes for waveforms (batch, samples) without padding, as a tensor."""
        return self.tensor(waveform)

    def tensor(self, values: np.ndarray) -> Any:
        """A tensor of the model's precision."""
        import torch

        return torch.from_numpy(values).to(self.model.dtype)


def transformers_states(model: Any, values: Any, mask: Any = None) -> np.ndarray:
    """The input of the first layer and the output of each: (layers + 1, utterances, frames, channels).

    The last entry is `last_hidden_state`. With `do_stable_layer_norm`, transformers 5 records what enters the
    encoder's final layer norm in its place; version 4 gave, as here, what leaves it.

    Args:
        model: of transformers, or the encoder of one.
        values: tensor, its first argument.
        mask: tensor, its `attention_mask`.
    """
    import torch

    with torch.no_grad():
        output = model(values, attention_mask=mask, output_hidden_states=True)
    return torch.stack([*output.hidden_states[:-1], output.last_hidden_state]).float().numpy()
