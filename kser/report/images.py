"""A figure of matplotlib inside the page."""

import base64
import io
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

from kser.report.markup import Html, element

_PNG_DPI = 160


def figure_image(figure: Figure, alternative: str) -> Html:
    """A figure as an image that is part of the page: drawn as SVG, or as PNG where that is smaller.

    Args:
        figure: drawn on white; the page's style turns it round in the dark.
        alternative: what it shows, for those who cannot see it.
    """
    drawn = {
        kind: _saved(figure, file_format)
        for kind, file_format in (("image/svg+xml", "svg"), ("image/png", "png"))
    }
    kind = min(drawn, key=lambda kind: len(drawn[kind]))
    width = round(96 * figure.get_size_inches()[0])  # CSS has 96 pixels an inch
    return element("img", src=data_uri(kind, drawn[kind]), alt=alternative, width=width, class_="drawn")


def file_image(svg: Path, png: Path, alternative: str, width: int) -> Html:
    """A figure that was drawn before as an image that is part of the page: the smaller of its files.

    Args:
        svg: one of them.
        png: the other.
        alternative: see `figure_image`.
        width: in pixels of CSS.
    """
    contents = {"image/svg+xml": svg.read_bytes(), "image/png": png.read_bytes()}
    kind = min(contents, key=lambda kind: len(contents[kind]))
    return element("img", src=data_uri(kind, contents[kind]), alt=alternative, width=width, class_="drawn")


def data_uri(kind: str, content: bytes) -> str:
    """Content as an address that needs no file and no network."""
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


def _saved(figure: Figure, file_format: str) -> bytes:
    buffer = io.BytesIO()
    # Without a date and random names of elements the same study gives the same bytes.
    date = {"Date": None} if file_format == "svg" else {}
    with matplotlib.rc_context({"svg.hashsalt": "kser"}):
        figure.savefig(
            buffer, format=file_format, dpi=_PNG_DPI, bbox_inches="tight", pad_inches=0.1, metadata=date
        )
    return buffer.getvalue()
