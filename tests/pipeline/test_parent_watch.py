"""Worker processes do not outlive the process that they work for, whatever moment it is killed at."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

RATE = 16000
PROGRAM = """
import sys
from kser.audio.processing import AudioProcessing
from kser.pipeline.batch_plan import ShuffledBatches
from kser.pipeline.datasets import training_dataset
from kser.pipeline.reading import WaveformReader
from kser.pipeline.utterances import Utterances
from kser.pipeline.waveform_format import WaveformFormat

if __name__ == "__main__":
    format = WaveformFormat(sampling_rate=16000, do_normalize=True, mask_padding=True, minimum_samples=400)
    utterances = Utterances.from_files(sys.argv[1:], [0] * len(sys.argv[1:]), WaveformReader(format))
    batches = ShuffledBatches([1600] * len(utterances), [1600], 2, seed=0)
    batch = iter(training_dataset(utterances, batches, 0, 10**6, workers=2))
    print("starting", flush=True)
    while True:
        next(batch)
        print("a batch", flush=True)
"""

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")


@pytest.fixture
def parent(tmp_path: Path) -> Iterator[subprocess.Popen]:
    """A program that makes batches in two processes of its own, about to start them."""
    (tmp_path / "program.py").write_text(PROGRAM)
    files = []
    for number in range(4):
        files.append(str(tmp_path / f"{number}.wav"))
        sf.write(files[-1], 0.1 * np.random.default_rng(number).normal(size=1600), RATE)
    command = [sys.executable, str(tmp_path / "program.py"), *files]
    root = str(Path(__file__).resolve().parents[2])
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": root})
    assert process.stdout is not None
    assert process.stdout.readline() == b"starting\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def children(process: int) -> set[int]:
    """The processes that a process has started and that have not ended."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, started_by = stat.read_text().rpartition(")")[2].split()[:2]
        except OSError:  # ended meanwhile
            continue
        if int(started_by) == process and state != "Z":
            found.add(int(stat.parent.name))
    return found


def is_running(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def kill_when_there_are(parent: subprocess.Popen, number: int, later_s: float = 0.0) -> set[int]:
    """Kill it as soon as it has so many children, or a little later; returns these."""
    while len(started := children(parent.pid)) < number:
        assert parent.poll() is None
    time.sleep(later_s)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    return started


def assert_all_end(processes: set[int]) -> None:
    until = time.monotonic() + 120  # starting takes seconds, on a busy machine many
    while left := {process for process in processes if is_running(process)}:
        if time.monotonic() > until:
            for process in left:
                os.kill(process, signal.SIGKILL)
            pytest.fail(f"{len(left)} of {len(processes)} processes were left")
        time.sleep(0.05)


def test_at_work(parent: subprocess.Popen) -> None:
    assert parent.stdout is not None
    assert parent.stdout.readline() == b"a batch\n"
    started = kill_when_there_are(parent, 3)  # the workers, and what Python tracks shared memory with
    assert_all_end(started)


@pytest.mark.parametrize("later_s", [0.0, 0.3, 1.0])
def test_while_they_start(parent: subprocess.Popen, later_s: float) -> None:
    assert_all_end(kill_when_there_are(parent, 2, later_s))
