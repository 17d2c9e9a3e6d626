"""`kser train` in a process of its own that can be killed, or that kills itself at a given point.

The processes are forked from one that has imported everything and computed nothing: what a start costs is
what it does.
"""

import multiprocessing
import os
import re
import shutil
import signal
import sys
import threading
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["kser.cli", "kser.experiment.config.loading", "kser.experiment.study.study"])


@dataclass(frozen=True)
class Point:
    """Where a process kills itself.

    Attributes:
        event: an audit event of Python: "os.rename" (as a draft takes its place), "shutil.rmtree" or
            "open" (to append).
        path: regular expression that the end of the path matches; of a renaming, of the new path.
        when: "before" the event; "after" it; "half": with what is written or removed half written or removed.
            "stop": before the event it stops, and prints "stopped here".
        times: how often it passes there before that, itself included.
    """

    event: str
    path: str
    when: str
    times: int = 1


def warm_up() -> None:
    """Have the process ready that the others are forked from."""
    process = _CONTEXT.Process(target=int)
    process.start()
    process.join()


def start(experiment: Path, point: Point | None = None) -> ForkServerProcess:
    """Start `kser train` on an experiment; what it prints is appended to `output.txt` beside that."""
    process = _CONTEXT.Process(target=_train, args=(experiment, point))
    process.start()
    return process


def _train(experiment: Path, point: Point | None) -> None:
    with (experiment.parent / "output.txt").open("ab") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    from kser.cli import main

    if point is not None:
        sys.addaudithook(_KillingHook(point))
    sys.argv = ["kser", "train", "--experiment_file", str(experiment)]
    main()


class _KillingHook:
    def __init__(self, point: Point):
        self.point = point
        self.left = point.times
        self.thread: int | None = None

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.thread is not None:
            # The event itself comes after its announcement, and before the next one of its thread.
            if self.thread == threading.get_ident():
                self.thread = None  # killing is an event too
                _kill()
        elif event == self.point.event and self._is_meant(arguments):
            self.left -= 1
            if self.left == 0:
                self._reach(arguments)

    def _is_meant(self, arguments: tuple[Any, ...]) -> bool:
        path = arguments[1 if self.point.event == "os.rename" else 0]
        appends = self.point.event != "open" or arguments[1] == "a"
        return (
            appends
            and not isinstance(path, int)
            and bool(re.search(f"{self.point.path}$", os.fsdecode(path)))
        )

    def _reach(self, arguments: tuple[Any, ...]) -> None:
        if self.point.when == "after":
            self.thread = threading.get_ident()
            return
        if self.point.when == "stop":
            print("stopped here", flush=True)
            os.kill(os.getpid(), signal.SIGSTOP)
            return
        if self.point.when == "half":
            path = Path(os.fsdecode(arguments[0]))
            if self.point.event == "open":
                path.write_bytes(path.read_bytes() + b"4,0.")
            else:
                halve(path)
        _kill()


def halve(path: Path) -> None:
    """Leave of a file its first half; of a folder half of the files, the last of them cut."""
    if path.is_file():
        os.truncate(path, path.stat().st_size // 2)
        return
    inside = sorted(path.iterdir())
    for further in inside[len(inside) // 2 + 1 :]:
        further.unlink() if further.is_file() else shutil.rmtree(further)
    halve(inside[len(inside) // 2])


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
