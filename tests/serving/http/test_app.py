"""What the server answers to recordings, and to what is none."""

import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from fastapi import HTTPException
from starlette.testclient import TestClient

import kser
from kser.serving.http import service
from kser.serving.http.app import create_app
from kser.serving.http.limits import Limits
from kser.serving.http.recordings import decoded
from kser.serving.http.room import NoRoom, Room
from kser.serving.http.uploads import Upload
from tests.experiment.evaluated_models import LABELS, save_model
from tests.serving.http.served_models import LIMITS, RATE, encoded, encoded_with_av, noise, served
from tests.serving.http.written_files import opened_to_write

WAV = encoded(noise(0.5))


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    return {kind: save_model(folder / kind, kind) for kind in ("class", "numbers")}


@pytest.fixture(scope="module")
def predictor(models):
    return kser.load_model(models["class"], threshold=0.5)


@pytest.fixture(scope="module")
def client(predictor):
    with served(predictor) as client:
        yield client


def assert_one_line(answer, status: int, says: str) -> None:
    assert answer.status_code == status, answer.text
    assert list(answer.json()) == ["detail"]
    detail = answer.json()["detail"]
    assert says in detail and len(detail.splitlines()) == 1, detail


def test_a_body_and_a_form_get_what_predict_says(client, predictor):
    samples = noise(0.5)
    said = predictor.predict((samples, RATE)).as_json()
    of_body = client.post("/predict", content=WAV, headers={"content-type": "audio/wav"})
    of_form = client.post("/predict", files={"file": ("calls/one.wav", WAV, "audio/wav")})
    for answer, name in ((of_body, "recording"), (of_form, "one.wav")):
        assert answer.status_code == 200, answer.text
        given = answer.json()
        model = given.pop("model")
        assert model == {"name": "study", "fingerprints": ["0" * 16]}
        assert given["recording"] == name and given["label"] == said["label"]
        assert given["probabilities"] == pytest.approx(said["probabilities"], abs=1e-4)
        assert list(given) == list(said)


@pytest.mark.parametrize(
    "content_type", [None, "application/x-www-form-urlencoded", "text/plain", "video/webm"]
)
def test_the_content_decides_not_the_type(client, content_type):
    headers = {"content-type": content_type} if content_type else {}
    assert client.post("/predict", content=WAV, headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("content", "status", "says"),
    [
        (b"", 400, "recording: is empty (0 bytes)"),
        (b"no audio " * 100, 415, "its content is of no format known here"),
        (b"\x1f\x8b\x08" + bytes(1000), 415, "its content is of no format known here"),
        (WAV[:1000], 422, "is cut short"),
        (WAV[:20], 422, "recording: "),
        (encoded(np.zeros(8000)), 422, "is silent"),
        (encoded(np.array([0.1, 0.2] * 8)), 422, "is too short"),
        (encoded(np.array([0.1, np.nan] * 800), subtype="FLOAT"), 422, "NaN or infinite"),
        (encoded(noise(1.3)), 413, "recording: is longer than 1.2 s"),
        (encoded(np.zeros((400_000, 3)), 400_000), 413, "too many channels at too high a rate"),
        (bytes(4_000_001), 413, "the upload is larger than 4 MB"),
    ],
)
def test_what_is_no_recording_gets_one_line(client, content, status, says):
    assert_one_line(client.post("/predict", content=content), status, says)
    assert client.post("/predict", content=WAV).status_code == 200


def test_an_upload_of_unknown_length_is_refused_as_it_grows(client):
    sent = []

    def endless():
        for _ in range(10):
            sent.append(1)
            yield bytes(1_000_000)

    assert_one_line(client.post("/predict", content=endless()), 413, "larger than 4 MB")


FORM = {"content-type": "multipart/form-data; boundary=x"}


@pytest.mark.parametrize(
    ("content", "headers", "status", "says"),
    [
        (b"--x--\r\n", FORM, 400, "send the audio file in the field `file`: the form has none"),
        (
            b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\ntext\r\n--x--\r\n',
            FORM,
            400,
            "send the audio file in the field `file`: it holds text",
        ),
        (b"no form", FORM, 400, "the form cannot be read"),
        (b"", FORM, 400, "the form"),
        (
            b"--x\r\nContent-Disposition: form-data\r\n\r\n1\r\n--x--\r\n",
            FORM,
            400,
            "the form cannot be read",
        ),
        (
            b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\ntext\r\n--x--\r\n',
            {"content-type": "multipart/form-data; boundary=x; charset=undefined"},
            400,
            "the form cannot be read: its charset",
        ),
        (b"--x", {"content-type": "multipart/form-data"}, 400, "the form cannot be read: Missing boundary"),
        (
            b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n\r\n--x--\r\n',
            FORM,
            400,
            "a.wav: is empty (0 bytes)",
        ),
        (
            b'--x\r\nContent-Disposition: form-data; name="file"; filename="a\x1b"\r\n\r\ntext\r\n--x--\r\n',
            FORM,
            415,
            "a\\x1b: cannot be read as audio",
        ),
    ],
)
def test_wrong_forms_get_one_line(client, content, headers, status, says):
    assert_one_line(client.post("/predict", content=content, headers=headers), status, says)


def test_windows_are_those_of_predict_windows(client, predictor):
    samples = np.concatenate([noise(0.5), np.zeros(4000), noise(0.3, 1)])
    expected = predictor.predict_windows((samples, RATE), window_seconds=0.25, hop_seconds=0.125)
    asked = client.post("/predict?window_seconds=0.25&hop_seconds=0.125", content=encoded(samples))
    given = asked.json()["windows"]
    assert [(window["start_s"], window["end_s"]) for window in given] == [
        (pytest.approx(segment.start_s, abs=1e-3), pytest.approx(segment.end_s, abs=1e-3))
        for segment in expected
    ]
    assert [window.get("label") for window in given] == [segment.label for segment in expected]
    assert any("label" not in window and window["notes"] for window in given)
    for window, segment in zip(given, expected, strict=True):
        assert window.get("probabilities", {}) == pytest.approx(segment.probabilities, abs=1e-4)


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("hop_seconds=1", "hop_seconds: only with window_seconds"),
        ("window_seconds=x", "window_seconds: Input should be a valid number"),
        ("window_seconds=0", "window_seconds: must be above 0, got 0"),
        ("window_seconds=nan", "window_seconds: must be above 0, got nan"),
        ("window_seconds=1e308", "window_seconds: must be above 0 and at most 1e+06, got 1e+308"),
        ("window_seconds=0.001", "window_seconds: must be at least"),
        ("window_seconds=1&hop_seconds=2", "hop_seconds: must be from 0.01 to window_seconds"),
    ],
)
def test_wrong_windows_get_one_line(client, query, says):
    assert_one_line(client.post(f"/predict?{query}", content=WAV), 422, says)


def test_too_many_windows_get_one_line(client, predictor, monkeypatch):
    monkeypatch.setattr("kser.serving.http.over_time.windows_of", lambda *given: range(1001))
    says = "hop_seconds: would give 1001 windows, more than 1000"
    assert_one_line(client.post("/predict?window_seconds=0.25", content=WAV), 422, says)


def test_long_windows_that_overlap_much_get_one_line(client):
    says = "hop_seconds: would give windows of 18 s together, more than 9.6 s"
    query = "window_seconds=0.5&hop_seconds=0.01"
    assert_one_line(client.post(f"/predict?{query}", content=encoded(noise(0.85))), 422, says)
    assert client.post("/predict?window_seconds=0.5&hop_seconds=0.1", content=WAV).status_code == 200


def test_two_files_in_a_form_are_too_many(client):
    files = [("file", ("a.wav", WAV)), ("file", ("b.wav", WAV))]
    assert_one_line(client.post("/predict", files=files), 400, "Too many files")


def test_health_and_model_say_what_there_is(client, predictor):
    assert client.get("/health").json()["status"] == "ready"
    facts = client.get("/model").json()
    assert facts["outputs"] == {"logits": LABELS} and facts["sampling_rate"] == RATE
    assert facts["threshold"] == 0.5 and facts["limits"]["max_seconds"] == 1.2
    assert client.get("/nothing").status_code == 404
    assert client.get("/predict").status_code == 405


def test_the_description_needs_no_other_host(client):
    described = client.get("/openapi.json").json()
    assert set(described["paths"]) == {"/predict", "/health", "/model"}
    assert "multipart/form-data" in described["paths"]["/predict"]["post"]["requestBody"]["content"]
    assert {"200", "413", "415", "422", "429"} <= set(described["paths"]["/predict"]["post"]["responses"])
    assert client.get("/docs").status_code == 404


def test_metrics_count_requests_batches_and_audio(client):
    def value(name: str) -> float:
        lines = client.get("/metrics").text.splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith(f"{name} "))

    names = (
        'kser_requests_total{status="200"}',
        'kser_requests_total{status="415"}',
        "kser_request_seconds_count",
        "kser_batch_recordings_count",
        "kser_audio_seconds_total",
    )
    before = [value(name) for name in names]
    client.post("/predict", content=WAV)
    client.post("/predict", content=b"text")
    assert [value(name) - was for name, was in zip(names, before, strict=True)] == [1, 1, 1, 1, 0.5]
    assert value("kser_waiting_recordings") == 0


def test_a_regressor_gives_numbers(models):
    with served(kser.load_model(models["numbers"])) as client:
        given = client.post("/predict", content=WAV).json()
    assert set(given["values"]) == {"arousal", "valence"} and "label" not in given


def test_what_the_model_fails_on_is_one_line_and_the_next_is_answered(models, monkeypatch):
    predictor = kser.load_model(models["class"])
    with served(predictor) as client:
        with monkeypatch.context() as patch:
            patch.setattr(predictor, "predict_sounds", lambda sounds, places: 1 / 0)
            assert_one_line(client.post("/predict", content=WAV), 500, "the server failed")
        assert client.post("/predict", content=WAV).status_code == 200


def test_a_model_that_fails_before_any_recording_is_not_ready(models, monkeypatch, caplog):
    predictor = kser.load_model(models["class"])
    monkeypatch.setattr(predictor, "predict_sounds", lambda sounds, places: 1 / 0)
    with TestClient(create_app(predictor, LIMITS)) as client:
        while client.get("/health").json()["status"] == "warming up":
            pass
        assert client.get("/health").status_code == 503
        assert client.get("/health").json()["status"] == "failed"
        assert_one_line(client.post("/predict", content=WAV), 503, "the model is not ready: failed")
    assert "ZeroDivisionError" in caplog.text


def large_files() -> dict[str, bytes]:
    """Recordings that are answered, as many formats as decoders, some of them large, and a text."""
    stereo = np.stack([noise(1.15, seed, rate=192_000) for seed in range(2)], axis=1)
    files = {kind: encoded(stereo, 192_000, kind, subtype="PCM_24") for kind in ("WAV", "FLAC")}
    files["MP3"] = encoded(noise(0.5), RATE, "MP3")
    files["WebM"] = encoded_with_av(noise(0.5, rate=48_000), "webm", "libopus")
    files["M4A"] = encoded_with_av(noise(0.5, rate=48_000), "ipod", "aac")
    return {**files, "text": b"text" * 900_000}


def test_no_file_is_written(client, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    files = large_files()
    # Starlette puts what is larger than 1 MiB into a file.
    assert min(len(files[name]) for name in ("WAV", "FLAC", "text")) > 1 << 20
    with opened_to_write() as found:
        for name, content in files.items():
            for sent in ({"content": content}, {"files": {"file": (name, content)}}):
                answer = client.post("/predict", **sent)
                assert answer.status_code == (415 if name == "text" else 200), answer.text
    assert found == [] and not list(tmp_path.iterdir())
    with opened_to_write() as found, tempfile.TemporaryFile():
        assert found  # it would have been seen


class Held:
    """A model that waits while it is held."""

    def __init__(self, predictor, monkeypatch):
        self.begun, self.free = threading.Event(), threading.Event()
        say = predictor.predict_sounds

        def held(sounds, places):
            self.begun.set()
            assert self.free.wait(30)
            return say(sounds, places)

        monkeypatch.setattr(predictor, "predict_sounds", held)


@pytest.mark.parametrize("limits", [Limits(max_seconds=1, max_batch=1, max_requests=1), None])
def test_who_is_too_much_is_told_when_to_come_again(models, monkeypatch, limits):
    """Too many requests, or too much memory."""
    predictor = kser.load_model(models["class"])
    if limits is None:
        monkeypatch.setattr(service, "Room", lambda: Room(len(WAV) + 1000))
    with served(predictor, limits or LIMITS) as client, ThreadPoolExecutor(1) as thread:
        model = Held(predictor, monkeypatch)
        first = thread.submit(client.post, "/predict", content=WAV)
        assert model.begun.wait(30)
        refused = client.post("/predict", content=WAV)
        assert_one_line(refused, 429, "try again in 1 s")
        assert refused.headers["retry-after"] == "1"
        model.free.set()
        assert first.result().status_code == 200
        assert client.post("/predict", content=WAV).status_code == 200


def test_what_is_decoded_is_held_as_it_grows():
    """A small file of much silence: others leave no room for what becomes of it."""
    silent = encoded(np.zeros(200_000), kind="FLAC")
    room = Room(1_000_000)
    with room.share() as other, room.share() as share:
        other.hold(len(silent))
        share.hold(len(silent))
        with pytest.raises(NoRoom):
            decoded(Upload("silent", silent), 60, share)
        other.hold(0)
        with pytest.raises(HTTPException, match="is silent"):
            decoded(Upload("silent", silent), 60, share)
        assert share.bytes >= len(silent) + 4 * 200_000


def test_whose_turn_does_not_come_is_told_so(models, monkeypatch):
    predictor = kser.load_model(models["class"])
    limits = Limits(max_seconds=1, max_batch=1, max_waiting=0.1)
    with served(predictor, limits) as client, ThreadPoolExecutor(1) as thread:
        model = Held(predictor, monkeypatch)
        first = thread.submit(client.post, "/predict", content=WAV)
        assert model.begun.wait(30)
        assert_one_line(client.post("/predict", content=WAV), 429, "its turn did not come within 0.1 s")
        model.free.set()
        assert first.result().status_code == 200


@pytest.fixture
def held_at_windows(models, monkeypatch):
    """A model that waits at its second call, of windows; what it was asked for; `hold` has it begin."""
    predictor = kser.load_model(models["class"])
    asked, begun, free = [], threading.Event(), threading.Event()
    say = predictor.predict_sounds

    def held(sounds, **options):
        asked.append(sounds[0][0])
        if len(asked) == 2:
            begun.set()
            assert free.wait(30)
        return say(sounds, **options)

    def hold():
        monkeypatch.setattr(predictor, "predict_sounds", held)

    return predictor, hold, asked, begun, free


WINDOWS = "/predict?window_seconds=0.1&hop_seconds=0.02"


def test_windows_wait_no_longer_than_recordings(held_at_windows):
    predictor, hold, _, begun, free = held_at_windows
    limits = Limits(max_seconds=1, max_batch=1, max_waiting=0.3)
    with served(predictor, limits) as client, ThreadPoolExecutor(1) as thread:
        hold()
        first = thread.submit(client.post, WINDOWS, content=WAV)
        assert begun.wait(30)
        refused = client.post(WINDOWS, content=WAV)
        assert_one_line(refused, 429, "its turn did not come within 0.3 s")
        free.set()
        assert first.result().status_code == 200


def test_others_are_answered_between_the_windows_of_a_recording(held_at_windows):
    predictor, hold, asked, begun, free = held_at_windows
    with served(predictor) as client, ThreadPoolExecutor(2) as threads:
        hold()
        windows = threads.submit(client.post, WINDOWS, content=WAV)
        assert begun.wait(30)
        other = threads.submit(client.post, "/predict", files={"file": ("other.wav", WAV)})
        while "kser_waiting_recordings 1.0" not in client.get("/metrics").text:
            time.sleep(0.01)
        free.set()
        assert windows.result().status_code == other.result().status_code == 200
        assert len(windows.result().json()["windows"]) == 21
    assert asked.index("other.wav") == 2 and set(asked[3:]) == {"recording"}


@pytest.mark.parametrize("worth", [True, False])
def test_batches_are_compiled_where_they_pay(models, monkeypatch, worth):
    monkeypatch.setattr(service, "batches_pay", lambda predictor, places: worth)
    monkeypatch.setattr(service, "USUAL_BATCH", 2)
    with served(kser.load_model(models["class"]), Limits(max_seconds=0.5)) as client:
        assert client.get("/health").json()["to_compile"] == (4 if worth else 2)
