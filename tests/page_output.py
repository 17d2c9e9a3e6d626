"""Whether what a page shows is what its commands print.

Pages show the output for real recordings, and tests run them on small made-up ones: numbers, and which class
is predicted, differ. So lines are compared by their shape, which is what remains of them without that.
"""

import re
from collections.abc import Iterable
from pathlib import Path

from kser.corpora.recipes import RECIPES

SHOWN_FOLDER = "/home/you/emotions"
"""The working folder of the pages, where a command prints absolute paths."""
_NAMES = sorted({name for recipe in RECIPES.values() for name in recipe.codes.values()})
_PREDICTED = re.compile(rf"(?<![a-zA-Z])(?:p_)?(?:{'|'.join(_NAMES)}|yes|no|True|False)(?![a-zA-Z])")
_NUMBER = re.compile(r"\d[\d.]*(?:e-\d+)?(?:–\d[\d.]*)?")
_LISTED = re.compile(r"(?<=few utterances to judge a class by: ).*")
_REPEATED = [re.compile(rf"(?<!\S)({words})(?: \1)+(?!\S)") for words in (r"\S+", r"\S+ \S+")]
_FRAMES = str.maketrans(dict.fromkeys("┏┳┓┡╇┩└┴┘━┃│") | {",": " "})
_GAP = "…"


def assert_printed(shown: str, printed: str, folder: Path) -> None:
    """Check that each line of a page's output has the shape of one that was printed, in a folder.

    "…" stands for further lines, or at the end of one for the rest of it.
    """
    lines = sorted(set(_shapes(printed.replace(str(folder), SHOWN_FOLDER).splitlines())))
    for shape in _shapes(shown.splitlines()):
        beginning = shape.removesuffix(_GAP)
        found = shape in lines or (beginning != shape and any(line.startswith(beginning) for line in lines))
        assert found, f"{shape!r} is not among what was printed:\n" + "\n".join(lines)


def _shapes(lines: Iterable[str]) -> list[str]:
    return [shape for line in lines if (shape := shape_of(line)) not in ("", _GAP)]


def shape_of(line: str) -> str:
    """A line without its numbers, predictions, frames and widths, and each repetition once."""
    line = _NUMBER.sub("0", line.translate(_FRAMES).replace("not sure", ""))
    line = _LISTED.sub(_GAP, _PREDICTED.sub("CLASS", line))
    line = " ".join(line.split())
    for repeated in _REPEATED:
        line = repeated.sub(r"\1", line)
    return line
