"""From a recording to its segments, in memory of bounded size."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from kser.audio.decoding import SoundInBlocks, bytes_decoded_in_blocks, decoded_in_blocks
from kser.serving.given_audio import is_file, sound_of
from kser.serving.recordings import STANDARD_INPUT, standard_input
from kser.serving.segments.segment import Segment
from kser.serving.segments.settings import Windows
from kser.serving.segments.stream import SegmentStream

if TYPE_CHECKING:
    from kser.serving.predictor import Predictor


def segments_of(predictor: "Predictor", audio: Any, windows: Windows) -> list[Segment]:
    """What models say of the segments of a recording.

    Args:
        predictor: the models.
        audio: one recording, see `Predictor.predict`.
        windows: how it is cut.

    Raises:
        UserError: it cannot be read, or the models do not take such segments.
    """
    name = str(audio) if is_file(audio) else "recording"
    with _in_blocks(name, audio, predictor.sampling_rate) as sound:
        stream = SegmentStream(predictor, sound.sampling_rate, windows, name)
        segments = [segment for block in sound.blocks for segment in stream.feed(block)]
        return segments + stream.close()


@contextmanager
def _in_blocks(name: str, audio: Any, rate: int) -> Iterator[SoundInBlocks]:
    """What a user gave, in blocks; arrays are one."""
    if not is_file(audio):
        sound = sound_of(name, audio, rate)
        yield SoundInBlocks(iter([sound.samples]), sound.sampling_rate)
    elif str(audio) == STANDARD_INPUT:
        with bytes_decoded_in_blocks(standard_input(), "standard input") as blocks:
            yield blocks
    else:
        with decoded_in_blocks(audio) as blocks:
            yield blocks
