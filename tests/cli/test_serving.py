"""`kser serve`, from the command line to answers of a process of its own."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from kser import startup
from kser.errors import install_extra

MODEL = "results/study/tiny/seed_0/model"
REPOSITORY = Path(__file__).resolve().parents[2]
PROGRAM = "from kser.cli import main; main()"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["none", "--port", "0"], "none"),
        (["models", "--port", "0"], "models: holds no trained model"),
        ([MODEL, "--max-batch", "0"], "--max-batch: must be above 0, got 0"),
        ([MODEL, "--max-seconds", "nan"], "--max-seconds: must be above 0, got nan"),
        ([MODEL, "--port", "99999"], "--port 99999: must be from 0 to 65535"),
        ([MODEL, "--host", "300.0.0.1"], "--host 300.0.0.1 --port 8000: cannot be served at"),
        ([MODEL, "--threshold", "2", "--port", "0"], "threshold: must be from 0 to 1, got 2"),
    ],
)
def test_mistakes_are_one_line(run, trained, arguments, says):
    ended = run("serve", *arguments)
    (line,) = ended.lines
    assert ended.status == 2 and ended.out == "" and says in line


def test_an_address_in_use_is_one_line(run, trained):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        (line,) = run("serve", MODEL, "--port", taken.getsockname()[1]).lines
    assert "cannot be served at: Address already in use" in line


def test_a_missing_extra_is_one_line(run, trained, monkeypatch):
    monkeypatch.setattr(startup, "find_spec", lambda name: None if name == "uvicorn" else name)
    assert run("serve", MODEL).lines == [f"not installed: uvicorn; {install_extra('serve')}"]


@contextmanager
def serving(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A process that serves the trained model, and its port."""
    command = [sys.executable, "-c", PROGRAM, "serve", MODEL, "--port", "0", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            ready = next(line for line in process.stdout if line.startswith("ready"))
            yield process, int(ready.split("127.0.0.1:")[1].split(";")[0])
        finally:
            process.kill()


def posted(port: int, content: bytes) -> tuple[int, dict]:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.request("POST", "/predict", content)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())


@pytest.mark.thorough
def test_a_process_answers_many_at_once_and_all_who_wait_when_it_ends(trained):
    files = [path.read_bytes() for path in sorted(trained.glob("*.wav"))] * 4
    with serving("--max-seconds", "1") as (process, port), ThreadPoolExecutor(len(files)) as threads:
        answers = list(threads.map(lambda content: posted(port, content), files))
        assert {status for status, _ in answers} == {200}
        assert [said["probabilities"] for _, said in answers[8:16]] == [
            pytest.approx(said["probabilities"], abs=1e-5) for _, said in answers[:8]
        ]
        waiting = [threads.submit(posted, port, content) for content in files]
        while not any(each.done() for each in waiting):
            time.sleep(0.001)
        process.send_signal(signal.SIGTERM)
        ended = [each.exception() or each.result()[0] for each in waiting]
        assert process.wait(30) == 0
    # Those whose connection was not accepted yet find nobody; whoever was is answered.
    assert {status for status in ended if isinstance(status, int)} == {200}
    assert {type(error) for error in ended if not isinstance(error, int)} <= {
        ConnectionRefusedError,
        ConnectionResetError,
        http.client.RemoteDisconnected,
    }


@pytest.mark.thorough
def test_a_process_refuses_what_is_too_large_or_too_slow_and_goes_on(trained):
    content = (trained / "a_high.wav").read_bytes()
    with serving("--max-seconds", "1", "--max-megabytes", "1", "--max-waiting", "0.5") as (process, port):
        assert posted(port, bytes(30_000_000))[0] == 413
        with socket.create_connection(("127.0.0.1", port), timeout=30) as slow:
            slow.sendall(b"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\nRIFF")
            assert slow.recv(1000).startswith(b"HTTP/1.1 408 ")
        with socket.create_connection(("127.0.0.1", port), timeout=30) as rude:
            rude.sendall(b"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\nRIFF")
        assert posted(port, content)[0] == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
