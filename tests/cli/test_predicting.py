"""`kser predict`, from the command line to the table and the file."""

import csv
import json
import shutil

import pytest
import soundfile

MODEL = "results/study/tiny/seed_0/model"
VOICE = ("--segments", "voice")


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


@pytest.mark.thorough
def test_segments_are_shown_and_written(run, trained, tmp_path):
    windows = ["--segments", "windows", "--window-seconds", "0.1", "--hop-seconds", "0.05"]
    ended = run("predict", MODEL, "a_high.wav", *windows)
    assert ended.status == 0
    header, *lines = ended.out.splitlines()
    assert header.split()[:4] == ["recording", "start_s", "end_s", "label"]
    assert [line.split()[1:3] for line in lines] == [
        ["0.00", "0.10"], ["0.05", "0.15"], ["0.10", "0.20"], ["0.15", "0.25"]
    ]  # fmt: skip
    files = ["a_high.wav", "b_low.wav"]
    assert run("predict", MODEL, *files, *windows, "--output", tmp_path / "x.csv").status == 0
    assert len(list(csv.DictReader((tmp_path / "x.csv").read_text().splitlines()))) == 8
    assert run("predict", MODEL, *files, *windows, "--output", tmp_path / "x.rttm").status == 0
    assert len((tmp_path / "x.rttm").read_text().splitlines()) == 8


@pytest.mark.thorough
def test_a_figure_shows_one_recording(run, trained, tmp_path):
    ended = run("predict", MODEL, "a_high.wav", "--segments", "voice", "--figure", tmp_path / "x.svg")
    assert ended.status == 0 and f"{tmp_path / 'x.svg'}: a_high.wav over time" in ended.out
    assert "a_high.wav" in (tmp_path / "x.svg").read_text()


@pytest.mark.thorough
def test_where_nobody_speaks_is_told(run, trained, tmp_path):
    soundfile.write(tmp_path / "hum.wav", [0.001] * 8000, 16000)
    ended = run("predict", MODEL, tmp_path / "hum.wav", "--segments", "voice")
    assert ended.status == 0 and ended.out == "" and "hum.wav: no voice found" in ended.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["none", "a_high.wav"], "none"),
        (["models", "a_high.wav"], "models: holds no trained model"),
        ([MODEL, "models"], "models: no recordings in it"),
        ([MODEL, "x*.wav"], "x*.wav: no file has such a name"),
        ([MODEL, "a_high.wav", "--output", "x.txt"], "--output x.txt: must end with .csv, .json, .jsonl"),
        ([MODEL, "metadata.csv", "--output", "./metadata.csv"], "is the metadata that was given"),
        ([MODEL, "a_high.wav", "--threshold", "1.5"], "threshold: must be from 0 to 1, got 1.5"),
        ([MODEL, "metadata.csv", "--input-column", "sound"], "metadata.csv: "),
        ([MODEL, "a_high.wav", "--window-seconds", "2"], "--window-seconds 2.0: needs --segments"),
        ([MODEL, "a_high.wav", "--hop-seconds", "2"], "--hop-seconds 2.0: needs --segments"),
        ([MODEL, "a_high.wav", "--figure", "x.png"], "--figure x.png: needs --segments"),
        ([MODEL, "a_high.wav", "--output", "x.rttm"], "--output x.rttm: must end with .csv, .json, .jsonl"),
        ([MODEL, "a_high.wav", "--segments", "words"], "segments: must be voice or windows, got words"),
        ([MODEL, "a_high.wav", *VOICE, "--hop-seconds", "1"], "hop_seconds: only windows have one"),
        ([MODEL, "a_high.wav", *VOICE, "--figure", "x.pdf"], "--figure x.pdf: must end with .png, .svg"),
        ([MODEL, "a_high.wav", "b_low.wav", *VOICE, "--figure", "x.png"], "shows one recording, got 2"),
        ([MODEL, "-", *VOICE, "--figure", "x.png"], "--figure x.png: shows a file, not standard input"),
        ([MODEL, "a_high.wav", *VOICE, "--window-seconds", "0.001"], "window_seconds: must be at least 0."),
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
