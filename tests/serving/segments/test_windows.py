"""What trained models say of the windows of a recording, whole and as a stream."""

from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import kser
from kser.errors import UserError
from kser.serving.predictor import Predictor
from tests.experiment.evaluated_models import DIMENSIONS, LABELS, save_model

RATE = 16000


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Predictor:
    return kser.load_model(save_model(tmp_path_factory.mktemp("model") / "model", "class"))


@pytest.fixture(scope="module")
def noise() -> np.ndarray:
    """1.3 s whose loudness and pitch change."""
    rng = np.random.default_rng(0)
    time = np.arange(round(1.3 * RATE)) / RATE
    return (0.1 * rng.normal(size=len(time)) * (1 + np.sin(9 * time)) + 0.2 * np.sin(2000 * time**2)).astype(
        np.float32
    )


def said(segments) -> np.ndarray:
    return np.array([list(segment.probabilities.values()) for segment in segments])


@pytest.mark.thorough
def test_each_window_is_judged_as_a_recording_of_its_own(model, noise):
    segments = model.predict_windows(noise, window_seconds=0.5, hop_seconds=0.25)
    assert [(segment.start_s, segment.end_s) for segment in segments] == [
        (0, 0.5), (0.25, 0.75), (0.5, 1), (0.75, 1.25), (0.8, 1.3)
    ]  # fmt: skip
    alone = model.predict([noise[round(s.start_s * RATE) : round(s.end_s * RATE)] for s in segments])
    np.testing.assert_allclose(said(segments), said(alone), atol=1e-5)
    assert [segment.label for segment in segments] == [each.label for each in alone]
    assert list(segments[0].probabilities) == LABELS and segments[0].duration_s == 0.5


@pytest.mark.thorough
@pytest.mark.parametrize("rate", [16000, 44100])
def test_files_arrays_and_streams_say_the_same(model, noise, tmp_path, rate):
    sf.write(tmp_path / "x.wav", np.stack([noise, noise[::-1]], axis=1), rate, subtype="FLOAT")
    stereo, _ = sf.read(tmp_path / "x.wav", dtype="float32")
    windows = {"window_seconds": 0.2, "hop_seconds": 0.1}
    of_file = model.predict_windows(tmp_path / "x.wav", **windows)
    of_array = model.predict_windows((stereo, rate), **windows)
    stream = model.stream(rate, **windows)
    of_stream = stream.feed(stereo[:5000]) + stream.feed(stereo[5000:]) + stream.close()
    assert of_file[0].recording == str(tmp_path / "x.wav") and of_stream[0].recording == "recording"
    for others in (of_array, of_stream):
        assert [each.start_s for each in others] == [each.start_s for each in of_file]
        np.testing.assert_allclose(said(others), said(of_file), atol=1e-5)


@pytest.mark.thorough
@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lengths=st.lists(st.integers(0, 9000), max_size=6), rate=st.sampled_from([8000, 16000, 22050]))
def test_a_stream_says_what_the_whole_does_whatever_the_chunks(model, noise, lengths, rate):
    windows = {"window_seconds": 0.25, "hop_seconds": 0.11}
    whole = model.predict_windows((noise, rate), **windows)
    stream = model.stream(rate, **windows)
    segments = [s for chunk in np.split(noise, np.cumsum(lengths)) for s in stream.feed(chunk)]
    segments += stream.close()
    assert [(s.start_s, s.end_s) for s in segments] == [(s.start_s, s.end_s) for s in whole]
    np.testing.assert_allclose(said(segments), said(whole), atol=1e-5)


@pytest.mark.thorough
def test_a_window_is_said_as_soon_as_it_is_there(model, noise):
    stream = model.stream(RATE, window_seconds=0.5, hop_seconds=0.5)
    assert stream.feed(noise[:7999]) == []
    (segment,) = stream.feed(noise[7999:8000])
    assert (segment.start_s, segment.end_s) == (0, 0.5)
    assert stream.feed(noise[:0]) == []
    assert stream.close() == [] and stream.close() == []
    with pytest.raises(UserError, match="the stream is closed"):
        stream.feed(noise)


def test_batches_of_long_windows_have_few_places(model, monkeypatch):
    places = []
    body = model.ensemble.first.body
    say = body.predict_on_batch

    def seen(inputs):
        places.append(len(inputs["waveform"]))
        return say(inputs)

    monkeypatch.setattr(body, "predict_on_batch", seen)
    for window_s in (0.5, 30, 100):
        noise = 0.1 * np.random.default_rng(0).normal(size=round((window_s + 1) * RATE))
        model.predict_windows(noise, window_seconds=window_s, hop_seconds=window_s)
    assert places == [8, 2, 1, 1]


def test_what_is_shorter_than_a_window_is_one(model, noise):
    (segment,) = model.predict_windows(noise[:4000])
    assert (segment.start_s, segment.end_s) == (0, 0.25)


def test_of_silence_nothing_is_said(model, noise):
    silent = np.concatenate([noise[:8000], np.zeros(8000, np.float32)])
    first, second = model.predict_windows(silent, window_seconds=0.5, hop_seconds=0.5)
    assert first.label in LABELS and not first.is_empty
    assert second.label is None and second.is_empty and second.notes == ("silent",)
    assert second.as_row() == {"recording": "recording", "start_s": 0.5, "end_s": 1.0, "notes": "silent"}


@pytest.mark.thorough
def test_numbers_are_said_of_windows(noise, tmp_path):
    model = kser.load_model(save_model(tmp_path / "model", "numbers"))
    segments = model.predict_windows(noise, window_seconds=0.5)
    assert [list(segment.values) for segment in segments] == [DIMENSIONS] * 5
    assert segments[1].as_json()["start_s"] == 0.25


@pytest.mark.parametrize(
    ("windows", "says"),
    [
        ({"window_seconds": 0}, "window_seconds: must be above 0, got 0"),
        ({"window_seconds": float("nan")}, "window_seconds: must be above 0, got nan"),
        ({"window_seconds": 0.001}, "window_seconds: must be at least 0.004"),
        (
            {"window_seconds": 1, "hop_seconds": 2},
            "hop_seconds: must be from 0.01 to window_seconds, 1, got 2",
        ),
        ({"hop_seconds": 0}, "hop_seconds: must be from 0.01 to window_seconds, got 0"),
    ],
)
def test_windows_that_cannot_be_are_refused(model, noise, windows, says):
    with pytest.raises(UserError) as error:
        model.predict_windows(noise, **windows)
    assert says in str(error.value)


@pytest.mark.parametrize(
    ("rate", "chunk", "says"),
    [
        (0, np.ones(10), "rate: its sampling rate must be a whole number"),
        (RATE, np.array([np.inf]), "has samples that are NaN or infinite"),
        (RATE, np.ones((2, 2, 2)), "must be (samples,) or (samples, channels)"),
        (RATE, "x.wav", "is neither a file nor an array"),
    ],
)
def test_chunks_that_are_no_sound_are_one_line(model, rate, chunk, says):
    with pytest.raises(UserError) as error:
        model.stream(rate).feed(chunk)
    assert says in str(error.value)


def test_the_number_of_channels_may_not_change(model):
    stream = model.stream(RATE)
    stream.feed(np.ones((10, 2)))
    with pytest.raises(UserError, match="must all have 2 channels, as the first one, got 1"):
        stream.feed(np.ones(10))


def test_a_damaged_end_leaves_no_segments(model, tmp_path):
    samples = np.full(32000, 0.1, np.float32)
    samples[-1] = np.nan
    path = Path(tmp_path / "x.wav")
    sf.write(path, samples, RATE, subtype="FLOAT")
    with pytest.raises(UserError, match=r"x\.wav: has samples that are NaN"):
        model.predict_windows(path, window_seconds=0.5)
