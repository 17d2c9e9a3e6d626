"""What trained models say of stretches of voice."""

import os

import numpy as np
import pytest
import soundfile as sf

import kser
from kser.errors import UserError
from kser.serving.prediction import Unusable
from kser.serving.predictor import Predictor
from kser.serving.segments import source
from kser.serving.segments.segment import SegmentedRecording
from kser.serving.segments.segmenting import segmented_files
from kser.serving.segments.settings import Voice, cutting_of
from tests.experiment.evaluated_models import LABELS, save_model

RATE = 16000


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Predictor:
    return kser.load_model(save_model(tmp_path_factory.mktemp("model") / "model", "class"))


@pytest.fixture(scope="module")
def call() -> np.ndarray:
    """A tone from 0.5 to 1 s, and one from 2 to 2.5 s."""
    waveform = np.zeros(3 * RATE, np.float32)
    for start in (0.5, 2.0):
        at = slice(round(start * RATE), round((start + 0.5) * RATE))
        waveform[at] = 0.3 * np.sin(np.arange(RATE // 2) * 0.1)
    return waveform


@pytest.fixture
def call_file(call, tmp_path) -> str:
    sf.write(tmp_path / "call.wav", call, RATE)
    return str(tmp_path / "call.wav")


def places(segments) -> list[tuple[float, float]]:
    return [(segment.start_s, segment.end_s) for segment in segments]


@pytest.mark.thorough
def test_each_stretch_is_judged_as_a_recording_of_its_own(model, call, call_file):
    segments = model.predict_segments(call_file)
    np.testing.assert_allclose(places(segments), [(0.5, 1.0), (2.0, 2.5)], atol=0.06)
    for segment in segments:
        alone = model.predict(call[round(segment.start_s * RATE) : round(segment.end_s * RATE)])
        assert segment.label in LABELS and segment.recording == call_file
        assert segment.probabilities == pytest.approx(alone.probabilities, abs=1e-3)  # 16 bits in the file


@pytest.mark.thorough
def test_files_and_arrays_are_cut_alike_whatever_the_blocks(model, call, call_file, monkeypatch):
    expected = places(model.predict_segments(call_file))
    monkeypatch.setattr("kser.audio.sndfile_decoding.SAMPLES_A_READ", 999)
    monkeypatch.setattr(source, "SAMPLES_A_BLOCK", 999)
    assert places(model.predict_segments(call_file)) == expected
    assert places(model.predict_segments(call)) == expected


@pytest.mark.thorough
def test_long_stretches_are_cut(model, call):
    segments = model.predict_segments(call, window_seconds=0.3)
    assert len(segments) >= 4 and all(segment.duration_s <= 0.3 for segment in segments)
    whole = model.predict_segments(call)
    assert sum(each.duration_s for each in segments) == pytest.approx(sum(each.duration_s for each in whole))


def test_where_nobody_speaks_there_are_no_segments(model):
    assert model.predict_segments(np.zeros(RATE)) == []
    recording = SegmentedRecording("x.wav", 1.0, ())
    assert recording.as_rows() == [
        {"recording": "x.wav", "start_s": 0.0, "end_s": 1.0, "notes": "no voice found"}
    ]


def test_files_that_cannot_be_read_are_named(model, call_file, tmp_path):
    none = str(tmp_path / "none.wav")
    done: list[float] = []
    bad, good = segmented_files(model, Voice(), [none, call_file], done.append)
    assert done[0] == 1 and done[-1] == 2 and done == sorted(done)
    assert bad == Unusable(none, f"{none}: audio file not found")
    assert good.duration_s == 3.0 and len(good.segments) == 2


def test_standard_input_is_decoded_twice_and_read_once(model, call, tmp_path, monkeypatch):
    sf.write(tmp_path / "call.flac", call, RATE)
    read_end, write_end = os.pipe()
    os.write(write_end, (tmp_path / "call.flac").read_bytes())
    os.close(write_end)
    with os.fdopen(read_end, "rb") as pipe:
        monkeypatch.setattr("sys.stdin", type("Stdin", (), {"buffer": pipe}))
        (result,) = segmented_files(model, Voice(), ["-"])
    assert result.recording == "-" and len(result.segments) == 2


@pytest.mark.parametrize("segments", ["voice", "windows"])
def test_channels_that_cancel_each_other_are_told(model, call, tmp_path, segments):
    sf.write(tmp_path / "x.wav", np.stack([call, -call], axis=1), RATE)
    with pytest.raises(UserError, match=r"x\.wav: its channels cancel each other"):
        model.predict_segments(tmp_path / "x.wav", segments)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (("speech", None, None), "segments: must be voice or windows, got speech"),
        (("voice", None, 1.0), "hop_seconds: only windows have one"),
        (("voice", -1.0, None), "window_seconds: must be above 0, got -1"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, says):
    with pytest.raises(UserError, match=says):
        cutting_of(*settings)


@pytest.mark.thorough
def test_what_a_model_does_to_recordings_it_does_to_segments(call, tmp_path):
    model = kser.load_model(save_model(tmp_path / "model", "class", loudness_lufs=-23.0, trim_db=30.0))
    (quiet,) = model.predict_windows(0.01 * call, window_seconds=3)
    (loud,) = model.predict_windows(call, window_seconds=3)
    assert quiet.probabilities == pytest.approx(loud.probabilities, abs=1e-5)


@pytest.mark.thorough
def test_segments_are_as_long_as_the_model_takes_recordings(call, tmp_path):
    folder = save_model(tmp_path / "model", "class", min_seconds=0.2, max_seconds=1.0)
    model = kser.load_model(folder)
    assert model.ensemble.heard_seconds == (0.2, 1.0)
    assert places(model.predict_windows(call))[:2] == [(0, 1), (0.5, 1.5)]
    with pytest.raises(UserError, match=r"window_seconds: must be at most 1, since .* got 2"):
        model.predict_segments(call, window_seconds=2)
    with pytest.raises(UserError, match=r"window_seconds: must be at least 0\.2, .* got 0\.1"):
        model.stream(RATE, window_seconds=0.1)


def test_of_stretches_that_are_too_short_for_the_model_nothing_is_said(call, tmp_path):
    model = kser.load_model(save_model(tmp_path / "model", "class", min_seconds=0.8))
    first, _ = model.predict_segments(call)
    assert first.is_empty and first.label is None
    assert first.notes[0].startswith("lasts 0.") and "less than min_seconds (0.8)" in first.notes[0]
