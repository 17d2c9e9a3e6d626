"""What a recording expresses, said while it comes."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from kser.audio.decoding import Sound
from kser.audio.loading import mixed_down
from kser.audio.resampling import StreamResampler
from kser.audio.windows import windows_of, windows_within
from kser.errors import UserError
from kser.serving.given_audio import samples_of, whole_rate
from kser.serving.segments.judging import Piece, judged
from kser.serving.segments.segment import Segment
from kser.serving.segments.settings import Windows
from kser.serving.segments.waveform_buffer import WaveformBuffer

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
        self._window, self._hop = windows.in_samples(predictor)
        self._resampler = StreamResampler(whole_rate("rate", rate), predictor.sampling_rate)
        self._buffer = WaveformBuffer()
        self._channels = 0
        self._said = 0
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
        if len(samples):
            self._buffer.add(self._resampler.feed(mixed_down(Sound(samples, self._resampler.rate))))
        return list(judged(self._predictor, self._recording, self._whole()))

    def close(self) -> list[Segment]:
        """End the recording.

        Returns:
            The windows that are left, see `kser.audio.windows.windows_of`.
        """
        if self._is_closed:
            return []
        self._is_closed = True
        self._buffer.add(self._resampler.close())
        return list(judged(self._predictor, self._recording, self._left()))

    def _whole(self) -> Iterator[Piece]:
        """Windows that came to be whole."""
        for start in windows_within(self._buffer.end, self._window, self._hop)[self._said :]:
            yield self._piece(start, start + self._window)
        # The last window of all may begin anywhere in what would be another one.
        self._buffer.forget(self._buffer.end - self._window)

    def _left(self) -> Iterator[Piece]:
        for start, end in windows_of(self._buffer.end, self._window, self._hop)[self._said :]:
            yield self._piece(start, end)

    def _piece(self, start: int, end: int) -> Piece:
        self._said += 1
        return Piece(start, self._buffer.between(start, end))
