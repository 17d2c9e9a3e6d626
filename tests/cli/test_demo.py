"""`kser demo`, from the command line to a page at an address, and to a site."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

from kser import startup
from kser.errors import install_extra
from tests.browser import BROWSER, open_tab

MODEL = "results/study/tiny/seed_0/model"
REPOSITORY = Path(__file__).resolve().parents[2]
PROGRAM = "from kser.cli import main; main()"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["none", "--port", "0"], "none"),
        (["models", "--port", "0"], "models: holds no trained model"),
        ([MODEL, "--port", "99999"], "--port 99999: must be from 0 to 65535"),
        ([MODEL, "--export-site", "models"], "models: exists and is no earlier site"),
        ([MODEL, "--export-site", "models", "--in-browser"], "models: exists and is no earlier site"),
        (["none", "--export-site", "new"], "none"),
    ],
)
def test_mistakes_are_one_line(run, trained, arguments, says):
    ended = run("demo", *arguments)
    (line,) = ended.lines
    assert ended.status == 2 and says in line
    assert not (trained / "new").exists()


def test_a_missing_extra_is_one_line(run, trained, monkeypatch):
    monkeypatch.setattr(startup, "find_spec", lambda name: None if name == "tf2onnx" else name)
    assert run("demo", MODEL).lines == [f"not installed: tf2onnx; {install_extra('demo')}"]


@contextmanager
def shown(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process that serves the page of the trained model, and its address."""
    command = [sys.executable, "-c", PROGRAM, "demo", MODEL, "--port", "0", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = next(line for line in process.stdout if line.startswith("open "))
            yield process, line.split()[1]
        finally:
            process.kill()


def loaded(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=60) as answer:
        return answer.read()


def judged(url: str, recording: Path, folder: Path) -> str:
    """What the page says of a recording, in words."""
    with open_tab(folder) as tab:
        tab.open(url)
        tab.wait_until("!document.getElementById('file').disabled")
        tab.choose_file("#file", recording)
        tab.wait_until("!document.getElementById('result').hidden")
        return tab.value("document.getElementById('status').textContent")


def predicted(run, recording: str, folder: Path) -> str:
    """What `kser predict` says of it, in the words of the page."""
    assert run("predict", MODEL, recording, "--output", folder / "said.json").status == 0
    (said,) = json.loads((folder / "said.json").read_text())
    unsure = "" if said.get("is_sure", True) else "Not sure: "
    return f"{unsure}{said['label']}, {100 * said['probability']:.0f}%."


@pytest.mark.thorough
def test_a_process_serves_the_page_until_it_is_told_to_end(run, trained, tmp_path):
    with shown() as (process, url):
        assert b"Classify your own voice" in loaded(url)
        facts = json.loads(loaded(f"{url}/model.json"))
        assert facts["engine"] == "server" and facts["answers"][0]["names"] == ["high", "low"]
        if BROWSER:
            said = judged(url, trained / "a_high.wav", tmp_path)
            assert said == predicted(run, "a_high.wav", tmp_path)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


@pytest.mark.thorough
@pytest.mark.skipif(find_spec("tf2onnx") is None, reason="the extra export is not installed")
def test_a_site_is_written_and_served_and_written_again(run, trained, tmp_path):
    with shown("--in-browser", "--export-site", str(tmp_path / "site")) as (process, url):
        assert json.loads(loaded(f"{url}/model.json"))["engine"] == "browser"
        for name in ("model.onnx", "onnxruntime_web/ort-wasm-simd-threaded.wasm"):
            assert loaded(f"{url}/{name}") == (tmp_path / "site" / name).read_bytes()
        if BROWSER:
            said = judged(url, trained / "a_high.wav", tmp_path)
            assert said == predicted(run, "a_high.wav", tmp_path)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    ended = run("demo", MODEL, "--export-site", tmp_path / "site")
    assert ended.status == 0 and "the page as files for any web host" in ended.out
    assert (tmp_path / "site/onnxruntime_web/LICENSE.txt").is_file()
