"""A further kind of report appears in the summary, the statistics and the page once it is registered."""

import json
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from kser.evaluation.measures import Measure
from kser.experiment.evaluating.evaluation_csv import EvaluationRow
from kser.experiment.evaluating.evaluation_summary import summarise_evaluations
from kser.experiment.evaluating.evaluator import EvaluatedRow
from kser.experiment.evaluating.statistics_inputs import read_results
from kser.experiment.tasks.report_kinds import CLASSES, REPORT_KINDS, Parts, ReportKind, register_report_kind
from kser.report.page import report_page
from kser.report.study_folder import read_study
from tests.experiment.made_up_study import write_json
from tests.report.reading_html import Page

ERROR = Measure("onset_error", "onset error", bounds=(0.0, float("inf")), higher_is_better=False)
HIT_RATE = Measure("hit_rate", "hit rate")
ONSETS = ReportKind(
    name="onsets",
    file="onset_report.json",
    runs_file="onset_measures.json",
    measures=(ERROR, HIT_RATE),
    parts=Parts("per_style", "style", "style", (HIT_RATE,), of_run=(HIT_RATE,), counts={"n": "utterances"}),
    required=("onset_error",),
    summary_title="onset error in seconds; mean ± SD over seeds",
    explanation="The onset error is the mean distance of predicted and true onsets in seconds.",
)


@pytest.fixture
def onsets():
    yield register_report_kind(ONSETS)
    REPORT_KINDS.remove(ONSETS)


def write_onsets(results: Path) -> list[Path]:
    """Two models with three seeds each, on one test set."""
    found = []
    for number, model in enumerate(("near", "far")):
        for seed in range(3):
            folder = results / model / f"seed_{seed}" / "evaluation" / "own"
            hits = [{"style": style, "n": 10, "hit_rate": 0.5 + 0.1 * i} for i, style in enumerate("ab")]
            identity = {"model_name": model, "dataset_name": "own", "seed": seed}
            nothing_special = {"seen_in_training": {}, "skipped_audio": {}}
            measures = {"onset_error": number + seed / 10, "hit_rate": 0.55, "per_style": hits}
            write_json(folder / ONSETS.file, {**identity, **nothing_special, "n": 20, **measures})
            found.append(folder)
    return found


def test_a_further_kind_has_a_page(onsets, tmp_path):
    write_onsets(tmp_path / "study")
    study = read_study(tmp_path / "study")
    assert study.kinds == [ONSETS] and not study.problems
    page = Page.of(report_page(study, datetime(2026, 11, 26, tzinfo=UTC)))
    for text in (
        "onset error of each run runs onset error 95% interval hit rate",
        "3 1.100 ± 0.100",
        "mean distance of predicted and true onsets in seconds. Lower values of onset error are better.",
        "By style: mean ± SD over runs model tested on style utterances hit rate",
        "near own b 10 0.600",
        "onset error of models on each data set",
    ):
        assert text in page.words
    assert "Confusions" not in page.words and "Calibration" not in page.words


def test_a_further_kind_has_statistics(onsets, tmp_path):
    write_onsets(tmp_path / "study")
    inputs = read_results(tmp_path / "study")
    assert inputs.main_metric == "onset_error"
    assert {"onset_error", "hit_rate", "hit_rate_a", "hit_rate_b"} <= set(inputs.metrics)


def test_a_further_kind_is_summarised(onsets, tmp_path):
    evaluation = SimpleNamespace(report=ONSETS, warnings=lambda report: [])
    evaluated = []
    for folder in write_onsets(tmp_path / "study"):
        report = json.loads((folder / ONSETS.file).read_text())
        row = EvaluationRow(report["model_name"], "own", folder.parents[1] / "model", tmp_path, folder)
        evaluated.append(EvaluatedRow(row, [(evaluation, report)], is_new=True))
    summary = summarise_evaluations(evaluated, tmp_path / "summary")
    assert [table.title for table in summary.tables] == [ONSETS.summary_title]
    assert "1.100 ± 0.100" in (tmp_path / "summary" / "summary.md").read_text()
    assert summary.results["hit_rate_a"].tolist() == [0.5] * 6
    runs = json.loads((tmp_path / "summary" / ONSETS.runs_file).read_text())
    assert [run["onset_error"] for run in runs["far"]["own"]] == [1.0, 1.1, 1.2]


def test_what_is_not_registered_is_no_result(tmp_path):
    write_onsets(tmp_path / "study")
    assert not read_study(tmp_path / "study").evaluations


@pytest.mark.parametrize(
    "taken", [{"name": "classes"}, {"file": CLASSES.file}, {"runs_file": CLASSES.runs_file}]
)
def test_kinds_do_not_share_names_or_files(taken):
    fields = {"name": "others", "file": "others.json", "runs_file": "other_runs.json", "measures": (ERROR,)}
    with pytest.raises(ValueError, match="is taken by classes"):
        register_report_kind(ReportKind(**fields | taken))
    assert register_report_kind(CLASSES) is CLASSES and REPORT_KINDS.count(CLASSES) == 1
