"""Segments in files: CSV, JSON, JSON lines, RTTM, and what was interrupted on the way to them."""

import csv
import json

import numpy as np
import pytest
import soundfile as sf

import kser
from kser.serving.prediction import Unusable
from kser.serving.prediction_files import PredictionFile, write_predictions
from kser.serving.segments.rttm import rttm_of
from kser.serving.segments.segment import Segment, SegmentedRecording
from kser.serving.segments.segmenting import segmented_files
from kser.serving.segments.settings import Voice, Windows
from tests.experiment.evaluated_models import save_model


def segment(recording: str, start_s: float, label: str, probability: float = 0.75, **fields) -> Segment:
    said = {"joy": 1 - probability, label: probability}
    return Segment(recording, 1.5, label, probability, said, start_s=start_s, end_s=start_s + 1.5, **fields)


CALL = SegmentedRecording(
    "calls/my call.wav",
    9.0,
    (
        segment("calls/my call.wav", 0.25, "cold anger", is_sure=False),
        Segment("calls/my call.wav", 1.5, notes=("silent",), start_s=4.0, end_s=5.5),
    ),
)
EMPTY = SegmentedRecording("calls/empty.wav", 2.0, ())
BAD = Unusable("calls/bad.wav", "calls/bad.wav: audio file not found")


def test_csv_has_a_row_for_each_segment(tmp_path):
    write_predictions(tmp_path / "x.csv", [CALL, EMPTY, BAD])
    first, second, empty, bad = csv.DictReader((tmp_path / "x.csv").read_text().splitlines())
    assert first == {
        **{"recording": "calls/my call.wav", "start_s": "0.25", "end_s": "1.75", "label": "cold anger"},
        **{"probability": "0.75", "is_sure": "no", "p_joy": "0.25", "p_cold anger": "0.75"},
        **{"notes": "", "error": ""},
    }
    assert (second["start_s"], second["label"], second["notes"]) == ("4.0", "", "silent")
    assert (empty["recording"], empty["end_s"], empty["notes"]) == (
        "calls/empty.wav",
        "2.0",
        "no voice found",
    )
    assert bad["error"] == BAD.reason and bad["start_s"] == ""


def test_json_and_json_lines_have_an_entry_for_each_segment(tmp_path):
    write_predictions(tmp_path / "x.json", [CALL, EMPTY, BAD])
    write_predictions(tmp_path / "x.jsonl", [CALL, EMPTY, BAD])
    whole = json.loads((tmp_path / "x.json").read_text())
    assert whole == [json.loads(line) for line in (tmp_path / "x.jsonl").read_text().splitlines()]
    assert whole[0]["start_s"] == 0.25 and whole[0]["probabilities"] == {"joy": 0.25, "cold anger": 0.75}
    assert whole[1]["notes"] == ["silent"] and "label" not in whole[1]
    assert whole[2]["notes"] == ["no voice found"] and "error" in whole[3]


def test_rttm_has_a_line_of_ten_fields_for_each_label(tmp_path):
    write_predictions(tmp_path / "x.rttm", [CALL, EMPTY, BAD])
    (line,) = (tmp_path / "x.rttm").read_text().splitlines()
    assert line == "SPEAKER my_call 1 0.250 1.500 <NA> <NA> cold_anger 0.750 <NA>"
    assert len(line.split()) == 10


def test_rttm_tells_files_of_one_name_apart():
    recordings = [
        SegmentedRecording(path, 2.0, (segment(path, 0.0, "fear"),)) for path in ("a/x.wav", "b/x.wav")
    ]
    assert [line.split()[1] for line in rttm_of(recordings).splitlines()] == ["a/x.wav", "b/x.wav"]


def test_rttm_has_each_label_of_a_tagger():
    tags = Segment(
        "x.wav", 1.0, probabilities={"loud": 0.9, "sad": 0.6}, labels=("loud", "sad"), start_s=1.0, end_s=2.0
    )
    lines = rttm_of([SegmentedRecording("x.wav", 2.0, (tags,))]).splitlines()
    assert [line.split()[7:9] for line in lines] == [["loud", "0.900"], ["sad", "0.600"]]


@pytest.mark.parametrize("cutting", [Windows(0.5), Voice(0.5)])
def test_how_far_it_is_comes_batch_by_batch(tmp_path, cutting):
    model = kser.load_model(save_model(tmp_path / "model", "class"))
    paths = [str(tmp_path / f"{name}.wav") for name in "ab"]
    for path in paths:
        loudness = np.repeat([0.1, 0.0001], 16000)
        sf.write(path, loudness * np.random.default_rng(0).normal(size=32000), 16000)
    reports = []
    list(segmented_files(model, cutting, paths, reports.append))
    assert reports == sorted(reports)
    assert 0 < reports[0] <= 1 < reports[-1] <= 2


@pytest.mark.thorough
def test_what_was_interrupted_goes_on_with_the_same_segments(tmp_path):
    model = kser.load_model(save_model(tmp_path / "model", "class"))
    paths = [str(tmp_path / f"{name}.wav") for name in "ab"]
    for path in paths:
        sf.write(path, 0.1 * np.random.default_rng(0).normal(size=16000), 16000)
    windows, path = Windows(0.5), tmp_path / "x.csv"
    interrupted = PredictionFile(path, model, repr(windows))
    kept = next(interrupted.add(segmented_files(model, windows, paths)))
    again = PredictionFile(path, model, repr(windows))
    assert [again.known(each) for each in paths] == [True, False]
    assert not PredictionFile(path, model, repr(Windows(0.4))).known(paths[0])
    assert not PredictionFile(path, model).known(paths[0])
    list(again.add(segmented_files(model, windows, paths[1:])))
    first, second = again.finish(paths)
    assert first == kept and len(second.segments) == 3
    assert len(path.read_text().splitlines()) == 1 + 3 + 3
