"""When what kser computes in float32 equals what `transformers` computes: the criterion of all comparisons.

Both round. How much depends on the weights and the audio: the states of trained models reach hundreds, sums
over 1500 frames lose digits, and single frames enlarge what was lost a thousandfold. So the measure is what
`transformers` itself loses in float32 against float64 on the same input, and kser, whose sums run in other
orders, may lose a few times as much. Broken conversions exceed what is allowed nine times and more
(tests/parity/test_live_broken_conversions.py).

Measured on three backends with a trained encoder (Whisper tiny.en, 30 s) and small random models of all
families, on a processor without AVX-512, where XLA's sums are the longest: kser's relative error is up to 3.7
times that of transformers and nowhere above 4.1e-6; its local error is up to 13 times that of transformers
and, but for one frame of the trained encoder (1.7e-3), nowhere above 1e-4.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

RELATIVE_FACTOR = 5.0
"""How many times the relative error of transformers' own float32 is allowed, ..."""
RELATIVE_FLOOR = 5e-6
"""... and what is where that is as good as exact by luck, or not known, as of results that were stored."""
LOCAL_FACTOR = 50.0
"""The same of the local error, which is one number's and therefore loose."""
LOCAL_FLOOR = 2e-4


@dataclass(frozen=True)
class Deviation:
    """How far an array is from the exact one.

    Args:
        relative: L2 norm of the difference, as a share of the exact array's norm.
        local: largest |difference|, as a share of the exact array's root mean square.
    """

    relative: float
    local: float


@dataclass(frozen=True)
class Parity:
    """An array computed in float32, against the exact one.

    Args:
        deviation: of the array.
        rounding: of the same array as `transformers` computes it in float32; `None` where it is not known.
        magnitude: largest |value| of the exact array.
    """

    deviation: Deviation
    rounding: Deviation | None
    magnitude: float

    @property
    def allowed(self) -> Deviation:
        """The largest deviation that is rounding."""
        rounding = self.rounding or Deviation(0.0, 0.0)
        return Deviation(
            max(RELATIVE_FACTOR * rounding.relative, RELATIVE_FLOOR),
            max(LOCAL_FACTOR * rounding.local, LOCAL_FLOOR),
        )

    @property
    def excess(self) -> float:
        """The deviation as a multiple of what is allowed, the larger of both; infinite where it is NaN."""
        shares = (
            self.deviation.relative / self.allowed.relative,
            self.deviation.local / self.allowed.local,
        )
        return float(np.nan_to_num(shares, nan=np.inf, posinf=np.inf).max())

    @property
    def holds(self) -> bool:
        """Whether the difference is rounding."""
        return self.excess <= 1.0


def parity(actual: np.ndarray, exact: np.ndarray, rounded: np.ndarray | None = None) -> Parity:
    """Compare one array, of any shape: a hidden state, or logits.

    Args:
        actual: what kser computed in float32.
        exact: what transformers computed in float64.
        rounded: what transformers computed in float32; without it the floors are what is allowed.

    Raises:
        ValueError: the shapes differ.
    """
    if np.shape(actual) != np.shape(exact):
        raise ValueError(f"`actual` is shaped {np.shape(actual)}, `exact` {np.shape(exact)}")
    return Parity(
        deviation(actual, exact),
        None if rounded is None else deviation(rounded, exact),
        float(np.abs(exact).max()),
    )


def worst_of(parities: Iterable[Parity]) -> Parity:
    """The one that is nearest to its limit, or furthest beyond it."""
    return max(parities, key=lambda parity: parity.excess)


def deviation(array: np.ndarray, exact: np.ndarray) -> Deviation:
    """Measure how far an array is from the exact one, of the same shape.

    An infinite deviation stands for a difference from zeros.
    """
    wanted = np.asarray(exact, np.float64)
    with np.errstate(invalid="ignore"):  # ∞ − ∞
        difference = np.asarray(array, np.float64) - wanted
    norm = float(np.linalg.norm(wanted))
    root_mean_square = norm / wanted.size**0.5
    return Deviation(
        _share(float(np.linalg.norm(difference)), norm),
        _share(float(np.abs(difference).max()), root_mean_square),
    )


def _share(part: float, whole: float) -> float:
    if whole:
        return part / whole
    return part if part == 0.0 or np.isnan(part) else float("inf")
