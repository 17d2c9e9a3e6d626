"""From the pieces of a recording to what models say of them."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from kser.audio.decoding import Sound
from kser.audio.sound_faults import sound_faults
from kser.serving.prediction import Unusable
from kser.serving.segments.pieces import Piece
from kser.serving.segments.segment import Segment

if TYPE_CHECKING:
    from kser.serving.predictor import Predictor

# So much is given to the models at a time.
_MOST_SECONDS = 600


def judged(predictor: "Predictor", recording: str, pieces: Iterable[Piece]) -> Iterator[Segment]:
    """What models say of the pieces of a recording, each as a recording of its own.

    What a model does to recordings, trimming and loudness say, it does to each piece.

    Args:
        predictor: the models.
        recording: what it is called.
        pieces: in the order of the segments.
    """
    for group in _groups(pieces, _MOST_SECONDS * predictor.sampling_rate):
        sounds = [Sound(piece.samples[:, None], predictor.sampling_rate) for piece in group]
        refused = [_why_refused(sound) for sound in sounds]
        usable = [(recording, sound) for sound, reason in zip(sounds, refused, strict=True) if not reason]
        results = iter(predictor.predict_sounds(usable))
        for piece, reason in zip(group, refused, strict=True):
            result = Unusable(recording, reason) if reason else next(results)
            start_s = piece.start / predictor.sampling_rate
            end_s = (piece.start + len(piece.samples)) / predictor.sampling_rate
            if isinstance(result, Unusable):
                why = result.reason.removeprefix(f"{recording}: ")
                yield Segment(recording, end_s - start_s, notes=(why,), start_s=start_s, end_s=end_s)
            else:
                yield Segment(**vars(result), start_s=start_s, end_s=end_s)


def _groups(pieces: Iterable[Piece], most_samples: int) -> Iterator[list[Piece]]:
    group: list[Piece] = []
    samples = 0
    for piece in pieces:
        group.append(piece)
        samples += len(piece.samples)
        if samples >= most_samples:
            yield group
            group, samples = [], 0
    if group:
        yield group


def _why_refused(sound: Sound) -> str:
    """Why nothing is said of a piece that is there; empty where it can be used."""
    return next((fault.kind for fault in sound_faults(sound) if fault.unusable), "")
