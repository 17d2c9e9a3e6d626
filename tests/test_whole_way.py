"""From `kser train` to predictions, exported models, a server and a page, by the commands of docs/."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile as sf

from tests.browser import needs_browser, open_tab
from tests.page_output import assert_printed
from tests.pages import ROOT, blocks, page_blocks

LINES = [
    line.partition("    #")[0]
    for page in ("first_study", "predict", "export")
    for block in blocks(f"docs/{page}.md", "sh")
    for line in block.splitlines()
]
NEEDED = ("tf2onnx", "ai_edge_litert", "openvino", "fastapi", "uvicorn")
PATIENCE_S = 600
CALLS = ("10a02Wa", "10b02Na", "13a01Ac", "13a02Ta")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not all(map(find_spec, NEEDED)), reason="extras of kser are not installed"),
]


def lines(command: str) -> list[str]:
    """Those of the pages that are of one command of kser, or of another program."""
    return [line for line in LINES if line.startswith(command)]


def kser(line: str) -> list[str]:
    """A line of a page for this interpreter, whether or not kser is on the path."""
    return [sys.executable, "-c", "from kser.cli import main; main()", *line.split()[1:]]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder in which the quickstart ran, with a model and recordings by the names that the pages use."""
    folder = tmp_path_factory.mktemp("whole_way")
    (folder / "train.txt").write_text(call(folder, "kser train"))
    quickstart = folder / "kser_quickstart" / "results" / "quickstart"
    shutil.copytree(quickstart / "log_mel", folder / "results" / "mine" / "whisper")
    clips = sorted((folder / "kser_quickstart" / "corpus").rglob("*.wav"))
    (folder / "calls").mkdir()
    sounds = [sf.read(clip, dtype="float32") for clip in clips[:4]]
    for name, (samples, rate) in zip(CALLS, sounds, strict=True):
        sf.write(folder / "calls" / f"{name}.wav", samples, rate)
    sf.write(folder / "call.wav", *sounds[0])
    rate = sounds[0][1]
    pause = np.zeros(rate, np.float32)
    meeting = np.concatenate([part for samples, _ in sounds for part in (samples, pause)])
    sf.write(folder / "meeting.wav", meeting, rate)
    return folder


def shown(page: str) -> list[str]:
    """The output of commands that are run here, as a page shows it."""
    return [
        block.text
        for block in page_blocks(f"docs/{page}.md")
        if block.language == "text" and block.said.endswith(Path(__file__).name)
    ]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def call(folder: Path, line: str) -> str:
    done = subprocess.run(
        kser(line), cwd=folder, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@contextmanager
def running(folder: Path, line: str) -> Iterator[str]:
    """A command that serves until it is told to end, at a free port in the place of 8000; its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with subprocess.Popen([*kser(line), "--port", str(port)], cwd=folder, env=environment()) as process:
        try:
            yield f"http://127.0.0.1:{port}"
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
        finally:
            process.kill()


def loaded(url: str) -> bytes:
    """What is at an address, once it answers."""
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            with urllib.request.urlopen(url, timeout=60) as answer:
                return bytes(answer.read())
        except OSError:
            assert time.monotonic() < until, url
            time.sleep(1)


def test_the_pages_have_every_command():
    assert [len(lines(f"kser {name}")) for name in ("predict", "export", "serve", "demo")] == [6, 4, 1, 1]
    assert len(lines("curl")) == 1


def test_the_first_study_is_reported_and_predicts(trained):
    reported = call(trained, lines("kser report")[0])
    page = (trained / "kser_quickstart" / "results" / "quickstart" / "report.html").read_text(
        encoding="utf-8"
    )
    assert "wav2vec2_tiny" in page
    predicted = call(trained, lines("kser predict")[0])
    predictions = pd.read_csv(trained / "predictions.csv")
    assert len(predictions) == len(pd.read_csv(trained / lines("kser predict")[0].split()[3]))
    printed = (trained / "train.txt").read_text() + reported + predicted
    assert_printed("".join(shown("first_study")), printed, trained)


def test_recordings_are_predicted(trained):
    alone, together, written, voice, windows = (call(trained, line) for line in lines("kser predict")[1:])
    files = [(trained / name).read_text() for name in ("calls.csv", "meeting.rttm")]
    assert len(pd.read_csv(trained / "calls.csv")) == len(CALLS)
    assert (trained / "meeting.png").stat().st_size > 10_000
    printed = "".join([alone, together, written, voice, windows, *files])
    of_recordings, of_calls, _, of_voice, of_windows = shown("predict")
    assert_printed(of_recordings + of_calls + of_voice + of_windows, printed, trained)


def test_programs_predict(trained):
    """The Python of the page, with a chunk of sound as it would come."""
    chunk = "import numpy as np\nchunk = np.zeros(48_000, np.float32)\n"
    program = chunk + "".join(blocks("docs/predict.md", "python"))
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=trained,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) >= 5
    assert_printed(shown("predict")[2], done.stdout, trained)


def test_the_model_is_exported_to_four_formats(trained):
    said = [call(trained, line) for line in lines("kser export")]
    assert_printed(shown("export")[0], "".join(said), trained)
    for name in ("emotion/1/saved_model.pb", "emotion.onnx", "emotion.tflite", "emotion.xml", "emotion.bin"):
        assert (trained / name).stat().st_size > 1000, name


def test_the_model_is_served(trained):
    (serve,), (curl,) = lines("kser serve"), lines("curl")
    with running(trained, serve) as url:
        assert json.loads(loaded(f"{url}/health"))
        command = curl.replace("http://127.0.0.1:8000", url).split()
        answered = subprocess.run(command, cwd=trained, capture_output=True, text=True, check=True)
        prediction = json.loads(answered.stdout)
        assert prediction["label"] in prediction["probabilities"]


@needs_browser
def test_the_model_is_shown_in_a_browser(trained, tmp_path):
    (demo,) = lines("kser demo")
    with running(trained, demo) as url:
        labels = json.loads(loaded(f"{url}/model.json"))["answers"][0]["names"]
        with open_tab(tmp_path) as tab:
            tab.open(url)
            tab.choose_file("input[type=file]", trained / "call.wav")
            for label in labels:
                tab.wait_until(f"document.body.innerText.includes({label!r})")
            tab.wait_until("/\\d+ ?%/.test(document.body.innerText)")
            assert not tab.complaints
            assert all(address.startswith((url, "blob:", "data:")) for _, address in tab.requests)
    assert (trained / "site" / "index.html").is_file()
