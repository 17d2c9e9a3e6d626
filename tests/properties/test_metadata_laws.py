"""Laws of metadata CSVs: whatever program wrote the table, the same table is read."""

import csv
import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kser.corpora.metadata import TableFormat, read_metadata, write_metadata

REQUIRED = ("path", "class_id", "actor", "gender")
# Of one value any text may be a spelling: tests/corpora/test_spellings.py.
AS_WRITTEN = TableFormat(normalize=False)
# Text as people have it in cells: any script, quotes and separators, spaces inside, lines within a cell.
characters = st.one_of(
    st.sampled_from(list(",;\t\"' \r\n/#=~|é")), st.characters(exclude_categories=("Cs", "Cc"))
)
texts = st.text(characters, max_size=12).map(str.strip)
cells = texts.filter(bool)
file_names = cells.filter(lambda name: not set("\\\r\n") & set(name) and len(name.encode()) < 100)


def first_part(path: str) -> str:
    return path.partition("/")[0]


def is_a_file(path: str) -> bool:
    return all(part not in ("", ".", "..") for part in path.split("/")) and first_part(path) != "~"


paths = st.lists(file_names, min_size=1, max_size=3).map("/".join).filter(is_a_file)


@st.composite
def tables(draw: st.DrawFn) -> pd.DataFrame:
    """Metadata without spaces around the cells, its columns in any order."""
    own = {*REQUIRED, "utterance"}
    extras = draw(st.lists(cells.filter(lambda name: name not in own), max_size=3, unique=True))
    written = draw(st.lists(paths, min_size=1, max_size=5, unique_by=first_part))
    columns = {"path": written}
    for name in (*REQUIRED[1:], *extras):
        column = st.lists(texts if name in extras else cells, min_size=len(written), max_size=len(written))
        columns[name] = draw(column)
    return pd.DataFrame(columns, dtype=str)[draw(st.permutations(list(columns)))]


@contextmanager
def folder_with_recordings(table: pd.DataFrame) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        for path in table["path"]:
            (Path(name) / path).parent.mkdir(parents=True, exist_ok=True)
            (Path(name) / path).touch()
        yield Path(name)


def assert_same(read: pd.DataFrame, table: pd.DataFrame, folder: Path) -> None:
    extras = [name for name in table if name not in REQUIRED]
    assert list(read.columns) == ["path", "utterance", *REQUIRED[1:], *extras]
    assert read["path"].tolist() == [str(folder / path) for path in table["path"]]
    assert read["utterance"].tolist() == table["path"].tolist()
    for name in (*REQUIRED[1:], *extras):
        assert read[name].tolist() == table[name].tolist()


@settings(deadline=None, max_examples=60)
@given(
    tables(),
    st.sampled_from(",;\t"),
    st.sampled_from(["utf-8", "utf-8-sig"]),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.integers(0, 2),
)
def test_any_dialect_is_read(
    table: pd.DataFrame, delimiter: str, encoding: str, line_end: str, quoting: int, empty_rows: int
) -> None:
    text = io.StringIO()
    # The csv module leaves a carriage return unquoted that is not part of the line end it writes itself.
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\r\n", quoting=quoting)
    writer.writerows([list(table.columns), *table.to_numpy().tolist(), *[[""] * table.shape[1]] * empty_rows])
    content = text.getvalue()
    if line_end != "\r\n" and not table.map(lambda cell: "\n" in cell or "\r" in cell).any(axis=None):
        content = content.replace("\r\n", line_end)
    with folder_with_recordings(table) as folder:
        csv_path = folder / "the table of the corpus.csv"
        csv_path.write_bytes(content.encode(encoding))
        assert_same(read_metadata(csv_path, table_format=AS_WRITTEN), table, folder)


@pytest.mark.thorough
@settings(deadline=None, max_examples=60)
@given(tables())
def test_what_is_written_is_read_again(table: pd.DataFrame) -> None:
    with folder_with_recordings(table) as folder:
        csv_path = folder / "the table of the corpus.csv"
        absolute = table.assign(path=[str(folder / path) for path in table["path"]])
        write_metadata(absolute, csv_path)
        once = read_metadata(csv_path, table_format=AS_WRITTEN)
        assert_same(once, table, folder)
        first = csv_path.read_bytes()
        write_metadata(once, csv_path)
        assert csv_path.read_bytes() == first
