"""Label files that corpora ship beside their audio: CSV read row by row, codes looked up, mistakes named."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from itertools import zip_longest
from pathlib import Path

from kser.delimited import DelimitedError, split_cells
from kser.errors import UserError
from kser.words import listed

Row = dict[str, str]

# Some corpora were written as Windows text and then stored as UTF-8 code by code, so that an apostrophe is
# the control character U+0092. No label file means the controls themselves.
_WINDOWS_SIGNS = {
    code: sign
    for code in range(0x80, 0xA0)
    if (sign := bytes([code]).decode("cp1252", errors="ignore"))  # five codes stand for nothing
}


def read_rows(csv_path: Path, columns: Iterable[str]) -> list[Row]:
    """Read a label file with a header.

    Args:
        csv_path: separated by commas, semicolons or tabs; UTF-8 or, where it is not that, Windows text.
        columns: those that must be there; others are read as well.

    Returns:
        The rows that are not empty, each from column to text without surrounding spaces; cells that a short
        row lacks are empty.

    Raises:
        UserError: the file cannot be read, or lacks a column.
    """
    try:
        names, rows, _, _ = split_cells(read_label_text(csv_path))
    except DelimitedError as error:
        raise UserError(f"{csv_path}: {error}") from None
    if missing := [name for name in columns if name not in names]:
        raise UserError(
            f"{csv_path}: the header lacks {', '.join(missing)}; it has {', '.join(names) or 'nothing'}"
        )
    return [dict(zip_longest(names, row[: len(names)], fillvalue="")) for row in rows]


def read_label_text(path: Path) -> str:
    """The text of a label file: UTF-8 or, where it is not that, Windows text (code page 1252).

    Raises:
        UserError: the file cannot be read.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    return text.translate(_WINDOWS_SIGNS)


def by_key(rows: Iterable[Row], key: Callable[[Row], str], path: Path) -> dict[str, Row]:
    """The rows of a label file by what they are about.

    Args:
        rows: those of `read_rows`.
        key: row → what it is about, e.g. a file name.
        path: the label file, for the message.

    Raises:
        UserError: two rows are about the same.
    """
    keyed = [(key(row), row) for row in rows]
    counts = Counter(name for name, _ in keyed)
    if repeated := [name for name, count in counts.items() if count > 1]:
        raise UserError(f"{path}: more than one row for {listed(repeated)}; keep one for each")
    return dict(keyed)


def class_of(code: str, codes: Mapping[str, str], where: str) -> str:
    """The class that a code of a label file stands for.

    Args:
        code: as written.
        codes: `codes` of the recipe of the corpus.
        where: file and row, for the message.

    Raises:
        UserError: the corpus does not have the code.
    """
    if code not in codes:
        raise UserError(f"{where}: {code!r} is not an emotion of the corpus; it has {', '.join(codes)}")
    return codes[code]
