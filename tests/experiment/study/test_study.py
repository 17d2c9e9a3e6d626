"""The whole path on one backend: train, evaluate, summarise, and again."""

import io
import json
import shutil

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from kser.corpora.metadata import read_metadata, write_metadata
from kser.errors import UserError
from kser.experiment.config.loading import load_experiment
from kser.experiment.evaluating.evaluation_csv import COLUMNS, read_evaluation_csv
from kser.experiment.execution.training_run import TrainingFailedError
from kser.experiment.runs.planning import plan_runs
from kser.experiment.runs.run_lock import alone_on
from kser.experiment.runs.trained_model import load_classifier, load_provenance
from kser.experiment.study.study import evaluate, train_experiment
from tests.experiment.conftest import write_experiment


def console():
    return Console(width=200, record=True, file=io.StringIO())


@pytest.fixture(scope="module")
def trained(tmp_path_factory, small_corpus):
    folder = tmp_path_factory.mktemp("study")
    experiment = load_experiment(write_experiment(folder, small_corpus, cross_validation=2))
    evaluation_csv = train_experiment(experiment, console())
    return folder, evaluation_csv


def snapshot(folder):
    """Every file below a folder with its time of change."""
    return {path: path.stat().st_mtime_ns for path in sorted(folder.rglob("*")) if path.is_file()}


def test_training_writes_the_evaluation_csv(trained):
    _, evaluation_csv = trained
    assert evaluation_csv.stem.isdigit()
    table = pd.read_csv(evaluation_csv, sep="\t")
    assert tuple(table.columns) == COLUMNS
    assert table["model_name"].tolist() == ["log_mel", "log_mel", "wav2vec2", "wav2vec2"]
    assert set(table["dataset_name"]) == {"synthetic"}


def test_every_row_is_evaluated(trained):
    _, evaluation_csv = trained
    for row in read_evaluation_csv(evaluation_csv):
        report = json.loads((row.eval_out_path / "classification_report.json").read_text())
        predictions = pd.read_csv(row.eval_out_path / "predictions.csv")
        matrix = pd.read_csv(row.eval_out_path / "confusion_matrix.csv", index_col=0)
        test = read_metadata(row.test_csv)
        labels = ["anger", "happiness", "neutral", "sadness"]
        assert report["n"] == len(predictions) == len(test) == matrix.to_numpy().sum()
        assert list(matrix.columns) == list(matrix.index) == labels
        assert predictions["class_id"].tolist() == test["class_id"].tolist()
        probabilities = predictions[[f"p_{label}" for label in labels]]
        assert probabilities.sum(axis=1).to_numpy() == pytest.approx(1.0, abs=1e-4)
        assert [labels[i] for i in probabilities.to_numpy().argmax(axis=1)] == predictions[
            "predicted"
        ].tolist()
        recalls = [matrix.loc[c, c] / matrix.loc[c].sum() for c in labels]
        assert report["uar"] == pytest.approx(np.mean(recalls))
        assert (row.eval_out_path / "confusion_matrix.png").read_bytes()[:4] == b"\x89PNG"
        assert report["seen_in_training"] == {"train": 0, "validation": 0}


def test_no_speaker_is_in_two_parts(trained):
    _, evaluation_csv = trained
    for row in read_evaluation_csv(evaluation_csv):
        parts = [read_metadata(row.eval_csv_path / f"{part}.csv") for part in ("train", "validation", "test")]
        speakers = [set(part["actor"]) for part in parts]
        assert not speakers[0] & speakers[1]
        assert not speakers[0] & speakers[2]
        assert not speakers[1] & speakers[2]
        assert sum(map(len, parts)) == 40


def test_the_summary_is_over_seeds(trained):
    _, evaluation_csv = trained
    summary = pd.read_csv(evaluation_csv.parent / "summary" / evaluation_csv.stem / "summary.csv")
    assert summary[["model_name", "runs"]].to_numpy().tolist() == [["log_mel", 2], ["wav2vec2", 2]]
    reports = [
        json.loads((row.eval_out_path / "classification_report.json").read_text())
        for row in read_evaluation_csv(evaluation_csv)
        if row.model_name == "log_mel"
    ]
    uars = [report["uar"] for report in reports]
    assert summary["uar_mean"].iloc[0] == pytest.approx(np.mean(uars))
    assert summary["uar_sd"].iloc[0] == pytest.approx(np.std(uars, ddof=1))
    folder = evaluation_csv.parent / "summary" / evaluation_csv.stem
    assert "log_mel" in (folder / "summary.md").read_text()


def test_a_model_knows_where_it_comes_from(trained):
    _, evaluation_csv = trained
    row = read_evaluation_csv(evaluation_csv)[1]
    provenance = load_provenance(row.model_path)
    split = json.loads((row.eval_csv_path / "split.json").read_text())
    assert provenance.seed == 1
    assert provenance.split_fingerprint == split["fingerprint"]
    assert provenance.model_config["name"] == "log_mel"
    assert len(provenance.recordings["train"]) == len(read_metadata(row.eval_csv_path / "train.csv"))
    classifier = load_classifier(row.model_path)
    assert classifier.labels == ["anger", "happiness", "neutral", "sadness"]
    assert classifier.preprocessor.audio_converter.sampling_rate == provenance.audio["sampling_rate"] == 16000


def test_a_second_start_trains_and_evaluates_nothing(trained):
    folder, _ = trained
    before = snapshot(folder / "results")
    train_experiment(load_experiment(folder / "experiment.json"), console())
    changed = {path for path, time in snapshot(folder / "results").items() if before.get(path) != time}
    assert {path.parents[1].name for path in changed} == {"summary"}


def test_a_finished_run_leaves_its_log_and_no_states(trained):
    folder, _ = trained
    work = folder / "runs" / "small" / "log_mel" / "seed_0"
    assert sorted(path.name for path in work.iterdir()) == ["log.csv"]


def test_results_of_other_settings_are_refused_and_stay(trained, small_corpus):
    folder, _ = trained
    text = (folder / "models" / "log_mel.json").read_text()
    before = snapshot(folder / "results")
    try:
        changed = json.loads(text) | {"learning_rate": 0.5}
        (folder / "models" / "log_mel.json").write_text(json.dumps(changed))
        with pytest.raises(UserError, match=r"log_mel.*other settings"):
            train_experiment(load_experiment(folder / "experiment.json"), console())
    finally:
        (folder / "models" / "log_mel.json").write_text(text)
    assert snapshot(folder / "results") == before


def test_rows_are_evaluated_again_when_asked_or_when_the_test_set_changed(trained, tmp_path):
    _, evaluation_csv = trained
    row = read_evaluation_csv(evaluation_csv)[0]
    shutil.copytree(row.eval_csv_path, tmp_path / "set")
    header, line = "\t".join(COLUMNS), f"m\td\t{row.model_path}\t{tmp_path / 'set'}\t{tmp_path / 'out'}"
    by_hand = tmp_path / "by_hand.csv"
    by_hand.write_text(f"{header}\n{line}\n")
    report = tmp_path / "out" / "classification_report.json"

    def changes(**arguments):
        before = report.stat().st_mtime_ns if report.exists() else None
        evaluate(by_hand, console(), **arguments)
        return report.stat().st_mtime_ns != before

    assert changes()
    assert not changes()
    assert changes(redo=True)
    test = read_metadata(tmp_path / "set" / "test.csv")
    write_metadata(test.iloc[:-1], tmp_path / "set" / "test.csv")
    assert changes()
    assert json.loads(report.read_text())["n"] == len(test) - 1


def test_a_leak_is_reported_loudly(trained, tmp_path):
    _, evaluation_csv = trained
    row = read_evaluation_csv(evaluation_csv)[0]
    # The same recordings under other names: a copy does not hide them.
    train = read_metadata(row.eval_csv_path / "train.csv").iloc[:3].copy()
    for position, path in enumerate(train["path"]):
        shutil.copy(path, tmp_path / f"{position}.wav")
    train["path"] = [str(tmp_path / f"{position}.wav") for position in range(3)]
    (tmp_path / "set").mkdir()
    write_metadata(train, tmp_path / "set" / "test.csv")
    line = f"m\td\t{row.model_path}\t{tmp_path / 'set'}\t{tmp_path / 'out'}"
    (tmp_path / "leak.csv").write_text("\t".join(COLUMNS) + f"\n{line}\n")
    told = console()
    evaluate(tmp_path / "leak.csv", told)
    assert "LEAK" in told.export_text()
    assert (
        "3 of 3 recordings were in the model's train part"
        in (tmp_path / "summary" / "leak" / "summary.md").read_text()
    )


def test_a_model_that_is_missing_is_told_and_the_others_are_evaluated(trained, tmp_path):
    _, evaluation_csv = trained
    row = read_evaluation_csv(evaluation_csv)[0]
    lines = [
        f"gone\td\t{tmp_path / 'nowhere'}\t{row.eval_csv_path}\t{tmp_path / 'gone'}",
        f"there\td\t{row.model_path}\t{row.eval_csv_path}\t{tmp_path / 'there'}",
    ]
    (tmp_path / "two.csv").write_text("\n".join(["\t".join(COLUMNS), *lines]) + "\n")
    with pytest.raises(UserError, match=r"gone on d: .*nowhere: no such folder"):
        evaluate(tmp_path / "two.csv", console())
    assert (tmp_path / "there" / "classification_report.json").is_file()


def test_the_summary_has_the_names_of_the_rows(trained, tmp_path):
    _, evaluation_csv = trained
    row = read_evaluation_csv(evaluation_csv)[0]
    cells = [str(row.model_path), str(row.eval_csv_path), str(row.eval_out_path)]
    (tmp_path / "renamed.csv").write_text(
        "\n".join(["\t".join(COLUMNS), "\t".join(["baseline", "acted", *cells])]) + "\n"
    )
    evaluate(tmp_path / "renamed.csv", console())
    summary = pd.read_csv(tmp_path / "summary" / "renamed" / "summary.csv")
    assert summary[["model_name", "dataset_name", "runs"]].to_numpy().tolist() == [["baseline", "acted", 1]]


def test_a_corpus_with_other_column_names_goes_all_the_way(tmp_path, small_corpus):
    table = pd.read_csv(small_corpus, dtype=str)
    table["path"] = [str(small_corpus.parent / path) for path in table["path"]]
    table = table.rename(columns={"path": "recording", "class_id": "emotion"})
    table.to_csv(tmp_path / "metadata.csv", index=False)
    path = write_experiment(tmp_path, tmp_path / "metadata.csv", models=["log_mel"])
    model_file = tmp_path / "models" / "log_mel.json"
    changed = {"input_column": "recording", "output_column": "emotion", "number_of_training_epochs": 1}
    model_file.write_text(json.dumps(json.loads(model_file.read_text()) | changed))
    (row,) = read_evaluation_csv(train_experiment(load_experiment(path), console()))
    assert (row.eval_out_path / "classification_report.json").is_file()


def test_another_test_set_under_an_old_name_is_told_before_training(tmp_path, small_corpus):
    test_sets = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        write_metadata(read_metadata(small_corpus), tmp_path / name / "test.csv")
        test_sets.append([{"name": "further", "eval_csv_path": str(tmp_path / name)}])
    first = write_experiment(
        tmp_path, small_corpus, models=["log_mel"], datasets=test_sets[0], run_eval=False
    )
    train_experiment(load_experiment(first), console())
    second = write_experiment(
        tmp_path, small_corpus, models=["log_mel"], datasets=test_sets[1], run_eval=False
    )
    with pytest.raises(UserError, match=r"datasets: further: is .*other, but .*one under that name"):
        train_experiment(load_experiment(second), console())


@pytest.fixture
def two_seeds(tmp_path, small_corpus):
    return write_experiment(tmp_path, small_corpus, models=["log_mel"], cross_validation=2, run_eval=False)


def test_a_run_that_fails_does_not_stop_the_study_and_is_tried_again(two_seeds, monkeypatch):
    from kser.experiment.study import study

    def fails_on_seed_0(run, *arguments):
        if run.seed == 0:
            raise RuntimeError("out of\nmemory")
        return do_run(run, *arguments)

    do_run = study.do_run
    monkeypatch.setattr(study, "do_run", fails_on_seed_0)
    told = console()
    with pytest.raises(UserError) as failed:
        train_experiment(load_experiment(two_seeds), told)
    first, last = str(failed.value).splitlines()
    work = two_seeds.parent / "runs" / "small" / "log_mel" / "seed_0"
    assert first == f"log_mel, seed 0: RuntimeError: out of memory (more in {work / 'error.txt'})"
    assert last == "the same command tries what failed again"
    assert "fails_on_seed_0" in (work / "error.txt").read_text()
    monkeypatch.undo()
    evaluation_csv = train_experiment(load_experiment(two_seeds), console())
    assert len(read_evaluation_csv(evaluation_csv)) == 2
    assert [path.name for path in work.iterdir()] == ["log.csv"]
    (work / "error.txt").write_text("of an earlier version")
    train_experiment(load_experiment(two_seeds), console())
    assert [path.name for path in work.iterdir()] == ["log.csv"]


def change_model(experiment, of, /, **fields):
    file = experiment.parent / "models" / f"{of}.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | fields))


@pytest.fixture
def two_models(tmp_path, small_corpus):
    path = write_experiment(tmp_path, small_corpus, cross_validation=2, run_grapher=True)
    change_model(path, "wav2vec2", number_of_training_epochs=1)
    return path


def test_factors_that_are_named_later_reach_the_reports_of_finished_runs(tmp_path, small_corpus):
    path = write_experiment(tmp_path, small_corpus, models=["log_mel"], cross_validation=1)
    train_experiment(load_experiment(path), console())
    change_model(path, "log_mel", factors={"front end": "log-mel"})
    told = console()
    train_experiment(load_experiment(path), told)
    assert "is trained already" in told.export_text(clear=False)
    assert "(evaluated before)" in told.export_text()
    (report,) = (tmp_path / "results").rglob("classification_report.json")
    assert json.loads(report.read_text())["factors"] == {"front end": "log-mel"}


def failures_of(experiment):
    with pytest.raises(UserError) as failed:
        train_experiment(load_experiment(experiment), console())
    return str(failed.value).splitlines()


def test_a_model_that_cannot_begin_stops_no_other_model(two_models):
    # Told by the model's first run: it cannot be known without building the model.
    change_model(two_models, "log_mel", backbone_arguments={"filtres": [8]})
    first, last = failures_of(two_models)
    said = "backbone_arguments: LogMelBackbone has no argument filtres; did you mean filters?"
    assert first == f"log_mel, seed 0–1: {two_models.parent / 'models' / 'log_mel.json'}: {said}"
    assert last == "the same command tries what failed again"
    results = two_models.parent / "results" / "small"
    assert len(list(results.glob("wav2vec2/*/evaluation/synthetic/classification_report.json"))) == 2
    assert not (results / "log_mel").exists()
    assert list(results.glob("evaluation_csv/summary/*/summary.csv"))
    assert (results / "training_curves.png").is_file()


def test_what_no_run_would_begin_with_is_told_before_training(two_models):
    change_model(two_models, "wav2vec2", model_path_or_name="nowhere")
    work = two_models.parent / "runs" / "small" / "log_mel" / "seed_1"
    work.mkdir(parents=True)
    (work / "settings.json").write_text('{"run_fingerprint": "of other settings"}')
    interrupted, nowhere = failures_of(two_models)
    assert interrupted.startswith(f"{work}: holds an interrupted run with other settings")
    assert nowhere.startswith(f"{two_models.parent / 'models' / 'wav2vec2.json'}: nowhere: no such folder")
    assert not (two_models.parent / "results").exists()


def test_a_model_may_begin_as_one_that_is_trained_before_it(two_models):
    earlier = two_models.parent / "results" / "small" / "log_mel" / "seed_0" / "model"
    change_model(two_models, "wav2vec2", name="z", model_path_or_name=str(earlier), backbone_arguments={})
    (row,) = [
        row
        for row in read_evaluation_csv(train_experiment(load_experiment(two_models), console(), 0, 0))
        if row.model_name == "z"
    ]
    assert row.model_path.is_dir()


def test_failures_in_training_and_evaluation_are_told_together(two_models, monkeypatch):
    from kser.experiment.study import study

    def fails_on_wav2vec2(run, *arguments):
        if run.model.name == "wav2vec2" and run.seed == 1:
            raise TrainingFailedError("the loss is no longer a number")
        return do_run(run, *arguments)

    def damages_a_model(self, row):
        if row.model_name == "log_mel" and row.model_path.parent.name == "seed_0":
            raise UserError(f"{row.model_path}: the model cannot be loaded")
        if row.model_name == "log_mel":
            raise ValueError("nobody\nforesaw")
        return evaluate_row(self, row)

    do_run, evaluate_row = study.do_run, study.Evaluator.evaluate
    monkeypatch.setattr(study, "do_run", fails_on_wav2vec2)
    monkeypatch.setattr(study.Evaluator, "evaluate", damages_a_model)
    results = two_models.parent / "results" / "small"
    seeds = [results / "log_mel" / f"seed_{seed}" for seed in range(2)]
    report = seeds[1] / "evaluation" / "synthetic" / "error.txt"
    assert failures_of(two_models) == [
        "wav2vec2, seed 1: the loss is no longer a number",
        f"log_mel on synthetic: {seeds[0] / 'model'}: the model cannot be loaded",
        f"log_mel on synthetic: ValueError: nobody foresaw (more in {report})",
        "the same command tries what failed again",
    ]
    assert "damages_a_model" in report.read_text()
    assert (results / "wav2vec2/seed_0/evaluation/synthetic/classification_report.json").is_file()
    assert (results / "training_curves.png").is_file()
    monkeypatch.undo()
    train_experiment(load_experiment(two_models), console())
    assert not report.exists()


def test_curves_that_cannot_be_drawn_are_told_at_the_end(two_models, monkeypatch):
    from kser.experiment.study import study

    def fails(*arguments, **more):
        raise RuntimeError("no canvas")

    monkeypatch.setattr(study, "plot_training_curves", fails)
    report = two_models.parent / "runs" / "small" / "error.txt"
    change_model(two_models, "log_mel", number_of_training_epochs=1)
    assert failures_of(two_models) == [f"RuntimeError: no canvas (more in {report})"]
    assert "no canvas" in report.read_text()
    monkeypatch.undo()
    train_experiment(load_experiment(two_models), console())
    assert not report.exists()


def test_a_run_that_another_process_does_is_left_to_it(two_seeds):
    runs = plan_runs(load_experiment(two_seeds))
    told = console()
    with alone_on(runs[0].paths):
        evaluation_csv = train_experiment(load_experiment(two_seeds), told)
    assert "log_mel, seed 0: another process is at it" in told.export_text()
    (row,) = read_evaluation_csv(evaluation_csv)
    assert row.model_path == runs[1].paths.model
