"""Which augmentation an utterance of the training part gets, and with which random draws.

The result depends only on the seed, the utterance, its copy and the epoch: neither the number of
threads or processes nor the order in which they ask plays a part.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from kser.audio.augmentation import Augmenter

AugmentationMode = Literal["union", "compose", "one_of"]
AugmentationDraws = Literal["online", "frozen"]


@dataclass(frozen=True)
class AugmentationPlan:
    """How the training part is augmented.

    Attributes:
        augmenters: the augmentations, at least one.
        mode: `union`: the clean utterance, and a copy of it for each augmentation; `compose`: all of them in
            a chain; `one_of`: one of them, drawn.
        draws: `online`: fresh ones in each epoch; `frozen`: those of the first epoch in every one.
        seed: of the run.
    """

    augmenters: tuple[Augmenter, ...]
    mode: AugmentationMode
    draws: AugmentationDraws
    seed: int

    def __post_init__(self) -> None:
        if not self.augmenters:
            raise ValueError("`augmenters` must hold at least one augmentation. Received: none")

    @property
    def copies(self) -> int:
        """How often an epoch has each utterance."""
        return 1 + len(self.augmenters) if self.mode == "union" else 1

    def augmented(
        self, waveform: np.ndarray, sampling_rate: int, utterance: int, copy: int, epoch: int
    ) -> np.ndarray:
        """A copy of an utterance as an epoch has it.

        Args:
            waveform: float32 array (samples,), the clean utterance.
            sampling_rate: Hz.
            utterance: its position in the training part.
            copy: below `copies`. Of `union`, copy 0 is clean and copy k has only augmentation k − 1.
            epoch: from 0.

        Returns:
            float32 array (samples',).

        Raises:
            UserError: see `Augmenter`.
        """
        for number in self.numbers(utterance, copy, epoch):
            key = self.key(number, utterance, copy, epoch)
            waveform = self.augmenters[number](waveform, sampling_rate, key)
        return waveform

    def numbers(self, utterance: int, copy: int, epoch: int) -> list[int]:
        """Positions of the augmentations that make a copy, in the order they are applied in."""
        if not 0 <= copy < self.copies:
            raise ValueError(f"`copy` must be below copies. Received: copy={copy}, copies={self.copies}")
        if self.mode == "union":
            return [copy - 1] if copy else []
        everything = range(len(self.augmenters))
        if self.mode == "compose":
            return list(everything)
        # The draw among them has the number after theirs.
        rng = np.random.default_rng(self.key(len(everything), utterance, copy, epoch))
        return [int(rng.choice(everything))]

    def key(self, number: int, utterance: int, copy: int, epoch: int) -> tuple[int, ...]:
        """What the draws of an augmentation follow from."""
        return (self.seed, number, utterance, copy, epoch if self.draws == "online" else 0)
