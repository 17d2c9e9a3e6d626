"""From decoded recordings to the padded batches that a model computes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from kser.audio.decoding import Sound
from kser.audio.loading import waveform_of
from kser.audio.waveform import model_inputs
from kser.errors import UserError
from kser.pipeline.reading import check_long_enough
from kser.pipeline.waveform_format import WaveformFormat

# Padded lengths are multiples of a quarter to an eighth of themselves, and of this at least.
_FINEST_GRID_LOG2 = 12
_STEPS_LOG2 = 2
# The batches of training are for recordings of seconds; of minutes, as many would take much memory and no
# less time. At 16 kHz this is 65 s.
_MOST_SAMPLES_OF_A_BATCH = 1 << 20


@dataclass(frozen=True)
class Batch:
    """Waveforms that are given to a model together.

    Attributes:
        indices: which of the waveforms.
        samples: the length that they are padded to.
        places: rows that are computed, whether or not all are taken: one program for every batch of a length.
    """

    indices: tuple[int, ...]
    samples: int
    places: int


@dataclass(frozen=True)
class ModelAudio:
    """How recordings are given to a model.

    Attributes:
        format: how they are read for it.
        padded_samples: what it pads shorter ones to itself; `None` where it does not.
    """

    format: WaveformFormat
    padded_samples: int | None

    def waveforms(self, name: str, sound: Sound) -> list[np.ndarray]:
        """A recording as the model was trained on them, float32 (samples,); its parts where it is split.

        Raises:
            UserError: it is too short, or longer than the model is to be given.
        """
        processing, rate = self.format.processing, self.format.sampling_rate
        count = processing.parts(len(sound.samples) / sound.sampling_rate)
        parts = np.array_split(sound.samples, count)
        waveforms = [
            processing(waveform_of(name, replace(sound, samples=part), rate), rate) for part in parts
        ]
        for waveform in waveforms:
            check_long_enough(name, len(waveform), self.format)
            if count == 1 and (reason := processing.why_left_out(len(waveform), rate)):
                raise UserError(f"{name}: {reason}")
        return waveforms

    def padded_length(self, samples: int) -> int:
        """The length that a waveform is padded to, see the function of this name.

        What the model would pad itself is padded here, so that one program is compiled for all lengths.
        """
        fixed = self.padded_samples if self.format.mask_padding else None
        return padded_length(samples) if fixed is None or samples > fixed else fixed

    def batches(self, waveforms: Sequence[np.ndarray], most: int) -> list[Batch]:
        """Batches of waveforms, those of like length together, the shortest first.

        Args:
            waveforms: float32 (samples,) each.
            most: places of a batch; those of long waveforms have fewer.
        """
        batches: list[Batch] = []
        together: list[int] = []
        samples = 0
        for index in np.argsort([len(waveform) for waveform in waveforms], kind="stable").tolist():
            padded = self.padded_length(len(waveforms[index]))
            is_full = len(together) >= self._places(padded, most)
            # Where padding counts as sound, a recording gets as much of it whatever else is in the batch.
            if together and (is_full or (padded != samples and not self.format.mask_padding)):
                batches.append(Batch(tuple(together), samples, self._places(samples, most)))
                together = []
            together.append(index)
            samples = padded
        if together:
            batches.append(Batch(tuple(together), samples, self._places(samples, most)))
        return batches

    def _places(self, samples: int, most: int) -> int:
        """Of a batch of waveforms that are padded to this length: `most`, or a power of two below it."""
        return min(most, largest_power_of_two(max(1, _MOST_SAMPLES_OF_A_BATCH // samples)))

    def inputs(self, waveforms: Sequence[np.ndarray], batch: Batch) -> dict[str, np.ndarray]:
        """What a backbone takes of a batch, see `kser.audio.waveform.model_inputs`.

        Args:
            waveforms: all of them.
            batch: which.

        Returns:
            `{"waveform": float32 (places, samples), "padding_mask": bool (places, samples)}`.
        """
        waveform, mask = model_inputs(
            [waveforms[index] for index in batch.indices],
            do_normalize=self.format.do_normalize,
            mask_padding=self.format.mask_padding,
            samples=batch.samples,
            places=batch.places,
        )
        return {"waveform": waveform, "padding_mask": mask}


def padded_length(samples: int) -> int:
    """The length that a waveform is padded to: one of few, so that few programs are compiled.

    Between a length and its double there are four, and never is more than a quarter added, but for
    waveforms below 1 s.
    """
    grid = 1 << max(_FINEST_GRID_LOG2, (samples - 1).bit_length() - 1 - _STEPS_LOG2)
    return -(-samples // grid) * grid


def largest_power_of_two(limit: int) -> int:
    """The largest power of two that is not above a number from 1 on."""
    return 1 << (limit.bit_length() - 1)
