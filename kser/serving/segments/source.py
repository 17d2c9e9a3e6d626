"""A recording that can be decoded more than once, block by block, however it was given."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from kser.audio.decoding import Sound, SoundInBlocks, bytes_decoded_in_blocks, decoded_in_blocks
from kser.audio.resampling import waveform_in_blocks
from kser.audio.sound_faults import Cancellation, Fault, header_faults
from kser.errors import UserError
from kser.serving.given_audio import is_file, sound_of
from kser.serving.recordings import STANDARD_INPUT, standard_input

SAMPLES_A_BLOCK = 1 << 20


@dataclass(frozen=True)
class Source:
    """A recording.

    Attributes:
        name: what it is called.
        decoded: decodes it anew.
    """

    name: str
    decoded: Callable[[], AbstractContextManager[SoundInBlocks]]

    @classmethod
    def of(cls, audio: Any, rate: int) -> "Source":
        """What a user gave.

        Args:
            audio: one recording, see `Predictor.predict`.
            rate: Hz of an array without one.

        Raises:
            UserError: it is neither a file nor an array of sound.
        """
        if not is_file(audio):
            return cls("recording", partial(_whole, sound_of("recording", audio, rate)))
        if str(audio) == STANDARD_INPUT:
            return cls(STANDARD_INPUT, partial(bytes_decoded_in_blocks, standard_input(), "standard input"))
        return cls(str(audio), partial(decoded_in_blocks, audio))

    def promised_s(self) -> float | None:
        """How long it says that it is; `None` where it does not say.

        Raises:
            UserError: it cannot be read.
        """
        with self.decoded() as sound:
            return None if sound.promised is None else sound.promised / sound.sampling_rate

    @contextmanager
    def waveform(self, sampling_rate: int) -> Iterator[Iterator[np.ndarray]]:
        """Decode it and resample it.

        Yields:
            Its waveform in blocks, float32 (samples,), channels averaged.

        Raises:
            UserError: it cannot be read, its header leaves most of it out, or its channels cancel each other;
                here or from the blocks.
        """
        with self.decoded() as sound:
            self._check(header_faults(*sound.unannounced))
            yield waveform_in_blocks(replace(sound, blocks=self._checked(sound.blocks)), sampling_rate)

    def _checked(self, blocks: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
        cancellation = Cancellation()
        for block in blocks:
            cancellation.add(block)
            yield block
        self._check(cancellation.faults())

    def _check(self, faults: Iterable[Fault]) -> None:
        for fault in faults:
            if fault.unusable:
                raise UserError(f"{self.name}: {fault.words}")


@contextmanager
def _whole(sound: Sound) -> Iterator[SoundInBlocks]:
    starts = range(0, len(sound.samples), SAMPLES_A_BLOCK)
    blocks = (sound.samples[start : start + SAMPLES_A_BLOCK] for start in starts)
    yield SoundInBlocks(blocks, sound.sampling_rate, promised=len(sound.samples))
