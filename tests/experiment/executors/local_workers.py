"""Training a study in two worker processes, and finding them."""

import os
from contextlib import suppress
from pathlib import Path

import kser


def train(experiment, listener=None):
    return kser.Experiment(experiment, progress=listener).run(executor=kser.LocalExecutor(workers=2))


def workers() -> list[int]:
    """The worker processes of this one."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
            command = (stat.parent / "cmdline").read_bytes().split(b"\0")
            if parent == os.getpid() and b"worker" in command:
                found.append(int(stat.parent.name))
    return found
