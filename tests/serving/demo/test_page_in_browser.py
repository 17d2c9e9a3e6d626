"""The page in a real browser, with a server whose model is made up; its screenshots are for people."""

import io
import threading

import numpy as np
import pytest
import soundfile as sf
from fastapi.responses import JSONResponse

from tests.browser import needs_browser, open_tab
from tests.serving.demo.served import ANGRY, FACTS, MadeUpModel, served

pytestmark = [pytest.mark.thorough, needs_browser]

RATE = 16_000
SEEN = "!document.getElementById('course-details').hidden"
READY = "!document.getElementById('file').disabled"
TEXT = "document.getElementById('{}').innerText"
NUMBERS = {"kind": "numbers", "names": ["arousal", "valence"]}
KINDS = {
    "class": (FACTS["answers"], ANGRY, "anger, 81%."),
    "unsure": (FACTS["answers"], ANGRY | {"is_sure": False}, "Not sure: anger, 81%."),
    "numbers": ([NUMBERS], {"values": {"arousal": 4.256, "valence": -0.5}}, "arousal 4.26; valence −0.5."),
    "both": (
        [*FACTS["answers"], NUMBERS],
        ANGRY | {"values": {"arousal": 4.2, "valence": 3.0}},
        "anger, 81%; arousal 4.2; valence 3.",
    ),
    "labels": (
        [{"kind": "labels", "names": ["loud", "sad"]}],
        {"labels": ["loud"], "probabilities": {"loud": 0.9, "sad": 0.004}},
        "loud.",
    ),
    "no label": (
        [{"kind": "labels", "names": ["loud", "sad"]}],
        {"labels": [], "probabilities": {"loud": 0.2, "sad": 0.004}},
        "none of the labels.",
    ),
}


@pytest.fixture(scope="module")
def tab(tmp_path_factory):
    """A browser whose microphone hears a tone of 440 Hz, again and again."""
    folder = tmp_path_factory.mktemp("browser")
    sf.write(folder / "tone.wav", 0.5 * np.sin(2 * np.pi * 440 * np.arange(48_000) / 48_000), 48_000)
    microphone = (
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-audio-capture={folder / 'tone.wav'}",
    )
    with open_tab(folder, *microphone) as tab:
        yield tab


@pytest.fixture
def recording(tmp_path):
    """Four seconds in which it grows louder."""
    samples = np.linspace(0, 0.5, 4 * RATE) * np.sin(2 * np.pi * 200 * np.arange(4 * RATE) / RATE)
    sf.write(tmp_path / "recording.wav", samples, RATE)
    return tmp_path / "recording.wav"


@pytest.mark.parametrize("kind", KINDS)
def test_it_says_what_each_kind_of_model_says(tab, recording, kind):
    answers, said, in_words = KINDS[kind]
    model = MadeUpModel(FACTS | {"answers": answers}, said)
    with served(model.app) as url:
        show(tab, url, recording)
        assert tab.value(TEXT.format("status")) == in_words
        rows = len(said.get("probabilities", {})) + len(said.get("values", {}))
        assert tab.value("document.querySelectorAll('#bars li').length") == rows
        assert tab.value("document.querySelectorAll('#chart .label').length") == rows + 1
        assert tab.value(TEXT.format("answer")).startswith("Not sure") is (kind == "unsure")
    assert not tab.complaints
    whole, *windows = [sf.read(io.BytesIO(upload)) for upload in model.uploads]
    np.testing.assert_allclose(whole[0], sf.read(recording)[0], atol=1 / 32_000)
    assert {(len(samples), rate) for samples, rate in windows} == {(RATE, RATE)} and len(windows) == 13


def show(tab, url, recording):
    """Open the page, choose a recording, and wait until all of it is judged."""
    tab.open(url)
    tab.wait_until(READY)
    tab.choose_file("#file", recording)
    tab.wait_until(SEEN)


def test_the_microphone_is_heard_as_it_is_at_the_models_rate(tab):
    model = MadeUpModel(FACTS, ANGRY)
    with served(model.app) as url:
        tab.open(url)
        tab.wait_until(READY)
        tab.click("#record")
        tab.wait_until("parseFloat(document.getElementById('time').textContent) >= 1.5")
        assert tab.value(TEXT.format("record")).strip() == "Stop"
        tab.click("#record")
        tab.wait_until(SEEN)
        assert tab.value(TEXT.format("record")).strip() == "Record"
    assert not tab.complaints
    samples, rate = sf.read(io.BytesIO(model.uploads[0]))
    assert rate == RATE and 1.4 < len(samples) / RATE < 4
    spectrum = np.abs(np.fft.rfft(samples[RATE // 2 : RATE // 2 + RATE // 2]))
    assert abs(2 * spectrum.argmax() - 440) <= 4


def test_pages_fit_phones_and_screens_light_and_dark(tab, recording, tmp_path):
    facts = FACTS | {"answers": [*FACTS["answers"], NUMBERS]}
    said = ANGRY | {"is_sure": False, "values": {"arousal": 4.2, "valence": 3.0}, "notes": ["is clipped"]}
    with served(MadeUpModel(facts, said).app) as url:
        tab.resize(360, 780)
        show(tab, url, recording)
        for width in (360, 1100):
            for scheme in ("light", "dark"):
                tab.resize(width, 900, scheme=scheme)
                assert tab.value("document.documentElement.scrollWidth") == width
                assert not tab.value(
                    "[...document.querySelectorAll('main *')].filter(each => "
                    f"each.getBoundingClientRect().right > {width} && !each.closest('details'))"
                    ".map(each => each.outerHTML)"
                )
                tab.screenshot(tmp_path / f"{width}_{scheme}.png")
                background = tab.value("getComputedStyle(document.body).backgroundColor")
                assert (background == "rgb(255, 255, 255)") == (scheme == "light")


def test_everything_has_a_name_and_can_be_reached_by_keyboard(tab, recording):
    with served(MadeUpModel(FACTS, ANGRY).app) as url:
        show(tab, url, recording)
        tree = tab.send("Accessibility.getFullAXTree")["nodes"]
        names = {
            (node["role"]["value"], node.get("name", {}).get("value", ""))
            for node in tree
            if not node["ignored"]
        }
        controls = {(role, name) for role, name in names if role in ("button", "slider")}
        assert {("button", "Record"), ("button", "Play"), ("slider", "Position in the recording")} <= controls
        assert all(name for _, name in controls)
        reached = []
        for _ in range(8):
            tab.press("Tab")
            reached.append(tab.value("document.activeElement.id || document.activeElement.className"))
        order = [name for name in reached if name in ("record", "file", "play", "seek")]
        assert order[:4] == ["record", "file", "play", "seek"]


def test_what_cannot_be_judged_is_one_line(tab, tmp_path, recording):
    model = MadeUpModel(FACTS, {"detail": "recording: is silent: every sample is 0"}, 422)
    sf.write(tmp_path / "silent.wav", np.zeros(RATE), RATE)
    sf.write(tmp_path / "short.wav", np.full(100, 0.1), RATE)
    (tmp_path / "text.wav").write_text("no sound")
    expected = {
        "silent.wav": "This is silent",
        "short.wav": "This is too short",
        "text.wav": "This file has no sound that the browser can decode",
        recording.name: "recording: is silent: every sample is 0",
    }
    with served(model.app) as url:
        tab.open(url)
        tab.wait_until(READY)
        for name, line in expected.items():
            tab.choose_file("#file", tmp_path / name)
            tab.wait_until(f"{TEXT.format('message')}.startsWith({line!r})")
            assert tab.value("document.getElementById('result').hidden")
    tab.choose_file("#file", recording)
    tab.wait_until(f"{TEXT.format('message')} === 'The server does not answer. Is it still running?'")
    tab.complaints.clear()  # the browser's own, of status 422 and of a server that is gone


def test_what_became_of_an_older_recording_does_not_take_the_place_of_a_newer_ones(tab, recording, tmp_path):
    """The first is refused after the second was answered."""
    sf.write(tmp_path / "older.wav", np.full(RATE, 0.1) * np.sin(np.arange(RATE)), RATE)
    older = threading.Event()
    model = MadeUpModel(FACTS, ANGRY)
    model.first = JSONResponse({"detail": "recording: is damaged"}, 422), older
    answered = (
        "performance.getEntriesByType('resource').filter(each => each.name.endsWith('/predict')).length"
    )
    with served(model.app) as url:
        tab.open(url)
        tab.wait_until(READY)
        tab.choose_file("#file", tmp_path / "older.wav")
        tab.wait_until(f"{TEXT.format('waiting-text')}.startsWith('Listening to older.wav')")
        tab.choose_file("#file", recording)
        tab.wait_until(SEEN)
        before = tab.value(answered)
        older.set()
        tab.wait_until(f"{answered} === {before + 1}")
        assert tab.value("document.getElementById('message').hidden")
        assert tab.value(TEXT.format("status")) == "anger, 81%."
    tab.complaints.clear()  # the browser's own, of status 422


def test_it_waits_for_a_server_that_gets_ready(tab):
    model = MadeUpModel(FACTS, ANGRY)
    model.health = [
        {"status": "warming up", "compiled": done, "to_compile": total} for done, total in ((0, 0), (3, 4))
    ]
    with served(model.app) as url:
        tab.open(url)
        tab.wait_until("document.getElementById('progress').position === -1")
        tab.wait_until("document.getElementById('progress').value === 0.75")
        assert tab.value("document.getElementById('record').disabled")
        tab.wait_until(READY)
        assert tab.value("document.getElementById('waiting').hidden")
        model.health = [{"status": "failed"}]
        tab.open(url)
        tab.wait_until(f'{TEXT.format("message")} === "The server\'s model failed; its log says why."')
    assert not tab.complaints


def test_names_from_a_model_are_text_and_never_markup(tab, recording):
    name = "<img src=x onerror=alert(1)>"
    answers = [{"kind": "class", "names": [name, "joy"]}]
    said = {"label": name, "probability": 0.7, "probabilities": {name: 0.7, "joy": 0.3}}
    facts = FACTS | {"answers": answers, "threshold": None, "trained_on": {"name": name}, "model": name}
    with served(MadeUpModel(facts, said).app) as url:
        show(tab, url, recording)
        assert tab.value("document.querySelectorAll('img').length") == 0
        assert tab.value(TEXT.format("answer")).startswith(name)
    assert not tab.complaints


def test_only_the_beginning_of_a_long_recording_is_judged(tab, recording):
    model = MadeUpModel(FACTS | {"maximum_samples": 3 * RATE}, ANGRY)
    with served(model.app) as url:
        show(tab, url, recording)
        assert tab.value(TEXT.format("notes")) == "Only the first 3 s are judged."
    assert len(sf.read(io.BytesIO(model.uploads[0]))[0]) == 3 * RATE
