"""Evaluation CSVs written by hand: evaluated again, leaks, missing models, other names."""

import json
import shutil

import pandas as pd
import pytest

from kser.cli.study_display import StudyDisplay
from kser.corpora.metadata import read_metadata, write_metadata
from kser.errors import UserError
from kser.experiment.evaluating.evaluation_csv import COLUMNS, read_evaluation_csv
from kser.experiment.study.evaluation import evaluate
from tests.experiment.study.training import console

# What all of them share, a trained study, takes a minute or more.
pytestmark = pytest.mark.thorough


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
        evaluate(by_hand, **arguments)
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
    shown = console()
    evaluate(tmp_path / "leak.csv", progress=StudyDisplay(shown))
    assert "LEAK" in shown.export_text()
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
    with pytest.raises(UserError, match=r"gone on d: .*nowhere: folder not found"):
        evaluate(tmp_path / "two.csv")
    assert (tmp_path / "there" / "classification_report.json").is_file()


def test_the_summary_has_the_names_of_the_rows(trained, tmp_path):
    _, evaluation_csv = trained
    row = read_evaluation_csv(evaluation_csv)[0]
    cells = [str(row.model_path), str(row.eval_csv_path), str(row.eval_out_path)]
    (tmp_path / "renamed.csv").write_text(
        "\n".join(["\t".join(COLUMNS), "\t".join(["baseline", "acted", *cells])]) + "\n"
    )
    evaluate(tmp_path / "renamed.csv")
    summary = pd.read_csv(tmp_path / "summary" / "renamed" / "summary.csv")
    assert summary[["model_name", "dataset_name", "runs"]].to_numpy().tolist() == [["baseline", "acted", 1]]
