"""A study that is trained already, in whole or in part."""

import json

import pytest

from kser.cli.study_display import StudyDisplay
from kser.corpora.metadata import read_metadata, write_metadata
from kser.errors import UserError
from kser.experiment.config.loading import load_experiment
from kser.experiment.evaluating.evaluation_csv import read_evaluation_csv
from kser.experiment.runs.planning import plan_runs
from kser.experiment.runs.run_lock import try_lock_run
from kser.experiment.study.study import train_experiment
from tests.experiment.conftest import write_experiment
from tests.experiment.study.training import change_model, console, snapshot


@pytest.mark.thorough
def test_a_second_start_trains_and_evaluates_nothing(trained):
    folder, _ = trained
    before = snapshot(folder / "results")
    train_experiment(load_experiment(folder / "experiment.json"))
    changed = {path for path, time in snapshot(folder / "results").items() if before.get(path) != time}
    assert {path.parents[1].name for path in changed} == {"summary"}


@pytest.mark.thorough
def test_results_of_other_settings_are_refused_and_stay(trained, small_corpus):
    folder, _ = trained
    text = (folder / "models" / "log_mel.json").read_text()
    before = snapshot(folder / "results")
    try:
        changed = json.loads(text) | {"learning_rate": 0.5}
        (folder / "models" / "log_mel.json").write_text(json.dumps(changed))
        with pytest.raises(UserError, match=r"log_mel.*other settings"):
            train_experiment(load_experiment(folder / "experiment.json"))
    finally:
        (folder / "models" / "log_mel.json").write_text(text)
    assert snapshot(folder / "results") == before


@pytest.mark.thorough
def test_names_that_are_given_later_reach_finished_runs_and_their_reports(tmp_path, small_corpus):
    path = write_experiment(tmp_path, small_corpus, models=["log_mel"], cross_validation=1)
    change_model(path, "log_mel", hidden_state=1)
    train_experiment(load_experiment(path))
    change_model(path, "log_mel", factors={"front end": "log-mel"}, layer_curve="layers")
    shown = console()
    train_experiment(load_experiment(path), progress=StudyDisplay(shown))
    assert "is trained already" in shown.export_text(clear=False)
    assert "(evaluated before)" in shown.export_text()
    (report,) = (tmp_path / "results").rglob("classification_report.json")
    assert json.loads(report.read_text())["factors"] == {"front end": "log-mel"}
    (provenance,) = (tmp_path / "results").rglob("kser.json")
    assert json.loads(provenance.read_text())["model_config"]["layer_curve"] == "layers"


def test_another_test_set_under_an_old_name_is_told_before_training(tmp_path, small_corpus):
    test_sets = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        write_metadata(read_metadata(small_corpus), tmp_path / name / "test.csv")
        test_sets.append([{"name": "further", "eval_csv_path": str(tmp_path / name)}])
    first = write_experiment(
        tmp_path, small_corpus, models=["log_mel"], datasets=test_sets[0], run_eval=False
    )
    train_experiment(load_experiment(first))
    second = write_experiment(
        tmp_path, small_corpus, models=["log_mel"], datasets=test_sets[1], run_eval=False
    )
    with pytest.raises(UserError, match=r"datasets: further: is .*other, but .*one under that name"):
        train_experiment(load_experiment(second))


@pytest.mark.thorough
def test_a_run_that_another_process_does_is_left_to_it(two_seeds):
    runs = plan_runs(load_experiment(two_seeds))
    shown = console()
    with try_lock_run(runs[0].paths):
        evaluation_csv = train_experiment(
            load_experiment(two_seeds), progress=StudyDisplay(shown)
        ).evaluation_csv
    assert "log_mel, seed 0: another process is training it" in shown.export_text()
    (row,) = read_evaluation_csv(evaluation_csv)
    assert row.model_path == runs[1].paths.model
