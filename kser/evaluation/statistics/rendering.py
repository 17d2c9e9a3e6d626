"""An analysis on the console, as CSV, as Markdown and as LaTeX."""

from collections.abc import Sequence
from pathlib import Path

import rich.table
from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape

from kser.console import print_table
from kser.evaluation.statistics.analysis import Analysis
from kser.evaluation.statistics.tables import Table
from kser.files import write_text
from kser.markdown import markdown_table
from kser.spreadsheets import write_csv

MARKDOWN_FILE = "statistics.md"
LATEX_FILE = "statistics.tex"
RUNS_FILE = "runs.csv"

CONSOLE_ROWS = 20
"""The console shows no more rows of a table unless it is asked for everything; the files hold all."""

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


def show(analysis: Analysis, console: Console, *, everything: bool = False) -> None:
    """Print the main tables, each with its notes, and then the notes on the whole analysis.

    Args:
        analysis: what was found.
        console: where to print; a table that is wider than a terminal continues below itself.
        everything: whether all tables are printed, with all rows.
    """
    names = {table.name for table in analysis.tables}
    # Paired by seed, models differ more clearly than as independent runs: one table of the two is enough.
    main = [table for table in analysis.tables if table.is_main and f"{table.name}_paired" not in names]
    tables = analysis.tables if everything else main
    for table in tables:
        positions = range(len(table.rows)) if everything else table.brief_rows[:CONSOLE_ROWS]
        rows = [table.rows[position] for position in positions]
        if console.is_terminal:
            _show_in_parts(table, rows, console)
        else:
            print_table(console, table.title, table.headings, rows, table.text_columns)
        if (more := len(table.rows) - len(rows)) > 0:
            _tell(console, f"{more} further rows: {table.name}.csv", "yellow")
        for note in table.notes:
            _tell(console, note, "dim")
        console.print()
    for note in analysis.notes:
        _tell(console, f"note: {note}", "yellow")
    if further := len(analysis.tables) - len(tables):
        _tell(console, f"{further} further tables: {MARKDOWN_FILE}; --all-tables shows them here")


def _tell(console: Console, text: str, style: str = "") -> None:
    """Print a sentence, between words in lines of the terminal's width."""
    console.print(escape(text), style=style, highlight=False, soft_wrap=not console.is_terminal)


def _show_in_parts(table: Table, rows: Sequence[Sequence[str]], console: Console) -> None:
    """Print a table, and what is wider than the terminal below itself."""
    parts = _fitting_columns(table, rows, console.width)
    for number, columns in enumerate(parts):
        numbered = len(parts) > 1 and parts[1][0] >= table.text_columns
        console.print(_rich_table(table, rows, columns, continued=number > 0, numbered=numbered))


def _rich_table(
    table: Table, rows: Sequence[Sequence[str]], columns: Sequence[int], continued: bool, numbered: bool
) -> rich.table.Table:
    title = f"{table.title} (continued)" if continued else table.title
    shown = rich.table.Table(title=escape(title), title_justify="left")
    if numbered:
        shown.add_column("#", justify="right", no_wrap=True)
    for position in columns:
        is_text = position < table.text_columns
        # Numbers never break; names may where a single column of numbers beside them is too much.
        shown.add_column(
            escape(table.headings[position]),
            justify="left" if is_text else "right",
            no_wrap=not is_text,
            overflow="fold",
        )
    for number, row in enumerate(rows, start=1):
        cells = [escape(row[position]) for position in columns]
        shown.add_row(*([str(number)] if numbered else []), *cells)
    return shown


def _fitting_columns(table: Table, rows: Sequence[Sequence[str]], width: int) -> list[list[int]]:
    """The columns of one table after another, so that none is wider than the console.

    Text is in each, or only in the first, of numbered rows, where it takes more than half of the width.
    """
    wide = [
        3 + max(cell_len(cell) for cell in (heading, *(row[position] for row in rows)))
        for position, heading in enumerate(table.headings)
    ]
    text = list(range(table.text_columns))
    repeated = text if sum(wide[column] for column in text) <= width / 2 else []
    number_width = 0 if repeated or 1 + sum(wide) <= width else 3 + len(str(len(rows)))
    parts = [list(text)]
    for position in range(table.text_columns, len(table.headings)):
        needed = 1 + number_width + sum(wide[column] for column in (*parts[-1], position))
        if parts[-1] != repeated and needed > width:
            parts.append(list(repeated))
        parts[-1].append(position)
    return parts


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
        write_csv(frame, folder / name)
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
        parts.append(f"## {table.title}\n")
        parts.append(markdown_table(table.headings, table.rows, table.text_columns))
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
