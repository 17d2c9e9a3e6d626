"""What a recording expresses, said while it comes."""

from typing import TYPE_CHECKING, Any

import numpy as np

from kser.audio.decoding import Sound
from kser.audio.loading import mixed_down
from kser.audio.resampling import StreamResampler
from kser.errors import UserError
from kser.serving.given_audio import samples_of, whole_rate
from kser.serving.segments.judging import judged
from kser.serving.segments.pieces import WindowCutter
from kser.serving.segments.segment import Segment
from kser.serving.segments.settings import Windows

if TYPE_CHECKING:
    from kser.serving.predictor import Predictor


class SegmentStream:
    """Takes a recording in chunks and says what each window expresses as soon as it is there.

    Whatever the chunks, all that it says together is what `Predictor.predict_windows` says of the whole,
    beyond rounding. It keeps a window of the recording.

    Args:
        predictor: the models.
        rate: Hz of the samples.
        windows: how the recording is cut.
        recording: what segments call it.

    Raises:
        UserError: the models do not take such windows, or the rate is no whole number.
    """

    def __init__(
        self, predictor: "Predictor", rate: int, windows: Windows, recording: str = "recording"
    ) -> None:
        self._predictor = predictor
        self._recording = recording
        self._cutter = WindowCutter(*windows.in_samples(predictor))
        self._resampler = StreamResampler(whole_rate("rate", rate), predictor.sampling_rate)
        self._channels = 0
        self._is_closed = False

    def feed(self, chunk: Any) -> list[Segment]:
        """Take the next samples.

        Args:
            chunk: float (samples,) or (samples, channels), full scale ±1; any number of samples, none even.

        Returns:
            The windows that are whole now and were not before, in order.

        Raises:
            UserError: it is no sound, has another number of channels than before, or the stream is closed.
        """
        if self._is_closed:
            raise UserError(f"{self._recording}: the stream is closed; begin another one")
        samples = samples_of(self._recording, chunk)
        self._channels = self._channels or samples.shape[1]
        if samples.shape[1] != self._channels:
            raise UserError(
                f"{self._recording}: its chunks must all have {self._channels} channels, as the first one, "
                f"got {samples.shape[1]}"
            )
        if not len(samples):
            return []
        return self._judged(self._resampler.feed(mixed_down(Sound(samples, self._resampler.rate))))

    def close(self) -> list[Segment]:
        """End the recording.

        Returns:
            The windows that are left, see `kser.audio.windows.windows_of`.
        """
        if self._is_closed:
            return []
        self._is_closed = True
        return self._judged(self._resampler.close(), is_last=True)

    def _judged(self, samples: np.ndarray, is_last: bool = False) -> list[Segment]:
        pieces = self._cutter.feed(samples) + (self._cutter.close() if is_last else [])
        return list(judged(self._predictor, self._recording, pieces))
