"""CSV files for people run nothing in a spreadsheet, and give back what was written."""

import csv
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kser.errors import UserError
from kser.spreadsheets import as_meant, inert, read_counts, read_csv, write_csv

FORMULAS = [
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "'=1",
    "=",
    "+49 30 1",
    "-a",
]
TEXTS = ["joy", "", "'", "'joy", "a=b", "1-2", "é", "nan", "None"]
NUMBERS = ["-1", "+1", "-1.5", "-.5e-3", "1e5", "-inf", "-1."]


@pytest.mark.parametrize("cell", FORMULAS)
def test_what_a_spreadsheet_would_run_is_text(cell: str) -> None:
    assert inert(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", [*TEXTS, *NUMBERS, -1, -1.5, None])
def test_other_cells_stay_as_they_are(cell) -> None:
    assert inert(cell) == cell


@given(st.text() | st.text("'=+-@\t1a"))
def test_every_text_comes_back(text: str) -> None:
    assert as_meant(inert(text)) == text


def test_a_table_comes_back(tmp_path: Path) -> None:
    cells = [*FORMULAS, *TEXTS, *NUMBERS]
    table = pd.DataFrame({"=name": cells, "share": [-0.5] * len(cells)})
    write_csv(table, tmp_path / "table.csv")
    assert read_csv(tmp_path / "table.csv").equals(table.astype(str))
    with (tmp_path / "table.csv").open(newline="") as file:
        written = [cell for row in csv.reader(file) for cell in row]
    assert [cell for cell in written if cell[:1] in "=+-@\t\r\n" and cell not in ("", "-0.5", *NUMBERS)] == []


def test_numbers_are_written_as_ever(tmp_path: Path) -> None:
    table = pd.DataFrame({"n": pd.array([1, None], dtype="Int64"), "x": [-1.5, None], "t": ["a", None]})
    write_csv(table, tmp_path / "ours.csv")
    table.to_csv(tmp_path / "plain.csv", index=False)
    assert (tmp_path / "ours.csv").read_text() == (tmp_path / "plain.csv").read_text()


def test_counts_come_back(tmp_path: Path) -> None:
    names = pd.Index(["=a", "-1", "nan"])
    counts = pd.DataFrame([[1, 0, 2], [0, 3, 0], [4, 0, 5]], index=names.rename("true"), columns=names)
    write_csv(counts, tmp_path / "counts.csv", index=True)
    assert read_counts(tmp_path / "counts.csv").equals(counts)


@pytest.mark.parametrize("content", ["", "a,b\nx", "a,b\nx,y\n", "a,b\nx,1\nx,2\n", '"a'])
def test_what_is_no_table_of_counts_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "counts.csv").write_text(content)
    with pytest.raises(UserError, match=r"counts.csv: [^\n]+$"):
        read_counts(tmp_path / "counts.csv")
