"""The page beside its model, as `kser demo` serves them."""

import io
import time

import numpy as np
import pytest
import soundfile as sf
from starlette.testclient import TestClient

import kser
from kser.serving.demo.model_app import model_app
from kser.serving.http.limits import Limits
from tests.experiment.evaluated_models import LABELS, save_model
from tests.serving.http.written_files import opened_to_write

RATE = 16_000


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    model = save_model(tmp_path_factory.mktemp("model") / "model", "class")
    with TestClient(model_app(kser.load_model(model), Limits(max_seconds=20, max_batch=1))) as client:
        while client.get("/health").json()["status"] != "ready":
            time.sleep(0.1)
        yield client


def wav(seconds: float) -> bytes:
    content = io.BytesIO()
    sf.write(content, 0.1 * np.random.default_rng(0).normal(size=round(seconds * RATE)), RATE, format="WAV")
    return content.getvalue()


@pytest.mark.thorough
def test_page_facts_and_answers_are_at_one_address(client):
    page = client.get("/")
    assert "Classify your own voice" in page.text
    assert page.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'")
    facts = client.get("/model.json").json()
    assert facts["engine"] == "server" and facts["answers"] == [{"kind": "class", "names": LABELS}]
    assert facts["maximum_samples"] == 20 * RATE
    assert client.get("/main.js").headers["content-type"] == "text/javascript"
    said = client.post("/predict", content=wav(1), headers={"Content-Type": "audio/wav"}).json()
    assert list(said["probabilities"]) == LABELS


@pytest.mark.thorough
def test_nothing_of_a_recording_is_written(client, tmp_path):
    recording = wav(19)
    client.post("/predict", content=recording)  # what is compiled for its length may be kept
    with opened_to_write() as written:
        for content in (recording, wav(0.5)):
            assert client.post("/predict", content=content).status_code == 200
        assert client.post("/predict", content=b"no sound").status_code == 415
        assert not written
        (tmp_path / "seen").write_text("")  # a file would be seen
        assert written
