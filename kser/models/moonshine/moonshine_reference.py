"""Moonshine in `transformers`."""

import numpy as np

from kser.models.transformers_reference import TransformersReference, transformers_states


class MoonshineReference(TransformersReference):
    """The encoder of Moonshine; its group norm treats padding as sound, so it gets no mask."""

    takes_mask = False

    def states(self, waveform: np.ndarray, padding_mask: np.ndarray | None = None) -> np.ndarray:
        return transformers_states(self.model.get_encoder(), self.tensor(waveform))
