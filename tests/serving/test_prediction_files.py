"""Predictions in a file, and a command that was interrupted on the way to it."""

import csv
import json
import os
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

import kser
from kser.errors import UserError
from kser.serving.prediction import Prediction, Unusable
from kser.serving.prediction_files import PredictionFile, checked_output, write_predictions
from kser.serving.recordings import recordings_at
from tests.experiment.evaluated_models import save_model

RESULTS = [
    Prediction("a.wav", 1.23456, "joy", 0.75, {"joy": 0.75, "fear": 0.25}, is_sure=True),
    Prediction("b, c.wav", 2.0, "fear", 0.6, {"joy": 0.4, "fear": 0.6}, is_sure=False, notes=("is quiet",)),
    Unusable("d.wav", "d.wav: audio file not found"),
]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return kser.load_model(save_model(tmp_path_factory.mktemp("model") / "model", "class"))


@pytest.fixture
def recordings(tmp_path) -> list[str]:
    rng = np.random.default_rng(0)
    paths = [str(tmp_path / f"{name}.wav") for name in "abcd"]
    for path in paths:
        sf.write(path, 0.1 * rng.normal(size=4000), 16000)
    return paths


def test_csv_has_a_row_for_each_recording(tmp_path):
    write_predictions(tmp_path / "x.csv", RESULTS)
    rows = list(csv.DictReader((tmp_path / "x.csv").read_text().splitlines()))
    assert [row["recording"] for row in rows] == ["a.wav", "b, c.wav", "d.wav"]
    assert rows[0] == {
        **{"recording": "a.wav", "duration_s": "1.235", "label": "joy", "probability": "0.75"},
        **{"is_sure": "yes", "p_joy": "0.75", "p_fear": "0.25", "notes": "", "error": ""},
    }
    assert rows[1]["is_sure"] == "no" and rows[1]["notes"] == "is quiet"
    assert rows[2]["error"] == "d.wav: audio file not found" and rows[2]["label"] == ""


def test_json_and_json_lines_say_the_same(tmp_path):
    write_predictions(tmp_path / "x.json", RESULTS)
    write_predictions(tmp_path / "x.jsonl", RESULTS)
    whole = json.loads((tmp_path / "x.json").read_text())
    assert whole == [json.loads(line) for line in (tmp_path / "x.jsonl").read_text().splitlines()]
    assert whole[0]["probabilities"] == {"joy": 0.75, "fear": 0.25}
    assert whole[2] == {"recording": "d.wav", "error": "d.wav: audio file not found"}


@pytest.mark.parametrize("name", ["x.txt", "x", "x.xlsx"])
def test_other_formats_are_refused(name):
    with pytest.raises(UserError, match=r"must end with \.csv, \.json, \.jsonl"):
        checked_output(name)


def test_what_was_interrupted_goes_on(model, recordings, tmp_path):
    path = tmp_path / "out" / "x.jsonl"
    whole = PredictionFile(tmp_path / "whole.jsonl", model)
    list(whole.add(model.predict_files(recordings)))
    whole.finish(recordings)
    interrupted = PredictionFile(path, model)
    kept = list(islice(interrupted.add(model.predict_files(recordings)), 2))
    with (path.parent / "x.jsonl.partial").open("a") as file:
        file.write('{"version": "half a li')  # the process was killed as it wrote
    assert not path.exists()
    again = PredictionFile(path, model)
    missing = [recording for recording in recordings if not again.known(recording)]
    assert missing == recordings[2:] and [each.recording for each in kept] == recordings[:2]
    list(again.add(model.predict_files(missing)))
    results = again.finish(recordings)
    assert [each.recording for each in results] == recordings
    assert [file.name for file in path.parent.iterdir()] == ["x.jsonl"]
    assert _said(path) == _said(tmp_path / "whole.jsonl")


@pytest.mark.parametrize("suffix", [".jsonl", pytest.param(".csv", marks=pytest.mark.thorough)])
def test_it_goes_on_from_any_byte_of_its_last_line(model, recordings, tmp_path, suffix):
    """A process may be killed as it writes, and the one that goes on too."""
    recordings[3] = str(
        Path(recordings[3]).rename(tmp_path / "ä\u2028, d.wav")
    )  # ends a line for str.splitlines
    said = {path: replace(RESULTS[1], recording=path) for path in recordings}
    path = tmp_path / "out" / f"x{suffix}"
    partial = path.with_name(f"{path.name}.partial")
    file = PredictionFile(path, model)
    list(file.add(iter(said.values())))
    written = partial.read_bytes()
    file.finish(recordings)
    expected = path.read_bytes()
    for end in range(written.rindex(b"\n", 0, -1) + 1, len(written) + 1):
        partial.write_bytes(written[:end])
        again = PredictionFile(path, model)
        missing = [recording for recording in recordings if not again.known(recording)]
        assert missing == (recordings[3:] if end < len(written) - 1 else [])
        list(again.add(said[recording] for recording in missing))
        last = PredictionFile(path, model)
        assert all(last.known(recording) for recording in recordings), written[:end]
        last.finish(recordings)
        assert path.read_bytes() == expected


def _said(path: Path) -> list:
    """Probabilities to four digits: recordings that are alone in a batch may differ in the last bits."""
    return [
        [f"{value:.4f}" for value in json.loads(line)["probabilities"].values()]
        for line in path.read_text().splitlines()
    ]


def test_a_file_that_changed_or_another_model_is_predicted_again(model, recordings, tmp_path):
    path = tmp_path / "x.csv"
    list(PredictionFile(path, model).add(model.predict_files(recordings)))
    assert PredictionFile(path, model).known(recordings[0])
    sf.write(recordings[0], np.ones(5000) * 0.1, 16000)
    again = PredictionFile(path, model)
    assert [again.known(recording) for recording in recordings] == [False, True, True, True]
    surer = kser.load_model(model.ensemble.folders[0], threshold=0.9)
    assert not any(PredictionFile(path, surer).known(recording) for recording in recordings)


def test_a_file_that_changes_meanwhile_is_kept_as_it_was_found(model, recordings, tmp_path):
    path = tmp_path / "x.csv"
    file = PredictionFile(path, model)
    assert not any(file.known(recording) for recording in recordings)
    list(islice(file.add(model.predict_files(recordings)), 4))
    sf.write(recordings[0], np.ones(5000) * 0.1, 16000)
    Path(recordings[1]).unlink()
    again = PredictionFile(path, model)
    assert [again.known(recording) for recording in recordings] == [False, False, True, True]
    assert [each.recording for each in file.finish(recordings)] == recordings


def test_a_name_that_is_no_text_is_one_line(tmp_path):
    try:
        (tmp_path / os.fsdecode(b"\xff.wav")).write_bytes(b"x")
    except OSError:
        pytest.skip("the file system takes no such name")
    for given in (tmp_path, tmp_path / "*.wav"):
        with pytest.raises(UserError, match=r"udcff\.wav: its name is not UTF-8; rename the file"):
            recordings_at([str(given)])
