"""Small trees in a published layout, and what a recipe reads from them."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd
import pytest

from kser.corpora.metadata import TableFormat, read_metadata, write_metadata
from kser.corpora.recipes import RECIPES
from kser.errors import UserError


def tree(folder: Path, recordings: Iterable[str], texts: Mapping[str, str | bytes] | None = None) -> Path:
    """Write files below a folder: recordings, which recipes do not open, and label files."""
    for name, content in {**dict.fromkeys(recordings, b"sound"), **(texts or {})}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def read(name: str, folder: Path) -> tuple[list[str], list[list[str]]]:
    """Columns and rows of a corpus, with paths relative to its folder.

    The table went to a metadata CSV and back, so that it is also one that the CSV can hold.
    """
    table = RECIPES[name].read(folder)
    assert all(Path(path).is_absolute() for path in table["path"])
    write_metadata(table, folder / "metadata.csv")
    again = read_metadata(folder / "metadata.csv", table_format=TableFormat(normalize=False))
    pd.testing.assert_frame_equal(
        again.drop(columns="utterance"), table.astype(object), check_dtype=False, check_column_type=False
    )
    table = table.assign(path=[Path(path).relative_to(folder).as_posix() for path in table["path"]])
    assert set(table["class_id"]) <= set(RECIPES[name].classes)
    return list(table.columns), table.to_numpy().tolist()


def refusal(name: str, folder: Path) -> str:
    """The one line that says why a folder is not read."""
    with pytest.raises(UserError) as error:
        RECIPES[name].read(folder)
    assert "\n" not in str(error.value)
    return str(error.value)
