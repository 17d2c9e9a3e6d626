"""`kser predict`, from the command line to the table and the file."""

import csv
import json
import shutil

import pytest

MODEL = "results/study/tiny/seed_0/model"


@pytest.mark.thorough
def test_files_are_shown_as_a_table(run, trained):
    ended = run("predict", MODEL, "a_high.wav", "b_low.wav")
    assert ended.status == 0
    header, *lines = ended.out.splitlines()
    assert header.split() == ["recording", "s", "label", "probability", "high", "low"]
    assert [line.split()[0] for line in lines] == ["a_high.wav", "b_low.wav"]
    for line in lines:
        _, seconds, label, probability, *rest = line.replace("not sure", "").split()
        assert seconds == "0.25" and label in ("high", "low")
        assert float(probability) == pytest.approx(max(map(float, rest)))


@pytest.mark.parametrize("given", [["."], ["*.wav"], ["metadata.csv"]])
def test_folders_patterns_and_metadata_name_all_recordings(run, trained, given, tmp_path):
    output = tmp_path / "x.csv"
    assert run("predict", MODEL, *given, "--output", output).status == 0
    rows = list(csv.DictReader(output.read_text().splitlines()))
    assert len(rows) == 8 and {row["label"] for row in rows} <= {"high", "low"}
    assert len({row["recording"] for row in rows}) == 8


@pytest.mark.thorough
def test_a_study_is_one_model(run, trained, tmp_path):
    of_model, of_study = tmp_path / "model.json", tmp_path / "study.json"
    assert run("predict", MODEL, "a_high.wav", "--output", of_model).status == 0
    assert run("predict", "results/study", "a_high.wav", "--output", of_study).status == 0
    (alone,), (together,) = json.loads(of_model.read_text()), json.loads(of_study.read_text())
    assert alone["probabilities"] == pytest.approx(together["probabilities"], abs=1e-6)


def test_bad_files_are_named_and_the_others_predicted(run, trained, tmp_path):
    (tmp_path / "bad.wav").write_text("no audio")
    output = tmp_path / "x.json"
    ended = run("predict", MODEL, tmp_path / "bad.wav", "a_high.wav", "none.wav", "--output", output)
    assert ended.status == 1
    assert "bad.wav: cannot be read as audio" in ended.err and "none.wav: audio file not found" in ended.err
    assert ["error" in each for each in json.loads(output.read_text())] == [True, False, True]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["none", "a_high.wav"], "none"),
        (["models", "a_high.wav"], "models: holds no trained model"),
        ([MODEL, "models"], "models: no recordings in it"),
        ([MODEL, "x*.wav"], "x*.wav: no file has such a name"),
        ([MODEL, "a_high.wav", "--output", "x.txt"], "--output x.txt: must end with .csv, .json, .jsonl"),
        ([MODEL, "a_high.wav", "--threshold", "1.5"], "threshold: must be from 0 to 1, got 1.5"),
        ([MODEL, "metadata.csv", "--input_column", "sound"], "metadata.csv: "),
    ],
)
def test_mistakes_are_one_line(run, trained, arguments, says):
    ended = run("predict", *arguments)
    assert ended.status == 2 and ended.out == ""
    assert says in ended.err and len(ended.err.splitlines()) == 1, ended.err


def test_the_model_may_be_moved(run, trained, tmp_path):
    shutil.copytree(trained / MODEL, tmp_path / "elsewhere")
    assert run("predict", tmp_path / "elsewhere", "a_high.wav").status == 0


def test_training_finds_temperature_and_threshold(run, trained):
    (found,) = json.loads((trained / MODEL / "kser.json").read_text())["calibration"].values()
    assert set(found) == {"n", "temperature", "threshold", "ece", "ece_scaled"} and found["n"] == 2
    (report,) = (trained / "results").glob("*/*/*/evaluation/*/classification_report.json")
    calibration = json.loads(report.read_text())["calibration"]
    assert calibration["temperature"] == found["temperature"] and 0 <= calibration["ece_scaled"] <= 1
