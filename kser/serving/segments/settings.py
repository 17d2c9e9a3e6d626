"""How a long recording is cut into segments."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kser.audio.voice_activity import VoiceSettings
from kser.errors import UserError

if TYPE_CHECKING:
    from kser.serving.predictor import Predictor

WINDOW_SECONDS, LONGEST_VOICE_SECONDS = 4.0, 8.0
_SHORTEST_HOP_S = 0.01
_LONGEST_WINDOW_S = 1e6  # beyond all recordings; numbers beyond it have no number of samples


@dataclass(frozen=True)
class Windows:
    """Overlapping windows of one length, see `kser.audio.windows.windows_of`.

    Args:
        window_seconds: length of a window; `None` for 4 s, or as much as the model takes.
        hop_seconds: from the start of one to that of the next, at most the length; `None` for half of it.

    Raises:
        UserError: a value out of its range.
    """

    window_seconds: float | None = None
    hop_seconds: float | None = None

    def __post_init__(self) -> None:
        _check_above_0(self.window_seconds)
        longest = np.inf if self.window_seconds is None else self.window_seconds
        if self.hop_seconds is not None and not _SHORTEST_HOP_S <= self.hop_seconds <= longest:
            raise _hop_mistake(self.hop_seconds, longest)

    def check(self, predictor: "Predictor") -> None:
        """Raise a `UserError` where one of the models does not take such windows."""
        self.in_samples(predictor)

    def in_samples(self, predictor: "Predictor") -> tuple[int, int]:
        """Window and hop in samples at the predictor's rate.

        Raises:
            UserError: one of the models does not take waveforms of that length.
        """
        window_s = _length_heard(self.window_seconds, WINDOW_SECONDS, predictor)
        hop_s = window_s / 2 if self.hop_seconds is None else self.hop_seconds
        if hop_s > window_s:
            raise _hop_mistake(hop_s, window_s)
        return round(window_s * predictor.sampling_rate), max(1, round(hop_s * predictor.sampling_rate))


@dataclass(frozen=True)
class Voice:
    """Stretches of voice, see `kser.audio.voice_activity`.

    Args:
        window_seconds: longer stretches are cut where they are softest; `None` for 8 s, or as much as the
            model takes.

    Raises:
        UserError: a value out of its range.
    """

    window_seconds: float | None = None

    def __post_init__(self) -> None:
        _check_above_0(self.window_seconds)

    def check(self, predictor: "Predictor") -> None:
        """Raise a `UserError` where one of the models does not take such stretches."""
        self.for_models(predictor)

    def for_models(self, predictor: "Predictor") -> VoiceSettings:
        """What counts as a stretch for the models.

        Raises:
            UserError: one of them does not take waveforms of that length.
        """
        longest_s = _length_heard(self.window_seconds, LONGEST_VOICE_SECONDS, predictor)
        return VoiceSettings(longest_s=longest_s)


Cutting = Windows | Voice
KINDS = ("voice", "windows")


def cutting_of(kind: str, window_seconds: float | None, hop_seconds: float | None) -> Cutting:
    """The settings that a user names.

    Args:
        kind: one of `KINDS`.
        window_seconds, hop_seconds: see `Windows` and `Voice`.

    Raises:
        UserError: there is no such kind, a value is out of its range, or the kind has none of it.
    """
    if kind == "windows":
        return Windows(window_seconds, hop_seconds)
    if kind != "voice":
        raise UserError(f"segments: must be {' or '.join(KINDS)}, got {kind}")
    if hop_seconds is not None:
        raise UserError("hop_seconds: only windows have one, with segments voice nothing overlaps")
    return Voice(window_seconds)


def _check_above_0(window_seconds: float | None) -> None:
    if window_seconds is not None and not 0 < window_seconds <= _LONGEST_WINDOW_S:
        most = f" and at most {_LONGEST_WINDOW_S:g}" if window_seconds > 0 else ""
        raise UserError(f"window_seconds: must be above 0{most}, got {window_seconds:g}")


def _hop_mistake(hop_s: float, window_s: float) -> UserError:
    return UserError(
        f"hop_seconds: must be from {_SHORTEST_HOP_S} to window_seconds"
        f"{'' if window_s == np.inf else f', {window_s:g}'}, got {hop_s:g}"
    )


def _length_heard(window_s: float | None, otherwise_s: float, predictor: "Predictor") -> float:
    """A length that the models hear whole, the usual one as far as they do.

    Raises:
        UserError: it is too short for one of them, or one would hear a part.
    """
    shortest_s, longest_s = predictor.ensemble.heard_seconds
    if window_s is None:
        return min(max(otherwise_s, shortest_s), longest_s)
    if window_s < shortest_s:
        raise UserError(
            f"window_seconds: must be at least {shortest_s:g}, which the model needs, got {window_s:g}"
        )
    if window_s > longest_s:
        raise UserError(
            f"window_seconds: must be at most {longest_s:g}, since the model hears no more of a recording, "
            f"got {window_s:g}"
        )
    return window_s
