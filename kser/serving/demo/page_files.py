"""The files that the page is made of."""

import json
import lzma
import shutil
from pathlib import Path

from kser.errors import UserError
from kser.files import expanded
from kser.words import listed

PAGE = Path(__file__).parent / "page"
"""HTML, CSS and JavaScript modules."""
RUNTIME = Path(__file__).parent / "onnxruntime_web"
"""ONNX Runtime for browsers, as its README says; large files are compressed."""
MODEL_FILE, FACTS_FILE = "model.onnx", "model.json"
MADE_BY = "kser demo"
"""By which the facts of a page, and so its folder, are known."""
_COMPRESSED = ".xz"


def copy_page(folder: Path) -> None:
    """Copy the page, without a model and what computes it.

    Args:
        folder: that does not exist yet.
    """
    shutil.copytree(PAGE, folder)


def copy_runtime(folder: Path) -> None:
    """Copy the runtime, unpacked, to where the page looks for it.

    Args:
        folder: of a page.
    """
    target = folder / RUNTIME.name
    target.mkdir()
    for path in RUNTIME.iterdir():
        if path.suffix == _COMPRESSED:
            (target / path.stem).write_bytes(lzma.decompress(path.read_bytes()))
        else:
            shutil.copy(path, target)


def checked_site(folder: str | Path) -> Path:
    """A folder that a site may be written to.

    Raises:
        UserError: something that is no site is there, or with a site what is no part of it.
    """
    path = expanded(folder)
    if path.exists() and not (path.is_dir() and (_is_site(path) or not any(path.iterdir()))):
        raise UserError(
            f"{path}: exists and is no earlier site; name a folder that is empty or does not exist"
        )
    parts = {MODEL_FILE, FACTS_FILE, RUNTIME.name, *(part.name for part in PAGE.iterdir())}
    if path.exists() and (others := sorted(part.name for part in path.iterdir() if part.name not in parts)):
        raise UserError(
            f"{path}: is replaced whole, and holds what is no part of a site: {listed(others)}; move it "
            "away, or name another folder"
        )
    return path


def _is_site(folder: Path) -> bool:
    try:
        return bool(json.loads((folder / FACTS_FILE).read_text(encoding="utf-8"))["made_by"] == MADE_BY)
    except (OSError, ValueError, KeyError, TypeError):
        return False
