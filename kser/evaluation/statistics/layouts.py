"""Which columns of each kind of result a reader is shown, under which headings."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from kser.evaluation.statistics.anova import RESIDUAL
from kser.evaluation.statistics.tables import (
    NOTHING,
    Table,
    count,
    interval,
    mean_and_sd,
    number,
    p_value,
)
from kser.words import counted

HEADINGS = {
    "model_name": "model",
    "dataset_name": "data set",
    "subgroup_column": "by",
    "subgroup": "subgroup",
    "seed": "seed",
    "factor": "factor",
}
"""The headings of columns in tables; other columns keep their names."""

_INTERNAL = re.compile(r"\b(model_name|dataset_name|subgroup_column)\b")

MAIN_TABLES = (
    "conditions",
    "chance_level_runs",
    "anova",
    "model_comparisons",
    "model_comparisons_paired",
    "factor_comparisons_paired",
)
"""The tables that answer the question of a study; the others are for details."""

Cell = Callable[[Any], str]


def heading(column: str) -> str:
    """The heading of a column."""
    return HEADINGS.get(column, column)


def without_internal_names(text: str) -> str:
    """A line with columns under the names that tables give them."""
    return _INTERNAL.sub(lambda found: heading(found[0]), text)


def conditions_table(frame: pd.DataFrame, by: Sequence[str], name: str, title: str) -> Table:
    """Layout of what `descriptive.describe` gives, and `at_chance`: how many runs are at chance level."""
    cells: dict[str, Cell] = {
        "n": lambda row: count(row["n"]),
        "mean ± SD": lambda row: mean_and_sd(row["mean"], row["sd"]),
        "min": lambda row: number(row["min"], 4),
        "max": lambda row: number(row["max"], 4),
    }
    if frame["missing"].any():
        cells["no value"] = lambda row: count(row["missing"])
    if frame["at_chance"].any():
        cells["at chance"] = lambda row: count(row["at_chance"])
    shown_by = [column for column in by if column != "subgroup" or frame["subgroup"].nunique() > 1]
    whole = [position for position, subgroup in enumerate(frame["subgroup"]) if subgroup == "all"]
    return replace(_table(frame, shown_by, cells, name, title), in_brief=whole)


def chance_level_table(frame: pd.DataFrame, margin: float) -> Table:
    """Layout of what `divergence.chance_level_runs` gives."""
    cells: dict[str, Cell] = {
        "UAR": lambda row: number(row["uar"], 4),
        "chance": lambda row: number(row["chance"], 4),
        "at chance on": lambda row: f"{row['at_chance_on']} of {row['evaluated_on']}",
    }
    note = (
        f"UAR ≤ 1 / number of classes + {margin:g}. These runs are part of every result that does not say "
        "otherwise; results without them follow. A run that diverged is at chance on all its data sets (last "
        "column); one that is at chance on only some of them may have learnt what does not transfer."
    )
    return _table(
        frame,
        ["model_name", "dataset_name", "seed"],
        cells,
        "chance_level_runs",
        "Runs at chance level",
        [note],
    )


def anova_table(frame: pd.DataFrame, name: str, title: str) -> Table:
    """Layout of what `anova.anova` and `anova.anova_from_summary` give."""
    named = frame.assign(source=[_source(source) for source in frame["source"]])
    cells: dict[str, Cell] = {
        "sum of squares": lambda row: number(row["sum_of_squares"], 5),
        "df": lambda row: count(row["df"]),
        "F": lambda row: number(row["f"], 2),
        "p": lambda row: p_value(row["p"]),
        "η²": lambda row: number(row["eta_squared"], 3),
        "partial η²": lambda row: number(row["partial_eta_squared"], 3),
        "ω²": lambda row: number(row["omega_squared"], 3),
    }
    table = _table(named, ["source"], cells, name, title)
    return replace(table, headings=["effect", *cells])


def comparisons_table(frame: pd.DataFrame, by: Sequence[str], alpha: float, name: str, title: str) -> Table:
    """Layout of what `comparisons.compare_groups` gives."""
    cells: dict[str, Cell] = {
        "n": lambda row: f"{row['n_first']}, {row['n_second']}",
        "means": lambda row: f"{number(row['mean_first'], 4)}, {number(row['mean_second'], 4)}",
        "difference": lambda row: number(row["difference"], 4),
        interval_heading(alpha): lambda row: interval(row["ci_low"], row["ci_high"]),
        "Student t": lambda row: number(row["t_student"], 2),
        "Welch t": lambda row: number(row["t_welch"], 2),
        "p Holm": lambda row: p_value(row["p_welch_holm"]),
        "rank p Holm": lambda row: p_value(row["p_mann_whitney_holm"]),
        "g": lambda row: number(row["hedges_g"], 2),
    }
    note = (
        "Difference: first − second. p Holm: Welch's test, rank p Holm: Mann–Whitney, both two-sided and "
        f"corrected over this table ({counted(len(frame), 'comparison')}). g: Hedges. Uncorrected values, "
        f"Student's test in full and rank-biserial correlations: {name}.csv."
    )
    return _pairs_table(frame, by, cells, name, title, [note])


def paired_table(frame: pd.DataFrame, by: Sequence[str], alpha: float, name: str, title: str) -> Table:
    """Layout of what `comparisons.compare_paired` gives."""
    cells: dict[str, Cell] = {
        "pairs": lambda row: count(row["pairs"]),
        "difference": lambda row: number(row["difference"], 4),
        interval_heading(alpha): lambda row: interval(row["ci_low"], row["ci_high"]),
        "t": lambda row: number(row["t"], 2),
        "p Holm": lambda row: p_value(row["p_holm"]),
        "rank p Holm": lambda row: p_value(row["p_wilcoxon_holm"]),
        "d_z": lambda row: number(row["cohens_dz"], 2),
    }
    notes = [
        "Differences between runs with the same seed, that is, the same split. rank p Holm: Wilcoxon. "
        f"Corrected over this table ({counted(len(frame), 'comparison')}). d_z: mean / SD of the differences."
    ]
    if unpaired := int(frame["unpaired"].sum()):
        notes.append(
            "Seeds that one of the two lacks, entirely or at some level of the other factors, are left out: "
            f"{unpaired} over all comparisons."
        )
    return _pairs_table(frame, by, cells, name, title, notes)


def differences_table(frame: pd.DataFrame, by: Sequence[str], name: str, title: str) -> Table:
    """Layout of what `comparisons.describe_differences` gives of subgroups."""
    cells: dict[str, Cell] = {
        "seeds": lambda row: count(row["pairs"]),
        "difference": lambda row: number(row["difference"], 4),
        "SD": lambda row: number(row["sd_difference"], 4),
        "min": lambda row: number(row["min_difference"], 4),
        "max": lambda row: number(row["max_difference"], 4),
    }
    note = (
        "Difference: first − second within a run; mean, SD and range over seeds. There is no test over "
        "seeds: they retrain the model but meet the same speakers, so enough of them would make any "
        "difference significant. The test that permutes speakers is in the report of each evaluation, under "
        "subgroup_tests."
    )
    return _pairs_table(frame, by, cells, name, title, [note])


def power_table(frame: pd.DataFrame, by: Sequence[str], power: float, alpha: float, name: str) -> Table:
    """Layout of what `power.power_of_comparisons` gives."""
    cells: dict[str, Cell] = {
        "n": lambda row: f"{row['n_first']}, {row['n_second']}",
        "difference": lambda row: number(row["difference"], 4),
        "d": lambda row: number(row["cohens_d"], 2),
        "detectable": lambda row: number(row["detectable_difference"], 4),
        "seeds needed": lambda row: count(row["seeds_needed"]),
        "power": lambda row: number(row["power_at_observed"], 2),
    }
    note = (
        f"detectable: the smallest difference that these seeds find with power {power:g} (two-sided t-test, "
        f"α = {alpha:g}, not corrected). seeds needed: per condition, and power: of these seeds, if the "
        "observed difference is the true one; as that is uncertain, so are these two."
    )
    return _pairs_table(frame, by, cells, name, "Power: what the seeds at hand can show", [note])


def planning_layout(frame: pd.DataFrame, power: float, alpha: float) -> Table:
    """Layout of what `power.planning_table` gives."""
    cells: dict[str, Cell] = {
        "d": lambda row: number(row["effect"], 1),
        "seeds per condition": lambda row: count(row["seeds_independent"]),
        "pairs of seeds": lambda row: count(row["seeds_paired"]),
    }
    note = (
        f"Power {power:g}, two-sided t-test, α = {alpha:g}. d: the difference in standard deviations between "
        "seeds; for pairs, in those of the differences within a seed."
    )
    return _table(frame, [], cells, "seeds_to_plan", "Seeds that a difference needs", [note])


def interval_heading(alpha: float) -> str:
    """`95% CI` for α = 0.05."""
    return f"{100 * (1 - alpha):g}% CI"


def _pairs_table(
    frame: pd.DataFrame,
    by: Sequence[str],
    cells: dict[str, Cell],
    name: str,
    title: str,
    notes: Sequence[str],
) -> Table:
    if "remark" in frame and frame["remark"].any():
        cells = {**cells, "remark": lambda row: row["remark"] or NOTHING}
    return _table(frame, [*by, "first", "second"], cells, name, title, notes)


def _table(
    frame: pd.DataFrame,
    text: Sequence[str],
    cells: dict[str, Cell],
    name: str,
    title: str,
    notes: Sequence[str] = (),
) -> Table:
    shown = [
        [*(_text(row[column]) for column in text), *(cell(row) for cell in cells.values())]
        for row in frame.to_dict("records")
    ]
    headings = [*map(heading, text), *cells]
    is_main = name in MAIN_TABLES
    return Table(name, title, frame, headings, shown, len(text), list(notes), is_main=is_main)


def _text(value: Any) -> str:
    return NOTHING if pd.isna(value) or value == "" else heading(str(value))


def _source(source: str) -> str:
    return source if source == RESIDUAL else " × ".join(heading(factor) for factor in source.split(" × "))
