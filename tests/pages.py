"""The code blocks of the README and of the pages in docs/, for tests that run them.

A comment above a block says who runs it where tests/test_pages.py does not: `<!-- run by: tests/test_x.py
-->`, or `<!-- not run: the reason -->`. Output is compared with what is printed, unless `<!-- not compared:
the reason -->` stands there. A title, as in ```` ```json title="experiment.json" ````, is the file that a
block is.
"""

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
_BLOCK = re.compile(
    r"^(?:<!-- (?P<said>(?:run by|not run|not compared): [^\n]*) -->\n(?:<!--[^\n]*-->\n)*)?"
    r'```(?P<language>\w+)(?: title="(?P<title>[^"\n]+)")?\n(?P<text>.*?)^```$',
    flags=re.MULTILINE | re.DOTALL,
)


class Block(NamedTuple):
    """A block of a page.

    Attributes:
        language: of what is in it, such as `sh`.
        title: the file that it is, or "".
        text: what is in it.
        said: the comment above it, or "".
    """

    language: str
    title: str
    text: str
    said: str


def page_blocks(page: str) -> list[Block]:
    """All blocks of a page, given by its path in the repository."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return [
        Block(found["language"], found["title"] or "", found["text"], found["said"] or "")
        for found in _BLOCK.finditer(text)
    ]


def blocks(page: str, language: str) -> list[str]:
    """What is in the blocks of a language of a page."""
    return [block.text for block in page_blocks(page) if block.language == language]
