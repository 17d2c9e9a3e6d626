"""What is said of the windows of a recording, where a request asks for them."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from fastapi import HTTPException

from kser.audio.decoding import Sound
from kser.audio.loading import resampled_length
from kser.audio.windows import windows_of
from kser.errors import UserError
from kser.serving.predictor import Predictor
from kser.serving.segments.segment import Segment
from kser.serving.segments.settings import Windows

_MOST_WINDOWS = 1000
# Long windows that overlap much are computed for hours: together they last no longer than so many recordings.
_MOST_TIMES = 8
# All of them may take minutes: so many are said, and then it is the turn of whoever waits.
_WINDOWS_OF_A_STEP = 8


def asked_windows(
    predictor: Predictor, window_seconds: float | None, hop_seconds: float | None
) -> Windows | None:
    """The windows that a request asks for; `None` where it asks for none.

    Raises:
        HTTPException: 422 for those that the model does not take.
    """
    if window_seconds is None:
        if hop_seconds is not None:
            raise HTTPException(422, "hop_seconds: only with window_seconds")
        return None
    try:
        windows = Windows(window_seconds, hop_seconds)
        windows.check(predictor)
    except UserError as error:
        raise HTTPException(422, str(error)) from None
    return windows


def check_count(predictor: Predictor, sound: Sound, windows: Windows, longest_s: float) -> None:
    """Raise an `HTTPException` where a recording has too many windows, for a server of recordings so long."""
    samples = resampled_length(len(sound.samples), sound.sampling_rate, predictor.sampling_rate)
    window, hop = windows.in_samples(predictor)
    if (count := len(windows_of(samples, window, hop))) > _MOST_WINDOWS:
        raise HTTPException(422, f"hop_seconds: would give {count} windows, more than {_MOST_WINDOWS}")
    together_s, most_s = count * min(window, samples) / predictor.sampling_rate, _MOST_TIMES * longest_s
    if together_s > most_s:
        raise HTTPException(
            422, f"hop_seconds: would give windows of {together_s:.0f} s together, more than {most_s:g} s"
        )


def steps_over_time(
    predictor: Predictor, sound: Sound, windows: Windows
) -> Iterator[Callable[[], list[Segment]]]:
    """What gives the segments of a recording, a few windows at each call, to be called in this order."""
    stream = predictor.stream(
        sound.sampling_rate, window_seconds=windows.window_seconds, hop_seconds=windows.hop_seconds
    )
    _, hop = windows.in_samples(predictor)
    samples = max(1, round(_WINDOWS_OF_A_STEP * hop * sound.sampling_rate / predictor.sampling_rate))
    for start in range(0, len(sound.samples), samples):
        yield partial(stream.feed, sound.samples[start : start + samples])
    yield stream.close


def as_json(segment: Segment) -> dict[str, Any]:
    """A segment of a recording that was named before, ready for JSON."""
    return {name: value for name, value in segment.as_json().items() if name != "recording"}
