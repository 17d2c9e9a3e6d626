"""The exported model in a real browser says what kser says, and nothing leaves the page."""

import base64
import json
import re
import shutil
from importlib.util import find_spec

import numpy as np
import pytest
import soundfile as sf

import kser
from kser.serving.demo.page_app import site_app
from kser.serving.demo.page_files import checked_site
from kser.serving.demo.site import write_site
from kser.serving.model_audio import padded_length
from tests.browser import needs_browser, open_tab
from tests.experiment.evaluated_models import LABELS, save_model
from tests.serving.demo.served import served

pytestmark = [
    pytest.mark.thorough,
    needs_browser,
    pytest.mark.skipif(find_spec("tf2onnx") is None, reason="the extra export is not installed"),
]
RATE = 16_000
ENGINE = """
    (async () => {
      const { engineOf } = await import("./engines.js");
      const engine = engineOf({ ...(await (await fetch("model.json")).json()), ...%s });
      await engine.load(() => {});
      const answers = [];
      for (const waveform of %s) {
        const bytes = Uint8Array.from(atob(waveform), (letter) => letter.charCodeAt(0));
        answers.push(await engine.predict(new Float32Array(bytes.buffer)));
      }
      return answers;
    })()"""


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = save_model(tmp_path_factory.mktemp("model") / "model", "class and numbers")
    facts = json.loads((folder / "kser.json").read_text())
    facts["calibration"] = {"logits": {"temperature": 0.2, "threshold": 0.9}}
    (folder / "kser.json").write_text(json.dumps(facts))
    return folder


@pytest.fixture(scope="module")
def site(model, tmp_path_factory):
    folder = checked_site(tmp_path_factory.mktemp("site"))
    write_site(model, folder)
    return folder


@pytest.fixture(scope="module")
def tab(site, tmp_path_factory):
    with served(site_app(site)) as url, open_tab(tmp_path_factory.mktemp("browser")) as tab:
        tab.open(url)
        tab.wait_until("!document.getElementById('file').disabled")
        yield tab


@pytest.fixture(scope="module")
def waveforms():
    rng = np.random.default_rng(0)
    lengths = (4000, 16_001, 70_000, 300_000)
    return [(0.1 * rng.normal(size=length)).astype(np.float32) for length in lengths]


def said_in_browser(tab, waveforms, **facts):
    given = [base64.b64encode(waveform.tobytes()).decode() for waveform in waveforms]
    return tab.value(ENGINE % (json.dumps(facts), json.dumps(given)))


def test_it_says_what_kser_says_of_the_same_samples(tab, model, waveforms):
    ours = kser.load_model(model)
    for waveform, said in zip(waveforms, said_in_browser(tab, waveforms), strict=True):
        expected = ours.predict(waveform).as_json()
        assert said["probabilities"] == pytest.approx(expected["probabilities"], abs=1e-4)
        assert said["values"] == pytest.approx(expected["values"], rel=1e-4, abs=1e-4)
        assert (said["label"], said["is_sure"]) == (expected["label"], expected["is_sure"])
    assert not tab.complaints


def test_labels_from_a_probability_on_are_given(tab, waveforms):
    labels = {"answers": [{"kind": "labels", "names": LABELS}], "label_threshold": 0.25}
    (said,) = said_in_browser(tab, waveforms[:1], **labels)
    probabilities = said["probabilities"]
    assert said["labels"] == [name for name in LABELS if probabilities[name] >= 0.25]
    assert 0 < len(said["labels"]) < len(LABELS) and "label" not in said


def test_padding_that_counts_as_sound_is_kser_s(tab):
    lengths = [1, 2, 4095, 4096, 4097, 32_769, 100_000, 480_000, 960_000]
    given = tab.value(
        f'import("./engines.js").then(({{ paddedLength }}) => {json.dumps(lengths)}.map(paddedLength))'
    )
    assert given == [padded_length(length) for length in lengths]


def test_a_file_is_judged_and_nothing_is_sent(tab, model, tmp_path):
    sf.write(tmp_path / "voice.wav", 0.1 * np.random.default_rng(1).normal(size=2 * RATE), RATE)
    before = len(tab.requests)
    tab.choose_file("#file", tmp_path / "voice.wav")
    tab.wait_until("!document.getElementById('course-details').hidden")
    expected = kser.load_model(model).predict(tmp_path / "voice.wav")
    found = re.fullmatch(
        r"Not sure: (\w+), (\d+)%; .*", tab.value("document.getElementById('status').innerText")
    )
    assert found and found[1] == expected.label and not expected.is_sure
    assert abs(int(found[2]) - 100 * expected.probability) <= 1
    assert all(url.startswith("blob:") for _, url in tab.requests[before:])  # what it plays
    assert all(method == "GET" for method, _ in tab.requests)
    assert not tab.complaints


def test_a_model_that_is_no_model_is_one_line(site, tab, tmp_path_factory):
    broken = tmp_path_factory.mktemp("broken") / "site"
    shutil.copytree(site, broken)
    (broken / "model.onnx").write_bytes(b"no model")
    with served(site_app(broken)) as url:
        tab.open(url)
        tab.wait_until("!document.getElementById('message').hidden")
        message = tab.value("document.getElementById('message').textContent")
        assert message.startswith("The model could not be loaded: ")
        assert tab.value("document.getElementById('file').disabled")
