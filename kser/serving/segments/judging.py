"""From the pieces of a recording to what models say of them."""

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from kser.audio.decoding import Sound
from kser.audio.sound_faults import sound_faults
from kser.serving.decoding import UsableSound
from kser.serving.prediction import Unusable
from kser.serving.segments.pieces import Piece
from kser.serving.segments.segment import Segment

if TYPE_CHECKING:
    from kser.serving.predictor import Predictor

# So much is given to the models at a time.
_MOST_SECONDS = 600


def judged(
    predictor: "Predictor",
    recording: str,
    pieces: Iterable[Piece],
    report: Callable[[float], None] = lambda samples: None,
) -> Iterator[Segment]:
    """What models say of the pieces of a recording, each as a recording of its own.

    What a model does to recordings, trimming and loudness say, it does to each piece.

    Args:
        predictor: the models.
        recording: what it is called.
        pieces: in the order of the segments.
        report: gets up to which sample the recording is judged.
    """
    done = 0
    for group in _groups(pieces, _MOST_SECONDS * predictor.sampling_rate):
        sounds = [_sound_or_reason(piece, predictor.sampling_rate) for piece in group]
        usable = [(recording, sound) for sound in sounds if isinstance(sound, UsableSound)]
        end = group[-1].start + len(group[-1].samples)

        def report_of_all(share: float, start: int = done, end: int = end) -> None:
            report(start + share * (end - start))

        results = iter(predictor.predict_sounds(usable, report=report_of_all))
        done = end
        for piece, sound in zip(group, sounds, strict=True):
            result = next(results) if isinstance(sound, UsableSound) else Unusable(recording, sound)
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


def _sound_or_reason(piece: Piece, rate: int) -> UsableSound | str:
    """A piece as a recording of its own, or why nothing can be said of it."""
    samples = piece.samples[:, None]
    faults = sound_faults(Sound(samples, rate))
    refused = next((fault.kind for fault in faults if fault.unusable), "")
    return refused or UsableSound(samples, rate, faults=faults)
