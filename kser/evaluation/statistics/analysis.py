"""All of the statistics of a study, in the order in which they are read."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import pandas as pd

from kser.errors import UserError
from kser.evaluation.measure_names import measure_name
from kser.evaluation.statistics import layouts
from kser.evaluation.statistics.anova import anova, equal_spread_p, factorial_terms
from kser.evaluation.statistics.comparisons import (
    compare_groups,
    compare_paired,
    describe_differences,
    holm,
    smallest_rank_p,
)
from kser.evaluation.statistics.descriptive import describe
from kser.evaluation.statistics.divergence import DEFAULT_MARGIN, at_chance_level, chance_level_runs
from kser.evaluation.statistics.power import DEFAULT_POWER, planning_table, power_of_comparisons
from kser.evaluation.statistics.tables import Table, p_value

ALL = "all"
"""The subgroup of a row about all utterances of a test set."""

WITHOUT = "without runs at chance level"


@dataclass
class Analysis:
    """What an analysis found.

    Attributes:
        metric: the measure, as tables call it.
        runs: the runs that it is about, one row each, with the column `at_chance`.
        tables: in the order in which they are read.
        notes: what concerns all of it: what could not be computed and why, a line each.
    """

    metric: str
    runs: pd.DataFrame
    tables: list[Table] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def table(self, name: str) -> Table:
        """The table of a name.

        Raises:
            KeyError: the analysis has none of that name.
        """
        return {table.name: table for table in self.tables}[name]


def analyse(
    results: pd.DataFrame,
    factors: Sequence[str] = (),
    metric: str = "uar",
    *,
    alpha: float = 0.05,
    chance_margin: float = DEFAULT_MARGIN,
) -> Analysis:
    """Describe the runs of a study and test what its factors do.

    Args:
        results: one row a run and subgroup, with `model_name`, `dataset_name`, `seed` (missing where unknown)
            and the measure; optional are the columns of `factors` (missing where a model does not name the
            factor), `uar` and `n_classes` (for chance level), `subgroup_column` and `subgroup` ("gender" and
            "female"; `ALL` in both for all utterances, as when the columns are absent).
        factors: columns of the factors between models. Where the models name none that can be told apart,
            the model itself is the factor. The data set is a factor whenever there are several.
        metric: column of the measure.
        alpha: level of intervals, and of the power tables.
        chance_margin: see `divergence.at_chance_level`.

    Returns:
        Tables, among them `conditions`, and where the data allow `anova`, `model_comparisons`,
        `model_comparisons_paired`, `factor_comparisons`, `factor_comparisons_paired`, `subgroup_differences`,
        `power`, `seeds_to_plan`; with runs at chance level `chance_level_runs`, and each of the former but
        the last two once more with `_without_chance_level` at its name.

    Raises:
        UserError: the measure is no column, or no run has a value.
    """
    runs = _with_chance_level(results, metric, chance_margin)
    analysis = Analysis(measure_name(metric), runs)
    whole = runs[runs["subgroup"] == ALL]
    _note_missing(analysis, whole, metric)
    unchecked = whole[metric].notna() & (~(whole["n_classes"] >= 2) | whole["uar"].isna())
    if unchecked.any() and whole["uar"].notna().any():  # only a classification has a chance level
        analysis.notes.append(
            "chance level is not checked for runs whose UAR or number of classes (two or more) is unknown: "
            f"{unchecked.sum()} of {len(whole)}"
        )
    everything = _Tables(analysis, runs, factors, metric, alpha)
    everything.describe()
    flagged = whole["at_chance"].any()
    if flagged:
        analysis.tables.append(layouts.chance_level_table(chance_level_runs(whole), chance_margin))
    everything.test()
    if flagged:
        kept = replace(everything, runs=runs[~runs["at_chance"]], variant=WITHOUT)
        kept.describe()
        kept.test()
    planned = planning_table(alpha=alpha)
    analysis.tables.append(layouts.planning_layout(planned, DEFAULT_POWER, alpha))
    for notes in (analysis.notes, *(table.notes for table in analysis.tables)):
        notes[:] = dict.fromkeys(map(layouts.without_internal_names, notes))
    return analysis


@dataclass(frozen=True)
class _Tables:
    """Adds the tables of some runs to an analysis.

    Attributes:
        analysis: receives tables and notes.
        runs: of all subgroups.
        factors: see `analyse`.
        metric: column of the measure.
        alpha: level.
        variant: which runs they are, in words; empty for all.
    """

    analysis: Analysis
    runs: pd.DataFrame
    factors: Sequence[str]
    metric: str
    alpha: float
    variant: str = ""

    def describe(self) -> None:
        by = ["model_name", "dataset_name", "subgroup"]
        labelled = self.runs.assign(subgroup=_subgroup_labels(self.runs))
        frame = describe(labelled, by, self.metric)
        flagged = labelled.groupby(by, sort=False)["at_chance"].sum().astype(int).rename("at_chance")
        frame = frame.merge(flagged.reset_index(), on=by)
        self._add(layouts.conditions_table(frame, by, *self._named("conditions", "by condition")))

    def test(self) -> None:
        whole = self.runs[self.runs["subgroup"] == ALL].dropna(subset=[self.metric])
        if whole.empty:
            self._note("no run is left")
            return
        table, chosen = self._anova(whole)
        self._factors(table, [factor for factor in chosen if factor != "model_name"])
        self._models(whole)
        self._subgroups()

    def _anova(self, whole: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
        """Add the analysis of variance; return the runs and the factors that it is about."""
        table, factors, lines = choose_factors(whole, self.factors)
        for line in lines:
            self._note(line)
        if not factors:
            self._note("no ANOVA: one model on one data set, nothing to compare")
            return table, []
        try:
            terms, missing = factorial_terms(table, factors)
            frame = anova(table, factors, self.metric, terms)
        except UserError as error:
            self._note(f"no ANOVA: {error}")
            return table, factors
        about = f"over {', '.join(map(layouts.heading, factors))}"
        name, title = self._named("anova", about)
        shown = layouts.anova_table(frame, name, f"ANOVA of {title}")
        shown.notes.extend(f"{line}." for line in missing)
        shown.notes.extend(self._anova_caveats(table, factors, "II" if missing else "III"))
        self._add(shown)
        return table, factors

    def _anova_caveats(self, table: pd.DataFrame, factors: list[str], sums: str) -> Iterator[str]:
        sizes = table.groupby(factors, observed=True).size()
        if sizes.nunique() > 1:
            yield f"Cells have {sizes.min()} to {sizes.max()} runs: sums of squares of type {sums}."
        if (p := equal_spread_p(table, factors, self.metric)) < self.alpha:
            yield (
                f"The spread differs between cells (Brown–Forsythe, p {_equals(p)}): ANOVA and Student's "
                "test assume that it is equal, Welch's test and the rank tests do not."
            )
        if "dataset_name" in factors:
            yield (
                "Each run is evaluated on several data sets, and seeds share splits: ANOVA treats the rows "
                "as independent; the paired tables do not."
            )

    def _factors(self, table: pd.DataFrame, factors: list[str]) -> None:
        """Compare the levels of each factor, over the runs that the ANOVA is about."""
        if not factors:
            return
        levels = pd.concat(
            [table.assign(factor=factor, level=table[factor]) for factor in factors], ignore_index=True
        )
        frame = compare_groups(levels, "level", self.metric, ["factor"], self.alpha)
        named = self._named("factor_comparisons", "by factor, pooled over all others")
        shown = layouts.comparisons_table(frame, ["factor"], self.alpha, *named)
        if len(factors) > 1:
            shown.notes.append(
                "Effects of other factors count as spread here; the ANOVA and the paired table remove them."
            )
        self._add(shown)
        self._paired_factors(table, factors)

    def _paired_factors(self, table: pd.DataFrame, factors: list[str]) -> None:
        blocks = factors if _one_model_a_cell(table, factors) else [*factors, "model_name"]
        parts = []
        try:
            for factor in factors:
                others = [block for block in blocks if block != factor]
                if factor != "dataset_name" and "model_name" in others:
                    continue  # the levels of a factor between models never share a model
                part = compare_paired(table, factor, self.metric, (), others, self.alpha)
                part.insert(0, "factor", factor)
                parts.append(part)
        except UserError as error:
            self._note(str(error))
            return
        frame = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame({"pairs": []})
        if not (frame["pairs"] > 1).any():
            return
        for test in ("p", "p_wilcoxon"):
            frame[f"{test}_holm"] = holm(frame[test])
        named = self._named("factor_comparisons_paired", "by factor, paired by seed and all other factors")
        self._add(layouts.paired_table(frame, ["factor"], self.alpha, *named))

    def _models(self, whole: pd.DataFrame) -> None:
        within = ["dataset_name"]
        frame = compare_groups(whole, "model_name", self.metric, within, self.alpha)
        if frame.empty:
            self.analysis.notes.append("no comparison of models: no data set has runs of two models")
            return
        named = self._named("model_comparisons", "of models on each data set")
        shown = layouts.comparisons_table(frame, within, self.alpha, *named)
        _note_rank_limits(shown, self.alpha)
        self._add(shown)
        self._paired_models(whole, within)
        if frame["cohens_d"].isna().all():
            return
        power = power_of_comparisons(frame, alpha=self.alpha)
        name, _ = self._named("power", "")
        self._add(layouts.power_table(power, within, DEFAULT_POWER, self.alpha, name))

    def _paired_models(self, whole: pd.DataFrame, within: list[str]) -> None:
        what = "of models on each data set, paired by seed"
        try:
            frame = compare_paired(whole, "model_name", self.metric, within, alpha=self.alpha)
        except UserError as error:
            self.analysis.notes.append(f"{self.analysis.metric} {what}: {error}")
            return
        if (frame["pairs"] > 1).any():
            named = self._named("model_comparisons_paired", what)
            self._add(layouts.paired_table(frame, within, self.alpha, *named))
        else:
            reason = "one pair is too few" if frame["pairs"].any() else "no two runs share a seed"
            self._note(f"no table {f'{self.analysis.metric} {what}'!r}: {reason}")

    def _subgroups(self) -> None:
        parts = self.runs[self.runs["subgroup"] != ALL].dropna(subset=[self.metric])
        if parts.empty:
            return
        within = ["model_name", "dataset_name", "subgroup_column"]
        name, title = self._named("subgroup_differences", "of subgroups over seeds")
        try:
            frame = describe_differences(parts, "subgroup", self.metric, within)
        except UserError as error:
            self.analysis.notes.append(f"{title}: {error}")
            return
        if frame["pairs"].any():
            self._add(layouts.differences_table(frame, within, name, title))
        else:
            self.analysis.notes.append(f"no table {title!r}: no two subgroups share a seed")

    def _named(self, name: str, what: str) -> tuple[str, str]:
        """Name and title of a table about the measure."""
        title = f"{self.analysis.metric} {what}"
        return (f"{name}_without_chance_level", f"{title}, {self.variant}") if self.variant else (name, title)

    def _note(self, line: str) -> None:
        self.analysis.notes.append(f"{self.variant}: {line}" if self.variant else line)

    def _add(self, table: Table) -> None:
        self.analysis.tables.append(table)


def choose_factors(runs: pd.DataFrame, factors: Sequence[str]) -> tuple[pd.DataFrame, list[str], list[str]]:
    """Choose the factors that an analysis of variance can be about.

    Args:
        runs: one row a run, with `model_name`, `dataset_name` and the columns of `factors`.
        factors: columns of the factors between models, missing where a model does not name it.

    Returns:
        The runs that take part; the factors (those given that vary, else `model_name` if there are several,
        and `dataset_name` if there are several); and a line for each decision that a reader must know of.
    """
    datasets = ["dataset_name"] if runs["dataset_name"].nunique() > 1 else []
    named, varying, lines = _varying_factors(runs, factors)
    if varying:
        if len(named) < len(runs):
            without = sorted(set(runs["model_name"]) - set(named["model_name"]))
            lines.append(
                f"the ANOVA leaves out {', '.join(without)}: "
                f"the factors {', '.join(varying)} are not all named"
            )
        try:
            factorial_terms(named, varying)
        except UserError as error:
            lines.append(f"{error}; the ANOVA is over the models instead")
        else:
            if not _one_model_a_cell(named, varying):
                lines.append("several models have the same factors: the ANOVA takes their runs together")
            datasets = ["dataset_name"] if named["dataset_name"].nunique() > 1 else []
            return named, [*varying, *datasets], lines
    elif factors and runs["model_name"].nunique() > 1:
        lines.append("no factor distinguishes the models; the ANOVA is over the models instead")
    models = ["model_name"] if runs["model_name"].nunique() > 1 else []
    lines = [line for line in lines if not line.startswith("the ANOVA leaves out")]
    return runs, [*models, *datasets], lines


def _varying_factors(runs: pd.DataFrame, factors: Sequence[str]) -> tuple[pd.DataFrame, list[str], list[str]]:
    """The runs that name all factors that vary, these factors, and a line for each of the others.

    A factor that does not vary goes before rows are left out: it must not cost the runs that do not name it.
    """
    varying = [factor for factor in factors if runs[factor].nunique() > 1]
    lines = [
        f"{factor} is the same for all models ({levels[0]}): not a factor of the ANOVA"
        for factor in factors
        if factor not in varying and (levels := runs[factor].dropna().tolist())
    ]
    while True:
        named = runs.dropna(subset=varying)
        constant = [factor for factor in varying if named[factor].nunique() < 2]
        if not constant:
            return named, varying, lines
        if named.empty:
            lines.append(f"no model names all of the factors {', '.join(varying)}")
        lines += [
            f"{factor} is the same for all models that name all factors ({named[factor].iloc[0]}): not a "
            "factor of the ANOVA"
            for factor in constant
            if len(named)
        ]
        varying = [factor for factor in varying if factor not in constant]


def _with_chance_level(results: pd.DataFrame, metric: str, margin: float) -> pd.DataFrame:
    """The results with every column that the analysis reads; a subgroup is at chance when its run is."""
    if metric not in results:
        raise UserError(f"metric: no run has {metric}")
    runs = results.reset_index(drop=True).copy()
    for column, default in (("subgroup", ALL), ("subgroup_column", ALL), ("uar", float("nan"))):
        if column not in runs:
            runs[column] = default
    for column in ("n_classes", "seed"):
        if column not in runs:
            runs[column] = float("nan")
    whole = runs["subgroup"] == ALL
    if runs.loc[whole, metric].isna().all():
        raise UserError(f"metric: no run has a value of {metric}")
    runs["at_chance"] = at_chance_level(runs, margin) & whole
    key = ["model_name", "dataset_name", "seed"]
    flagged = pd.MultiIndex.from_frame(runs.loc[runs["at_chance"] & runs["seed"].notna(), key])
    runs["at_chance"] |= pd.MultiIndex.from_frame(runs[key]).isin(flagged)
    return runs


def _note_missing(analysis: Analysis, whole: pd.DataFrame, metric: str) -> None:
    lost = whole[whole[metric].isna()]
    for (model, dataset), group in lost.groupby(["model_name", "dataset_name"], sort=False):
        analysis.notes.append(
            f"{model} on {dataset}: runs without a value of {analysis.metric} are left out: {len(group)}"
        )
    conditions = whole.groupby(["model_name", "dataset_name"], sort=False)[metric].count()
    models, datasets = whole["model_name"].unique(), whole["dataset_name"].unique()
    absent = [
        f"{model} on {dataset}"
        for model in models
        for dataset in datasets
        if (model, dataset) not in conditions.index
    ]
    if absent:
        analysis.notes.append(f"no runs of: {', '.join(absent)}")
    if single := [" on ".join(condition) for condition in conditions.index[conditions == 1]]:
        analysis.notes.append(f"one run only, so no spread and no test: {', '.join(single)}")


def _note_rank_limits(table: Table, alpha: float) -> None:
    """Rank tests of few runs cannot reach a small p, however clear the difference is."""
    sizes = {(row["n_first"], row["n_second"]) for row in table.frame.to_dict("records")}
    if limited := sorted(size for size in sizes if min(size) > 0 and smallest_rank_p(*size) > alpha):
        n_1, n_2 = limited[0]
        table.notes.append(
            f"With {n_1} and {n_2} runs, Mann–Whitney's p is at least {smallest_rank_p(n_1, n_2):.2g} before "
            "correction: it requires more seeds to show anything."
        )


def _one_model_a_cell(runs: pd.DataFrame, factors: Sequence[str]) -> bool:
    between = [factor for factor in factors if factor != "dataset_name"]
    if not between:
        return runs["model_name"].nunique() == 1
    return bool((runs.groupby(between, observed=True)["model_name"].nunique() == 1).all())


def _subgroup_labels(runs: pd.DataFrame) -> pd.Series:
    """`all`, or `gender: female`."""
    named = runs["subgroup_column"].astype(str) + ": " + runs["subgroup"].astype(str)
    return named.where(runs["subgroup"] != ALL, ALL)


def _equals(p: float) -> str:
    text = p_value(p)
    return text if text.startswith(("<", ">")) else f"= {text}"
