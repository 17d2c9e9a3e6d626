"""An analysis on the console, as CSV, as Markdown and as LaTeX."""

from collections.abc import Sequence
from pathlib import Path

import rich.table
from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape

from kser.evaluation.statistics.analysis import Analysis
from kser.evaluation.statistics.tables import Table, escaped_pipes
from kser.files import replacing, write_text

MARKDOWN_FILE = "statistics.md"
LATEX_FILE = "statistics.tex"
RUNS_FILE = "runs.csv"

CONSOLE_ROWS = 40
"""Longer tables are cut on the console, which says so; the files have them whole."""

_PAGE_ROWS = 40

_LATEX_CHARACTERS = {
    **{character: f"\\{character}" for character in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": "$<$",
    ">": "$>$",
    "|": r"\textbar{}",
    "−": "$-$",
    "±": r"$\pm$",
    "×": r"$\times$",
    "≤": r"$\leq$",
    "²": "$^2$",
    "η": r"$\eta$",
    "ω": r"$\omega$",
    "α": r"$\alpha$",
    "–": "--",
}


def show(analysis: Analysis, console: Console) -> None:
    """Print the tables, each with its notes, and then what concerns all of it."""
    for table in analysis.tables:
        left_out = _too_wide(table, console.width)
        console.print(_rich_table(table, left_out))
        if left_out:
            columns = ", ".join(left_out)
            console.print(f"no room for: {columns}; see {MARKDOWN_FILE}", style="yellow", highlight=False)
        if (more := len(table.rows) - CONSOLE_ROWS) > 0:
            console.print(f"… and {more} rows more in {table.name}.csv", style="yellow", highlight=False)
        for note in table.notes:
            console.print(escape(note), style="dim", highlight=False)
        console.print()
    for note in analysis.notes:
        console.print(f"note: {escape(note)}", style="yellow", highlight=False)


def _rich_table(table: Table, left_out: Sequence[str]) -> rich.table.Table:
    shown = rich.table.Table(title=escape(table.title), title_justify="left")
    kept = [position for position, heading in enumerate(table.headings) if heading not in left_out]
    for position in kept:
        text = position < table.text_columns
        # Numbers never break; names may where leaving columns out was not enough.
        shown.add_column(
            escape(table.headings[position]),
            justify="left" if text else "right",
            no_wrap=not text,
            overflow="fold",
        )
    for row in table.rows[:CONSOLE_ROWS]:
        shown.add_row(*(escape(row[position]) for position in kept))
    return shown


def _too_wide(table: Table, width: int) -> list[str]:
    """Headings of the columns that a console of so many characters has no room for."""
    wide = {
        heading: 3 + max(cell_len(cell) for cell in (heading, *(row[position] for row in table.rows)))
        for position, heading in enumerate(table.headings)
    }
    left_out: list[str] = []
    for heading in table.spare:
        if 1 + sum(wide.values()) <= width:
            break
        left_out.append(heading)
        del wide[heading]
    return left_out


def write(analysis: Analysis, folder: Path) -> list[Path]:
    """Write the analysis to a folder: all runs and each table as CSV, statistics.md and statistics.tex.

    Files of the same names are replaced. Tables that an earlier analysis wrote there and this one does not
    have are removed, so that a folder never holds the tables of two; whatever else lies there stays.

    Returns:
        The Markdown and the LaTeX file.
    """
    earlier = _tables_of_earlier_analysis(folder)
    frames = {f"{table.name}.csv": table.frame for table in analysis.tables}
    for name, frame in {RUNS_FILE: analysis.runs, **frames}.items():
        with replacing(folder / name) as draft:
            frame.to_csv(draft, index=False)
    for name in earlier - set(frames):
        (folder / name).unlink(missing_ok=True)
    write_text(folder / MARKDOWN_FILE, markdown(analysis))
    write_text(folder / LATEX_FILE, latex(analysis))
    return [folder / MARKDOWN_FILE, folder / LATEX_FILE]


def markdown(analysis: Analysis) -> str:
    """The analysis in Markdown (GitHub's tables)."""
    parts = [f"# Statistics of {analysis.metric}\n"]
    if analysis.notes:
        parts.append("".join(f"- {note}\n" for note in analysis.notes))
    for table in analysis.tables:
        numbers = len(table.headings) - table.text_columns
        alignment = ["---"] * table.text_columns + ["---:"] * numbers
        rows = [table.headings, alignment, *table.rows]
        parts.append(f"## {table.title}\n")
        parts.append("".join(f"| {' | '.join(map(escaped_pipes, row))} |\n" for row in rows))
        parts += [f"{note}\n" for note in table.notes]
        parts.append(f"[{table.name}.csv]({table.name}.csv)\n")
    return "\n".join(parts)


def latex(analysis: Analysis) -> str:
    r"""The tables in LaTeX with the rules of booktabs, to be read with `\input`."""
    lines = [f"% Statistics of {analysis.metric}. In the preamble:"]
    lines += [rf"% \usepackage{{{package}}}" for package in ("booktabs", "longtable")]
    lines += [f"% {note}" for note in analysis.notes]
    for table in analysis.tables:
        lines += ["", *(_long_table(table) if len(table.rows) > _PAGE_ROWS else _floating_table(table))]
    return "\n".join(lines) + "\n"


def latex_text(text: str) -> str:
    """Text in which LaTeX finds nothing to interpret."""
    return "".join(_LATEX_CHARACTERS.get(character, character) for character in text)


def _floating_table(table: Table) -> list[str]:
    return [
        r"\begin{table}[htbp]",
        r"\centering\small",
        *_caption(table),
        rf"\begin{{tabular}}{{{_alignment(table)}}}",
        r"\toprule",
        _row(table.headings),
        r"\midrule",
        *map(_row, table.rows),
        r"\bottomrule",
        r"\end{tabular}",
        *_notes(table),
        r"\end{table}",
    ]


def _long_table(table: Table) -> list[str]:
    caption, label = _caption(table)
    return [
        r"{\small",
        rf"\begin{{longtable}}{{{_alignment(table)}}}",
        rf"{caption}{label}\\",
        r"\toprule",
        _row(table.headings),
        r"\midrule",
        r"\endhead",
        r"\bottomrule",
        r"\endfoot",
        *map(_row, table.rows),
        r"\end{longtable}}",
        *_notes(table),
    ]


def _caption(table: Table) -> list[str]:
    return [rf"\caption{{{latex_text(table.title)}}}", rf"\label{{tab:{table.name.replace('_', '-')}}}"]


def _alignment(table: Table) -> str:
    return "l" * table.text_columns + "r" * (len(table.headings) - table.text_columns)


def _row(cells: Sequence[str]) -> str:
    return " & ".join(map(latex_text, cells)) + r" \\"


def _notes(table: Table) -> list[str]:
    return [rf"\par\footnotesize {latex_text(note)}" for note in table.notes]


def _tables_of_earlier_analysis(folder: Path) -> set[str]:
    """The tables that the Markdown of an earlier analysis names: only they are kser's to remove."""
    earlier = folder / MARKDOWN_FILE
    if not earlier.is_file():
        return set()
    lines = earlier.read_text(encoding="utf-8", errors="replace").splitlines()
    names = {line[1:].partition("]")[0] for line in lines if line.startswith("[") and line.endswith(".csv)")}
    return {name for name in names if name.endswith(".csv") and Path(name).name == name}
