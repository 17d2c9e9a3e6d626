"""A whole analysis: which tables there are, what is said of what cannot be computed, how they are written."""

import io
import re

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from kser.errors import UserError
from kser.evaluation.statistics.analysis import analyse
from kser.evaluation.statistics.rendering import latex, latex_text, markdown, show, write
from kser.evaluation.statistics.tables import interval, number, p_value
from tests.evaluation.statistics.simulated import study

FACTORS = ["architecture", "pre-fine-tuning"]


@pytest.fixture(scope="module")
def analysis():
    return analyse(study(seeds=5, diverged=(("hub_it", 3),)), FACTORS)


def names(analysis):
    return [table.name for table in analysis.tables]


def test_tables_with_and_without_the_runs_at_chance_level(analysis):
    tests = [
        *("anova", "factor_comparisons", "factor_comparisons_paired"),
        *("model_comparisons", "model_comparisons_paired", "power"),
    ]
    assert names(analysis) == [
        "conditions",
        "chance_level_runs",
        *tests,
        "conditions_without_chance_level",
        *(f"{name}_without_chance_level" for name in tests),
        "seeds_to_plan",
    ]
    with_all = analysis.table("conditions").frame.set_index(["model_name", "dataset_name"])
    without = analysis.table("conditions_without_chance_level").frame.set_index(
        ["model_name", "dataset_name"]
    )
    cell = "hub_it", "EMOVO"
    assert (with_all.loc[cell, "n"], without.loc[cell, "n"]) == (5, 4)
    assert with_all.loc[cell, "min"] == pytest.approx(1 / 7)
    assert without.loc[cell, "min"] > 0.4
    assert len(analysis.runs) == 40, "the runs themselves keep all"
    assert analysis.runs["at_chance"].sum() == 2


def test_nothing_is_doubled_when_no_run_is_at_chance_level():
    found = names(analyse(study(seeds=3), FACTORS))
    assert "chance_level_runs" not in found
    assert "conditions" in found
    assert not any("without" in name for name in found)


def test_anova_over_the_factors_and_the_data_set(analysis):
    table = analysis.table("anova")
    assert [row[0] for row in table.rows][:3] == ["architecture", "pre-fine-tuning", "data set"]
    assert len(table.rows) == 8
    assert "Cells have 4 to 5 runs" in " ".join(analysis.table("anova_without_chance_level").notes)


def test_without_factors_the_model_is_the_factor():
    table = analyse(study(seeds=3)).table("anova")
    assert [row[0] for row in table.rows] == ["model", "data set", "model × data set", "residual"]
    one = study(seeds=3).query("dataset_name == 'EMOVO'")
    assert [row[0] for row in analyse(one).table("anova").rows] == ["model", "residual"]


def test_factors_that_cannot_be_told_apart_give_way_to_the_models():
    runs = study(seeds=3).query("model_name in ['w2v_it', 'hub']")
    analysis = analyse(runs, FACTORS)
    assert analysis.table("anova").rows[0][0] == "model"
    assert any(
        note.startswith("pre-fine-tuning cannot be told apart from architecture") for note in analysis.notes
    )


def test_models_without_factors_are_left_out_of_the_anova_and_named():
    runs = study(seeds=3)
    baseline = runs.query("model_name == 'hub'").assign(model_name="log_mel", architecture=None)
    analysis = analyse(pd.concat([runs, baseline]), FACTORS)
    assert analysis.table("anova").frame.iloc[-1]["df"] == 24 - 8
    assert any("leaves out log_mel" in note for note in analysis.notes)
    compared = analysis.table("model_comparisons").frame
    assert "log_mel" in set(compared["second"])


def test_models_with_the_same_factors_are_taken_together_and_not_paired():
    runs = study(seeds=3)
    twin = runs.query("model_name == 'hub'").assign(model_name="hub_again")
    analysis = analyse(pd.concat([runs, twin]), FACTORS)
    assert any("several models have the same factors" in note for note in analysis.notes)
    paired = analysis.table("factor_comparisons_paired").frame
    assert set(paired["factor"]) == {"dataset_name"}, "a data set pairs within a model"


def test_a_factor_with_one_level_is_named():
    analysis = analyse(study(seeds=3).assign(pooling="mean"), [*FACTORS, "pooling"])
    assert "pooling is the same for all models (mean): not a factor of the ANOVA" in analysis.notes
    assert "pooling" not in " ".join(row[0] for row in analysis.table("anova").rows)


@pytest.fixture(scope="module")
def with_genders():
    whole = study(seeds=4)
    parts = [whole]
    for gender, shift in (("female", 0.02), ("male", -0.02)):
        noise = 0.001 * np.random.default_rng(0).normal(size=len(whole))
        part = whole.assign(uar=whole["uar"] + shift + noise * (gender == "male"), n_classes=np.nan)
        parts.append(part.assign(subgroup_column="gender", subgroup=gender))
    return pd.concat(parts).fillna({"subgroup": "all", "subgroup_column": "all"})


def test_subgroups_are_described_over_seeds_and_not_tested(with_genders):
    analysis = analyse(with_genders, FACTORS)
    table = analysis.table("subgroup_differences")
    assert len(table.frame) == 8
    assert (table.frame["pairs"] == 4).all()
    assert table.frame["difference"].tolist() == pytest.approx([0.04] * 8, abs=0.002)
    genders = with_genders.query("model_name == 'hub' and dataset_name == 'EMOVO'")
    wide = genders.pivot(index="seed", columns="subgroup", values="uar")
    differences = wide["female"] - wide["male"]
    row = table.frame.query("model_name == 'hub' and dataset_name == 'EMOVO'").iloc[0]
    assert row["sd_difference"] == pytest.approx(differences.std(ddof=1))
    assert row["min_difference"] == pytest.approx(differences.min())
    assert row["max_difference"] == pytest.approx(differences.max())
    assert not [column for column in table.frame if column == "p" or column.startswith("p_")]
    assert "subgroup_tests" in " ".join(table.notes)
    assert table.headings == [
        *("model", "data set", "by", "first", "second"),
        *("seeds", "difference", "SD", "min", "max"),
    ]
    assert {row[2] for row in analysis.table("conditions").rows} == {"all", "gender: female", "gender: male"}
    assert analysis.table("anova").frame.iloc[-1]["df"] == 32 - 8, "subgroups are no further runs"


def test_subgroups_of_one_seed_have_a_difference_and_no_spread(with_genders):
    table = analyse(with_genders.query("seed == 0")).table("subgroup_differences")
    assert table.frame["difference"].notna().all()
    assert table.frame["sd_difference"].isna().all()
    unknown = analyse(with_genders.assign(seed=None))
    assert any("no two subgroups share a seed" in note for note in unknown.notes)


def test_a_constant_factor_costs_no_runs():
    runs = study(seeds=3)
    runs["pooling"] = np.where(runs["model_name"] == "hub", None, "mean")
    analysis = analyse(runs, [*FACTORS, "pooling"])
    assert analysis.table("anova").frame.iloc[-1]["df"] == 24 - 8
    assert "pooling is the same for all models (mean): not a factor of the ANOVA" in analysis.notes
    assert not any("leaves out" in note for note in analysis.notes)
    pooled = analysis.table("factor_comparisons").frame
    assert set(pooled["n_first"]) == set(pooled["n_second"]) == {12}


def test_a_factor_that_turns_constant_costs_no_runs():
    runs = study(seeds=3)
    of_hubert = runs["architecture"] == "HuBERT"
    runs["layers"] = np.where(of_hubert, np.where(runs["model_name"] == "hub", "12", "24"), None)
    analysis = analyse(runs, ["architecture", "layers"])
    assert (
        "architecture is the same for all models that name all factors (HuBERT): not a factor of the ANOVA"
        in (analysis.notes)
    )
    assert analysis.table("anova").rows[0][0] == "layers"
    pooled = analysis.table("factor_comparisons").frame
    assert set(pooled["n_first"]) == {6}, "the runs of the ANOVA, and no others"
    assert "architecture" not in set(pooled["factor"])


def test_names_of_columns_do_not_reach_the_reader():
    runs = study(seeds=3)
    absent = analyse(runs.query("model_name != 'hub' or dataset_name != 'EMOVO'"))
    assert "model × data set cannot be estimated" in " ".join(absent.table("anova").notes)
    twice = analyse(pd.concat([runs, runs]), FACTORS)
    assert any("these occur twice: model w2v_it, seed 0" in note for note in twice.notes), twice.notes
    for analysis in (absent, twice):
        assert not re.search("model_name|dataset_name|subgroup_column", markdown(analysis))


def test_one_class_has_no_chance_level():
    runs = study(seeds=3).assign(n_classes=1, uar=lambda table: table["uar"].round(1))
    analysis = analyse(runs, FACTORS)
    assert not analysis.runs["at_chance"].any()
    assert any(note.startswith("chance level is not checked") for note in analysis.notes)


@pytest.mark.parametrize(
    ("runs", "notes"),
    [
        (study(seeds=1), ["one run only", "no ANOVA: no cell has two runs", "one pair is too few"]),
        (study(seeds=3).query("model_name == 'hub' and dataset_name == 'EMOVO'"), ["nothing to compare"]),
        (study(seeds=2).assign(uar=0.5), ["no ANOVA: all runs of a condition have the same value"]),
        (study(seeds=3).assign(seed=None), ["no two runs share a seed"]),
        (
            study(seeds=3).query("model_name != 'hub' or dataset_name != 'EMOVO'"),
            ["no runs of: hub on EMOVO"],
        ),
        (
            study(seeds=2).query("(model_name == 'hub') == (dataset_name == 'EMOVO')")
            .query("model_name in ['hub', 'w2v']"),
            ["no ANOVA: data set cannot be told apart from model", "no data set has runs of two models"],
        ),
        (study(seeds=3).drop(columns="n_classes"), ["chance level is not checked"]),
        (study(seeds=3).assign(uar=1 / 7), ["without runs at chance level: no run is left"]),
    ],
)  # fmt: skip
def test_what_cannot_be_computed_says_why(runs, notes):
    analysis = analyse(runs)
    for expected in notes:
        assert any(expected in note for note in analysis.notes), analysis.notes
    assert analysis.table("conditions").rows
    text = markdown(analysis)
    assert "nan" not in text
    assert "inf" not in text


def test_missing_values_are_counted_and_left_out():
    runs = study(seeds=4)
    runs.loc[(runs["model_name"] == "hub") & (runs["seed"] == 0), "uar"] = np.nan
    analysis = analyse(runs, FACTORS)
    assert "hub on EMOVO: runs without a value of UAR are left out: 1" in analysis.notes
    assert analysis.table("anova").frame.iloc[-1]["df"] == 30 - 8
    assert analysis.table("conditions").headings[-1] == "no value"


def test_a_measure_that_no_run_has():
    with pytest.raises(UserError, match="no run has ccc"):
        analyse(study(), metric="ccc")
    with pytest.raises(UserError, match="no run has a value of ccc"):
        analyse(study().assign(ccc=np.nan), metric="ccc")


@pytest.mark.parametrize(
    ("p", "text"),
    [(0.0, "< 0.001"), (0.00099, "< 0.001"), (0.0314, "0.031"), (1.0, "> 0.999"), (np.nan, "–")],
)
def test_p_values(p, text):
    assert p_value(p) == text


def test_numbers():
    assert number(-0.00001, 4) == "0.0000"
    assert number(-4.87, 2) == "−4.87"
    assert interval(-0.1, 0.2) == "−0.1000 to 0.2000"
    assert interval(np.nan, np.nan) == "–"


def test_no_table_has_a_p_of_zero(analysis):
    for table in analysis.tables:
        for position, heading in enumerate(table.headings):
            if "p" in heading.split():
                assert not {"0.000", "1.000"} & {row[position] for row in table.rows}
        for column in table.frame.filter(regex=r"^p(_|$)"):
            assert not (table.frame[column] == 0.0).any()


@pytest.mark.parametrize("width", [80, 100, 200])
def test_console(analysis, width):
    out = io.StringIO()
    show(analysis, Console(file=out, width=width, force_terminal=True, color_system=None))
    text = out.getvalue()
    assert max(map(len, text.splitlines())) <= width
    assert "< 0.001" in text
    assert "Emozionalmente" in text, "names are whole"
    titles = {line.strip().removesuffix(" (continued)") for line in text.splitlines()}
    shown = [table for table in analysis.tables if table.title in titles]
    assert {table.name for table in shown} == {
        *("conditions", "chance_level_runs", "anova"),
        *("factor_comparisons_paired", "model_comparisons_paired"),
    }
    for table in shown:
        assert all(heading in text for heading in table.headings), "no column is left out"
    assert ("(continued)" in text) == (width < 200)
    assert f"{len(analysis.tables) - len(shown)} further tables: statistics.md; --all-tables" in text
    assert len(text.splitlines()) < 140


def test_elsewhere_than_on_a_terminal_tables_are_plain_and_whole(analysis):
    out = io.StringIO()
    show(analysis, Console(file=out, width=40))
    lines = out.getvalue().splitlines()
    table = analysis.table("anova")
    start = lines.index(table.title)
    assert lines[start + 1].split() == " ".join(table.headings).split()
    assert not set("│┃─━") & set(out.getvalue())


def test_long_names_are_shown_once_and_their_rows_numbered():
    runs = study(seeds=3)
    runs = runs.assign(model_name="a_model_with_a_long_name_" + runs["model_name"])
    out = io.StringIO()
    analysis = analyse(runs)
    show(analysis, Console(file=out, width=80, force_terminal=True, color_system=None))
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    assert len(lines) < 140
    table = analysis.table("model_comparisons_paired")
    assert all(heading in out.getvalue() for heading in table.headings)
    first, second = (
        table.rows[table.brief_rows[0]][table.headings.index(name)] for name in ("first", "second")
    )
    # Two such names and the data set are wider than the terminal: their cells go on in the next line.
    begun = [line for line in lines if line.startswith("│  1 │") and line.count(first[:20]) == 2]
    assert first[:20] == second[:20] and len(begun) == 1
    folded = "".join(lines[lines.index(begun[0]) + 1].split())
    assert all(name.endswith(folded.split("│")[i]) for i, name in ((3, first), (4, second)))
    assert sum(line.startswith("│  1 │") for line in lines) > 1


def test_the_console_shows_everything_on_request(analysis):
    out = io.StringIO()
    show(analysis, Console(file=out, width=120), everything=True)
    text = out.getvalue()
    assert all(table.title in text for table in analysis.tables)
    assert "further tables" not in text and "further rows" not in text


def test_only_the_console_cuts_long_tables():
    runs = pd.concat(
        [study(seeds=2).assign(model_name=lambda t, i=i: t["model_name"] + str(i)) for i in range(3)]
    )
    analysis = analyse(runs)
    out = io.StringIO()
    show(analysis, Console(file=out, width=200))
    assert "112 further rows: model_comparisons_paired.csv" in out.getvalue()
    assert len(analysis.table("model_comparisons_paired").rows) == 132
    assert r"\begin{longtable}" in latex(analysis)


def test_markdown_tables_are_regular(analysis):
    runs = study(seeds=2).replace({"model_name": {"hub": "hub|large"}})
    for text in (markdown(analysis), markdown(analyse(runs))):
        blocks = re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE)
        assert blocks
        for block in blocks:
            assert len({line.replace(r"\|", "").count("|") for line in block.splitlines()}) == 1
    assert r"hub\|large" in markdown(analyse(runs))


def test_latex_has_nothing_left_to_interpret():
    assert latex_text("50% of_a & b #1 {x} ~ ^ \\ $ < 0.001") == (
        r"50\% of\_a \& b \#1 \{x\} \textasciitilde{} \textasciicircum{} \textbackslash{} \$ $<$ 0.001"
    )


def test_latex_tables_are_whole(analysis):
    text = latex(analysis)
    assert text.count(r"\begin{table}") == text.count(r"\end{table}") == len(analysis.tables)
    assert text.count(r"\toprule") == text.count(r"\bottomrule") == len(analysis.tables)
    body = [line for line in text.splitlines() if line and not line.startswith("%")]
    assert not re.search(r"(?<!\\)_", "".join(body).replace(r"\label", "")), "underscores are escaped"
    assert "$<$ 0.001" in text
    assert "".join(body).isascii()


def test_files(analysis, tmp_path):
    (tmp_path / "mine.csv").write_text("kept")
    written = write(analysis, tmp_path)
    assert [path.name for path in written] == ["statistics.md", "statistics.tex"]
    assert pd.read_csv(tmp_path / "runs.csv")["at_chance"].sum() == 2
    for table in analysis.tables:
        assert len(pd.read_csv(tmp_path / f"{table.name}.csv")) == len(table.rows)
    write(analyse(study(seeds=3)), tmp_path)
    left = {path.name for path in tmp_path.iterdir()}
    assert "anova.csv" in left
    assert "mine.csv" in left
    assert not any("without_chance_level" in name for name in left), "no tables of an earlier analysis"
