"""How a long recording is cut into segments."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kser.errors import UserError

if TYPE_CHECKING:
    from kser.serving.predictor import Predictor

WINDOW_SECONDS = 4.0
_SHORTEST_HOP_S = 0.01


@dataclass(frozen=True)
class Windows:
    """Overlapping windows of one length, see `kser.audio.windows.windows_of`.

    Args:
        window_seconds: length of a window.
        hop_seconds: from the start of one to that of the next, at most the length; `None` for half of it.

    Raises:
        UserError: a value out of its range.
    """

    window_seconds: float = WINDOW_SECONDS
    hop_seconds: float | None = None

    def __post_init__(self) -> None:
        if not 0 < self.window_seconds < float("inf"):
            raise UserError(f"window_seconds: must be above 0, got {self.window_seconds:g}")
        if self.hop_seconds is not None and not _SHORTEST_HOP_S <= self.hop_seconds <= self.window_seconds:
            raise UserError(
                f"hop_seconds: must be from {_SHORTEST_HOP_S} to window_seconds, {self.window_seconds:g}, "
                f"got {self.hop_seconds:g}"
            )

    def in_samples(self, predictor: "Predictor") -> tuple[int, int]:
        """Window and hop in samples at the predictor's rate.

        Raises:
            UserError: one of the models does not take waveforms of that length.
        """
        window = length_taken(self.window_seconds, predictor)
        hop_s = self.window_seconds / 2 if self.hop_seconds is None else self.hop_seconds
        return window, max(1, round(hop_s * predictor.sampling_rate))


def length_taken(window_seconds: float, predictor: "Predictor") -> int:
    """A length in samples at the predictor's rate, which its models hear whole.

    Raises:
        UserError: it is too short for one of them, or one would hear a part.
    """
    shortest_s, longest_s = predictor.ensemble.heard_seconds
    if window_seconds < shortest_s:
        raise UserError(
            f"window_seconds: must be at least {shortest_s:g}, which the model needs, got {window_seconds:g}"
        )
    if window_seconds > longest_s:
        raise UserError(
            f"window_seconds: must be at most {longest_s:g}, since the model hears no more of a recording, "
            f"got {window_seconds:g}"
        )
    return round(window_seconds * predictor.sampling_rate)
