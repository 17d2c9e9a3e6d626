"""The page and the statistics of models that predict numbers, give labels, or do two things at once."""

import json
import shutil
import sys
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from kser import cli
from kser.experiment.evaluating.statistics_inputs import read_results
from kser.experiment.tasks.report_kinds import CLASSES, LABELS, NUMBERS
from kser.report.page import report_page
from kser.report.study_folder import read_study
from tests.experiment.made_up_study import TARGETS, write_json, write_study
from tests.report.reading_html import Page

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
DESCRIPTION = "Does <size> help?"


def page_of(results) -> Page:
    return Page.of(report_page(read_study(results), NOW))


@pytest.fixture(scope="module")
def numbers(tmp_path_factory):
    """Two models, two test sets, three seeds; not to be changed."""
    folder = tmp_path_factory.mktemp("numbers")
    return write_study(folder, answers=("numbers",), logs=True, description=DESCRIPTION)


@pytest.fixture(scope="module")
def page(numbers):
    return page_of(numbers)


def reports(results, kind, model="*", dataset="*"):
    return [
        json.loads(path.read_text())
        for path in sorted(results.glob(f"{model}/seed_*/evaluation/{dataset}/{kind.file}"))
    ]


def test_results_of_numbers_are_means_over_runs(numbers, page):
    found = reports(numbers, NUMBERS, "large", "own")
    for values in (
        [report["ccc"] for report in found],
        [report["mse"] for report in found],
        [report["per_target"][1]["ccc"] for report in found],
    ):
        assert f"{np.mean(values):.3f} ± {np.std(values, ddof=1):.3f}" in page.words
    for text in (
        "model tested on CCC of each run runs CCC 95% interval CCC of arousal CCC of valence MSE Pearson's r",
        "By target: mean ± SD over runs",
        "small on other, the utterances of all runs together.",
        "Training curves of 6 runs",
        "By gender: mean ± SD over runs model tested on gender speakers utterances CCC CCC of arousal",
        "Difference in CCC by gender",
        "ANOVA of CCC over model, data set",
        "Utterances without a number: large on own; small on own;",
        "small on other: arousal (1).",
    ):
        assert text in page.words
    assert len(page.all("circle")) == 12  # a dot a run
    assert len(page.all("img")) == 4 + 1  # a figure a model and test set, and the curves
    assert len(page.all("table")) == len(page.all("caption"))
    assert "Confusion" not in page.words and "Calibration" not in page.words and "UAR" not in page.words


def test_the_description_stands_at_the_top(page, numbers):
    assert page.words.index(DESCRIPTION) < page.words.index("Models and settings")
    assert "description" not in {element.get("class") for element in Page.of("<p>none</p>").all("p")}
    assert read_study(numbers).description == DESCRIPTION


def test_without_a_description_there_is_no_empty_paragraph(tmp_path):
    page = page_of(write_study(tmp_path, seeds=1, models=("only",), datasets=("own",)))
    assert "description" not in {element.get("class") for element in page.all("p")}


def test_results_of_labels(tmp_path):
    results = write_study(tmp_path, answers=("labels",), seeds=2)
    page = page_of(results)
    found = reports(results, LABELS, "small", "own")
    auc = [report["per_label"][0]["auc"] for report in found]
    assert f"{np.mean(auc):.3f} ± {np.std(auc, ddof=1):.3f}" in page.words
    for text in (
        "macro F1 of each run runs macro F1 95% interval micro F1 macro AUC",
        "By label: mean ± SD over runs model tested on label have it were given it precision recall F1 AUC",
        "large on own, means over runs.",
        "Difference in macro F1 by gender",
        "ANOVA of macro F1 over model, data set",
    ):
        assert text in page.words
    assert len(page.all("img")) == 4


@pytest.mark.thorough
def test_a_class_and_numbers_have_sections_each(tmp_path):
    results = write_study(tmp_path, answers=("classes", "numbers"), seeds=2)
    study = read_study(results)
    assert [kind.name for kind in study.kinds] == ["classes", "numbers"]
    assert not study.duplicates
    page = page_of(results)
    titles = ["Results: classes", "Confusions: classes", "Results: numbers", "Groups of speakers: numbers"]
    assert all(
        title in page.words for title in [*titles, "ANOVA of UAR over model", "ANOVA of CCC over model"]
    )
    names = [element["id"] for _, element in page.elements if "id" in element]
    assert len(names) == len(set(names))
    assert {element["href"] for element in page.all("a")} <= {f"#{name}" for name in names}
    assert page.words.count("In the picture each dot is a run") == 2


@pytest.mark.thorough
def test_parts_that_are_missing_or_wrong_are_named(numbers, tmp_path):
    results = shutil.copytree(numbers, tmp_path / "copy" / "results" / numbers.name)
    folder = results / "small" / "seed_0" / "evaluation" / "own"
    (folder / "predictions.csv").unlink()
    others = sorted(results.glob(f"large/seed_*/evaluation/own/{NUMBERS.file}"))
    write_json(others[0], json.loads(others[0].read_text()) | {"per_target": [{"ccc": 0.5}]})
    page = page_of(results)
    assert f"{folder / 'predictions.csv'}: not found" in page.words
    assert f"{others[0]}: per_target.0.target: field required; per_target is left out" in page.words
    assert f"{others[0]}: lacks per_target; left out" in page.words
    assert "ANOVA of CCC" in page.words


def test_statistics_read_every_measure(numbers, tmp_path):
    inputs = read_results(numbers)
    assert inputs.main_metric == "ccc"
    assert {"ccc", "mse", "pearson", *(f"ccc_{target}" for target in TARGETS)} <= set(inputs.metrics)
    whole = inputs.results[inputs.results["subgroup"] == "all"]
    assert len(whole) == 12
    own = whole[(whole["model_name"] == "large") & (whole["dataset_name"] == "own")]
    found = reports(numbers, NUMBERS, "large", "own")
    assert own["ccc_valence"].tolist() == [report["per_target"][1]["ccc"] for report in found]
    women = inputs.results[inputs.results["subgroup"] == "female"]
    assert women["ccc_valence"].notna().all()


def test_the_class_and_the_numbers_of_a_run_are_one_row(tmp_path):
    results = write_study(tmp_path, answers=("classes", "numbers"), seeds=2)
    inputs = read_results(results)
    assert inputs.main_metric == "uar"
    assert len(inputs.results) == 2 * 2 * 2 * 3  # with two groups
    assert inputs.results[["uar", "ccc"]].notna().all(axis=None)
    assert set(inputs.results.loc[inputs.results["subgroup"] == "all", "n_classes"]) == {3.0}


@pytest.mark.parametrize(
    ("options", "title"),
    [([], "Statistics of CCC"), (["--metric", "ccc_arousal"], "Statistics of CCC of arousal")],
)
def test_kser_stats_of_numbers(numbers, tmp_path, monkeypatch, capsys, options, title):
    arguments = ["--input-path", str(numbers), "--output-path", str(tmp_path), *options]
    monkeypatch.setattr(sys, "argv", ["kser", "stats", *arguments])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 0
    assert "chance level" not in capsys.readouterr().out
    assert title in (tmp_path / "statistics.md").read_text()
    described = pd.read_csv(tmp_path / "conditions.csv").set_index(["model_name", "dataset_name", "subgroup"])
    metric = options[1] if options else "ccc"
    values = [NUMBERS.measures_of(report)[metric] for report in reports(numbers, NUMBERS, "large", "own")]
    assert described.loc[("large", "own", "all"), "mean"] == pytest.approx(np.mean(values))


def test_kser_stats_of_labels(tmp_path):
    inputs = read_results(write_study(tmp_path, answers=("labels",), seeds=1))
    assert inputs.main_metric == "macro_f1"
    assert {"micro_f1", "hamming_loss", "f1_anger", "auc_joy"} <= set(inputs.metrics)
    assert inputs.results["n_classes"].isna().all(), "labels have no chance level of a class"


def test_columns_of_a_summary():
    one = {"per_target": [{"target": "arousal", "ccc": 0.5, "mse": 1, "pearson": None}], "ccc": 0.5}
    two = {"per_target": [{"target": name, "ccc": 0.5} for name in TARGETS]}
    assert NUMBERS.summary_columns([one]) == ["ccc", "mse", "pearson"], "one target is its own mean"
    assert NUMBERS.summary_columns([one, two]) == ["ccc", "ccc_arousal", "ccc_valence", "mse", "pearson"]
    assert CLASSES.summary_columns([{"per_label": []}]) == ["uar", "wa", "macro_f1"]
    values = NUMBERS.measures_of(one)
    assert values["ccc_arousal"] == 0.5 and np.isnan(values["pearson_arousal"]) and np.isnan(values["mse"])
