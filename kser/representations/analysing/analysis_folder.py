"""An analysis on disk.

analysis.json               stores, features, settings, notes, figures with their captions
similarity.csv, …           every number: of layers beside layers, features, drift, geometry, probes, maps
seeds.csv                   means over fine-tuning seeds with their intervals
figures/NAME.svg, NAME.png  what the tables show
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
import pandas as pd
from matplotlib.figure import Figure

from kser.files import read_json, replacing, write_json
from kser.representations.analysing.figures import drawings
from kser.representations.analysing.settings import PARTS
from kser.spreadsheets import write_csv

FACTS_FILE = "analysis.json"
SEEDS_FILE = "seeds.csv"
FIGURES_FOLDER = "figures"
FIGURE_FORMATS = ("svg", "png")
_DPI = 160


@dataclass(frozen=True)
class Analysis:
    """A finished analysis.

    Attributes:
        folder: where it is.
        facts: `analysis.json`.
    """

    folder: Path
    facts: Mapping[str, Any]

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """By name, every number that was computed."""
        files = {name: self.folder / f"{name}.csv" for name in PARTS}
        return {name: _read(file) for name, file in files.items() if file.is_file()}

    @property
    def seeds(self) -> pd.DataFrame:
        """See `kser.representations.analysing.seed_summary`."""
        return _read(self.folder / SEEDS_FILE)

    @property
    def figures(self) -> dict[str, str]:
        """Captions by the name of the figure."""
        return {name: figure["caption"] for name, figure in self.facts["figures"].items()}

    def width(self, name: str) -> int:
        """Of a figure, in pixels of CSS, which has 96 an inch."""
        return int(self.facts["figures"][name]["width"])

    def figure_file(self, name: str, file_format: str) -> Path:
        """The file of a figure, in one of `FIGURE_FORMATS`."""
        return self.folder / FIGURES_FOLDER / f"{name}.{file_format}"


def analysis_at(folder: Path) -> Analysis | None:
    """The analysis in a folder, if it holds one."""
    file = folder / FACTS_FILE
    return Analysis(folder, read_json(file)) if file.is_file() else None


def write_analysis(
    folder: Path, facts: Mapping[str, Any], tables: Mapping[str, pd.DataFrame], seeds: pd.DataFrame
) -> Analysis:
    """Write all files, whole or not at all.

    Args:
        folder: to be written.
        facts: what is known of the analysis beside its figures.
        tables: by name.
        seeds: their summary over seeds.

    Raises:
        UserError: it cannot be written.
    """
    with replacing(folder) as draft:
        (draft / FIGURES_FOLDER).mkdir(parents=True)
        for name, table in tables.items():
            write_csv(table, draft / f"{name}.csv")
        write_csv(seeds, draft / SEEDS_FILE)
        figures = {}
        for drawing in drawings(tables, seeds):
            name = drawing.name.replace("/", "_")
            width = round(96 * drawing.figure.get_size_inches()[0])
            figures[name] = {"caption": drawing.caption, "width": width}
            _write_figure(drawing.figure, draft / FIGURES_FOLDER / name)
        write_json(draft / FACTS_FILE, {**facts, "figures": figures})
    return Analysis(folder, read_json(folder / FACTS_FILE))


def _write_figure(figure: Figure, path: Path) -> None:
    # Without a date and random names of elements the same numbers give the same bytes.
    with matplotlib.rc_context({"svg.hashsalt": "kser"}):
        for file_format in FIGURE_FORMATS:
            metadata = {"Date": None} if file_format == "svg" else {}
            figure.savefig(
                path.with_name(f"{path.name}.{file_format}"), format=file_format, dpi=_DPI, metadata=metadata
            )


def _read(file: Path) -> pd.DataFrame:
    """A table with its places as text and its numbers as numbers."""
    text = ("model", "seed", "stage", "other_model", "other_seed", "other_stage")
    return pd.read_csv(file, dtype=dict.fromkeys(text, str), keep_default_na=True).fillna(
        dict.fromkeys(text, "")
    )
