"""Models of every kind are evaluated from their folder, and what stands on disk is what they say."""

import io
import json
import shutil
from contextlib import contextmanager

import numpy as np
import pandas as pd
import pytest
from rich.console import Console
from sklearn import metrics as sklearn_metrics

from kser.cli.study_display import StudyDisplay
from kser.errors import UserError
from kser.evaluation.regression import concordance_correlation
from kser.experiment.evaluating import answers, evaluator
from kser.experiment.evaluating.evaluation_results import results_there
from kser.experiment.evaluating.statistics_inputs import read_results
from kser.experiment.runs.run_lock import locked
from kser.experiment.study.evaluation import evaluate
from kser.experiment.tasks.class_evaluation import ClassEvaluation
from kser.experiment.tasks.regression_evaluation import RegressionEvaluation
from tests.experiment.evaluated_models import (
    DIMENSIONS,
    LABELS,
    TAGS,
    report_in,
    save_model,
    write_corpus,
    write_rows,
    write_test_set,
)

KINDS = ("class", "numbers", "class and numbers", "labels")
SEEDS = {"class": 2, "numbers": 2, "class and numbers": 1, "labels": 1}
REPORTS = {
    "class": ["classification_report"],
    "numbers": ["regression_report"],
    "class and numbers": ["classification_report", "regression_report"],
    "labels": ["multi_label_report"],
}


def console():
    return Console(width=200, record=True, file=io.StringIO())


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return write_corpus(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory, corpus):
    """Models of each kind, evaluated by gender and style; not to be changed."""
    folder = tmp_path_factory.mktemp("evaluated")
    table = write_test_set(folder / "set", corpus)
    rows = [
        (
            kind,
            save_model(folder / "models" / kind / str(seed), kind, seed),
            folder / "set",
            folder / kind / str(seed),
        )
        for kind in KINDS
        for seed in range(SEEDS[kind])
    ]
    shown = console()
    evaluate(write_rows(folder / "all.csv", rows), by=["style"], progress=StudyDisplay(shown))
    return folder, table, shown.export_text()


@pytest.mark.thorough
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_writes_its_reports(evaluated, kind):
    folder, table, _ = evaluated
    here = folder / kind / "0"
    assert sorted(path.stem for path in here.glob("*.json")) == REPORTS[kind]
    for name in REPORTS[kind]:
        report = report_in(here, name)
        assert (report["model_name"], report["dataset_name"], report["seed"]) == (kind, "made up", 0)
        assert report["n"] == report["n_recordings"] == len(table)
        assert report["seen_in_training"] == {"train": 0, "validation": 0}
        assert report["skipped_audio"] == {}
        assert set(report["subgroups"]) == set(report["subgroup_tests"]) == {"gender", "style"}
        assert report["intervals"]["n_speakers"] == table["actor"].nunique()
    assert len(pd.read_csv(here / "predictions.csv")) == len(table)


@pytest.mark.parametrize("kind", ["numbers", "class and numbers"])
def test_numbers_are_compared_in_the_units_of_the_corpus(evaluated, kind):
    folder, table, _ = evaluated
    report = report_in(folder / kind / "0", "regression_report")
    predictions = pd.read_csv(folder / kind / "0" / "predictions.csv")
    assert [entry["target"] for entry in report["per_target"]] == DIMENSIONS
    assert [entry["n"] for entry in report["per_target"]] == [len(table) - 2, len(table)]
    for entry, mean in zip(report["per_target"], (4.0, 3.0), strict=True):
        true, predicted = (predictions[f"{side}_{entry['target']}"] for side in ("true", "predicted"))
        assert true.astype(object).fillna("").astype(str).tolist() == [
            "" if cell == "" else str(float(cell)) for cell in table[entry["target"]]
        ]
        assert abs(predicted.mean() - mean) < 1
        ccc = concordance_correlation(y_true=true.dropna(), y_pred=predicted[true.notna()])
        assert entry["ccc"] == pytest.approx(ccc[0], abs=1e-5)
    assert report["ccc"] == pytest.approx(np.mean([entry["ccc"] for entry in report["per_target"]]))
    assert set(report["subgroups"]["style"]["read"]) >= {"ccc", "ccc_arousal", "mse_valence"}
    assert all((folder / kind / "0" / f"{target}_agreement.png").is_file() for target in DIMENSIONS)


def test_a_class_is_judged_beside_numbers_as_alone(evaluated):
    folder, _, _ = evaluated
    here = folder / "class and numbers" / "0"
    report = report_in(here, "classification_report")
    predictions = pd.read_csv(here / "predictions.csv")
    assert list(predictions)[:6] == ["utterance", "actor", "gender", "class_id", "true", "predicted"]
    assert report["wa"] == pytest.approx((predictions["true"] == predictions["predicted"]).mean())
    assert predictions[[f"p_{label}" for label in LABELS]].sum(axis=1).to_numpy() == pytest.approx(
        1, abs=1e-5
    )


def test_labels_are_independent_of_each_other(evaluated):
    folder, table, _ = evaluated
    report = report_in(folder / "labels" / "0", "multi_label_report")
    predictions = pd.read_csv(folder / "labels" / "0" / "predictions.csv")
    for entry in report["per_label"]:
        true, probabilities = table[entry["label"]].astype(int), predictions[f"p_{entry['label']}"]
        assert predictions[f"true_{entry['label']}"].tolist() == true.tolist()
        assert (
            predictions[f"predicted_{entry['label']}"].tolist() == (probabilities >= 0.5).astype(int).tolist()
        )
        assert entry["auc"] == pytest.approx(sklearn_metrics.roc_auc_score(true, probabilities), abs=0.01)
    assert set(report["subgroups"]["gender"]["female"]) >= {"macro_f1", "f1_loud", "intervals"}
    assert (folder / "labels" / "0" / "label_measures.png").is_file()


def test_groups_of_further_columns_have_matrices_too(evaluated):
    folder, table, _ = evaluated
    here = folder / "class" / "0"
    for stem, rows in (
        ("female", table[table["gender"] == "female"]),
        ("style_read", table[table["style"] == "read"]),
        ("style_acted", table[table["style"] == "acted"]),
    ):
        counts = pd.read_csv(here / f"{stem}_confusion_matrix.csv", index_col=0)
        shares = pd.read_csv(here / f"{stem}_confusion_matrix_shares.csv", index_col=0)
        assert counts.sum(axis=1).to_dict() == rows["class_id"].value_counts().reindex(LABELS).to_dict()
        assert shares.sum(axis=1).to_numpy() == pytest.approx(1)
        assert (here / f"{stem}_confusion_matrix.png").is_file()


def test_the_summary_has_a_table_for_each_kind(evaluated):
    folder, _, output = evaluated
    summary = folder / "summary" / "all"
    for title in ("macro F1", "CCC of arousal", "Hamming loss", "UAR"):
        assert title in output
    table = pd.read_csv(summary / "summary.csv").set_index("model_name")
    assert table["runs"].to_dict() == SEEDS
    assert table["uar_mean"].notna().to_dict() == {kind: "class" in kind for kind in KINDS}
    assert table["ccc_mean"].notna().to_dict() == {kind: "numbers" in kind for kind in KINDS}
    values = [report_in(folder / "numbers" / str(seed), "regression_report")["ccc"] for seed in range(2)]
    assert table.loc["numbers", "ccc_mean"] == pytest.approx(np.mean(values))
    assert table.loc["numbers", "ccc_sd"] == pytest.approx(np.std(values, ddof=1))
    runs = json.loads((summary / "regression_measures.json").read_text())["numbers"]["made up"]
    assert [run["ccc"] for run in runs] == pytest.approx(values)
    assert set(runs[0]) >= {"seed", "ccc", "mse", "pearson", "ccc_arousal", "ccc_valence"}
    labels = json.loads((summary / "multi_label_measures.json").read_text())["labels"]["made up"]
    assert set(labels[0]) >= {"macro_f1", "micro_f1", "hamming_loss", "f1_loud", "auc_sad"}
    classes = json.loads((summary / "accuracies.json").read_text())
    assert set(classes) == {"class", "class and numbers"}
    assert set(classes["class"]["made up"][0]) >= {"seed", "accuracy", "uar"}
    text = (summary / "summary.md").read_text()
    assert "| model | corpus | runs | CCC | CCC of arousal | CCC of valence | MSE | Pearson's r |" in text
    assert "numbers on made up, 2 seeds: utterances without a number: arousal (2)" in text


def test_statistics_read_what_was_evaluated(evaluated):
    folder, _, _ = evaluated
    inputs = read_results(folder / "all.csv")
    assert not inputs.problems
    whole = inputs.results[inputs.results["subgroup"] == "all"].set_index(["model_name", "seed"])
    assert whole.index.tolist() == [(kind, seed) for kind in KINDS for seed in range(SEEDS[kind])]
    report = report_in(folder / "numbers" / "1", "regression_report")
    assert whole.loc[("numbers", 1), "ccc_arousal"] == report["per_target"][0]["ccc"]
    assert whole.loc["class and numbers", ["uar", "ccc"]].notna().all(axis=None)
    assert whole.loc["labels", "f1_sad"].notna().all()


def test_confusions_of_groups_are_averaged_over_seeds(evaluated):
    folder, _, _ = evaluated
    summary = folder / "summary" / "all"
    for name in ("class_on_made_up", "class_on_made_up_female", "class_on_made_up_style_read"):
        assert (summary / f"{name}_confusion_matrix.png").is_file()
    runs = [
        pd.read_csv(folder / "class" / str(seed) / "female_confusion_matrix.csv", index_col=0).to_numpy()
        for seed in range(2)
    ]
    mean = pd.read_csv(summary / "class_on_made_up_female_confusion_counts.csv", index_col=0)
    np.testing.assert_allclose(mean, np.mean(runs, axis=0))


def test_what_is_whole_is_not_evaluated_again(evaluated, tmp_path):
    folder, _, _ = evaluated
    out = shutil.copytree(folder / "numbers" / "0", tmp_path / "out")
    model, by_hand = folder / "models" / "numbers" / "0", tmp_path / "by_hand.csv"

    def changed(name="numbers", **arguments):
        before = {path: path.stat().st_mtime_ns for path in out.glob("*")}
        evaluate(write_rows(by_hand, [(name, model, folder / "set", out)]), **arguments)
        return {path.name for path in out.glob("*") if before.get(path) != path.stat().st_mtime_ns}

    assert changed() == set()
    (out / "arousal_agreement.png").unlink()
    assert {"arousal_agreement.png", "regression_report.json"} <= changed()
    assert "predictions.csv" in changed(redo=True)
    assert changed("other name") == {"regression_report.json"}
    assert report_in(out, "regression_report")["model_name"] == "other name"


def test_results_are_whole_with_all_reports_and_matrices(evaluated, tmp_path):
    folder, _, _ = evaluated
    evaluations = [ClassEvaluation(), RegressionEvaluation()]
    out = shutil.copytree(folder / "class and numbers" / "0", tmp_path / "out")
    assert len(results_there(out, evaluations)) == 2
    for name in ("regression_report.json", "style_read_confusion_matrix.csv", "predictions.csv"):
        (out / name).rename(tmp_path / name)
        assert results_there(out, evaluations) == []
        (tmp_path / name).rename(out / name)
    (out / "regression_report.json").write_text("[]")
    assert results_there(out, evaluations) == []


@pytest.mark.parametrize(
    ("kind", "columns", "message"),
    [
        (
            "numbers",
            {"valence": "high"},
            r"test\.csv: valence: row 2: 'high'; .*: should be a number, or empty",
        ),
        ("numbers", {"arousal": "", "valence": ""}, r"test\.csv: arousal, valence: no row has a number"),
        ("class and numbers", {"class_id": "bliss"}, r"test\.csv: class_id: no utterance of a class that"),
        ("labels", {"sad": "0.5"}, r"test\.csv: sad: row 2: '0\.5'; .*: should be 0 or 1"),
        ("labels", {"sad": ""}, r"test\.csv: sad: row 2: empty; .*: should be 0 or 1"),
    ],
)
def test_a_wrong_cell_is_named(evaluated, corpus, tmp_path, kind, columns, message):
    folder, _, _ = evaluated
    write_test_set(tmp_path / "set", corpus, **columns)
    rows = [(kind, folder / "models" / kind / "0", tmp_path / "set", tmp_path / "out")]
    with pytest.raises(UserError, match=message):
        evaluate(write_rows(tmp_path / "one.csv", rows))
    assert not list((tmp_path / "out").glob("*.json"))


@pytest.mark.parametrize(("kind", "column"), [("numbers", "valence"), ("labels", "sad")])
def test_a_column_that_is_not_there_is_named(evaluated, tmp_path, kind, column):
    folder, table, _ = evaluated
    (tmp_path / "set").mkdir()
    table.drop(columns=column).to_csv(tmp_path / "set" / "test.csv", index=False)
    rows = [(kind, folder / "models" / kind / "0", tmp_path / "set", tmp_path / "out")]
    with pytest.raises(UserError, match=rf"test\.csv: the header lacks '{column}', which the model learns"):
        evaluate(write_rows(tmp_path / "one.csv", rows))


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_that_gives_no_numbers_is_named_and_the_rows_after_it_are_done(
    evaluated, tmp_path, monkeypatch, kind
):
    folder, table, _ = evaluated
    models = [
        shutil.copytree(folder / "models" / kind / "0", tmp_path / "broken"),
        shutil.copytree(folder / "models" / "class" / "1", tmp_path / "whole"),
    ]

    def predict(model, *arguments):
        outputs = predict_outputs(model, *arguments)
        if not broken:
            broken.append(model)
            for values in outputs.values():
                values[[0, 3], 0] = np.nan
            next(iter(outputs.values()))[3:5] = np.inf
        return outputs

    broken, predict_outputs = [], answers.predict_outputs
    monkeypatch.setattr(answers, "predict_outputs", predict)
    rows = [(f"m{i}", model, folder / "set", tmp_path / f"out {i}") for i, model in enumerate(models)]
    with pytest.raises(UserError) as error:
        evaluate(write_rows(tmp_path / "two.csv", rows))
    (line,) = str(error.value).splitlines()
    said = f"{models[0]}: the model gives no numbers for 3 of {len(table)} recordings"
    assert line == f"m0 on made up: {said}"
    assert list((tmp_path / "out 0").iterdir()) == []
    assert report_in(tmp_path / "out 1", "classification_report")["model_name"] == "m1"


def test_what_another_process_evaluates_is_waited_for_and_not_done_again(evaluated, tmp_path, monkeypatch):
    folder, _, _ = evaluated
    out = tmp_path / "out"
    rows = [("numbers", folder / "models" / "numbers" / "0", folder / "set", out)]
    path = write_rows(tmp_path / "one.csv", rows)

    @contextmanager
    def done_meanwhile(place):
        assert place == out
        shutil.copytree(folder / "numbers" / "0", out)
        with locked(place):
            yield

    monkeypatch.setattr(evaluator, "locked", done_meanwhile)
    shown = console()
    evaluate(path, progress=StudyDisplay(shown))
    assert "(evaluated before)" in shown.export_text()
    assert not (out / ".lock").exists()


def test_leaks_and_damaged_audio_of_other_kinds_are_told_too(corpus, tmp_path):
    table = write_test_set(tmp_path / "set", corpus)
    (tmp_path / "bad.wav").write_bytes(b"no audio")
    table.loc[0, "path"] = str(tmp_path / "bad.wav")
    table.to_csv(tmp_path / "set" / "test.csv", index=False)
    rows = []
    for kind in ("numbers", "labels"):
        model = save_model(tmp_path / kind, kind, trained_on=table["path"].iloc[1:4])
        rows.append((kind, model, tmp_path / "set", tmp_path / f"{kind} out"))
    shown = console()
    evaluate(write_rows(tmp_path / "two.csv", rows), on_bad_audio="skip", progress=StudyDisplay(shown))
    for kind in ("numbers", "labels"):
        report = report_in(tmp_path / f"{kind} out", REPORTS[kind][0])
        assert report["seen_in_training"]["train"] == 3
        assert report["n"] == len(table) - 1 and report["n_excluded"] == 1
        assert list(report["skipped_audio"]) == [str(tmp_path / "bad.wav")]
        assert f"LEAK: {kind} on made up, seed 0: 3 of 40 recordings" in shown.export_text(clear=False)
    assert len(pd.read_csv(tmp_path / "labels out" / "predictions.csv")) == len(table) - 1
    assert [entry["label"] for entry in report["per_label"]] == TAGS
