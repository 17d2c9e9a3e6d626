"""Writing figures, and colours on them: what all figures of an evaluation share."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from kser.files import replacing

_DPI = 200


def write_png(figure: Figure, path: str | Path) -> None:
    """Write a figure to a PNG file as large as all that is drawn; an older file is replaced whole."""
    with replacing(path) as draft:
        figure.savefig(draft, format="png", dpi=_DPI, bbox_inches="tight", pad_inches=0.08)


def luminance(rgb: np.ndarray) -> np.ndarray:
    """Relative luminance of sRGB colours (..., 3), 0 (black) to 1 (white), as WCAG 2.1 defines it."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return np.asarray(linear @ np.array([0.2126, 0.7152, 0.0722]))
