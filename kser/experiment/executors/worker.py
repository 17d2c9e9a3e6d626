"""What a worker process on this machine does: one task after the other, as its driver hands them out."""

import os
import signal
import threading
from contextlib import suppress
from multiprocessing.connection import Connection
from queue import SimpleQueue

from kser.experiment.executors.task import Task
from kser.experiment.study.events import Event
from kser.experiment.study.results import RunResult


def serve(connection: Connection) -> None:
    """Do tasks until the driver closes the connection, or has died; a run that is being done ends then.

    Args:
        connection: gives tasks, and takes their events and, last, the result of each.
    """
    # A shell that starts a command in the background has it ignore this signal.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    tasks = _Tasks(connection)

    def send(said: Event | RunResult) -> None:
        with suppress(OSError):  # the driver is gone, and the interruption on its way
            connection.send(said)

    with suppress(KeyboardInterrupt):
        while (task := tasks.next()) is not None:
            send(task.do(send))


class _Tasks:
    """The tasks that come by a connection; its end interrupts the main thread as Ctrl-C does."""

    def __init__(self, connection: Connection):
        self._connection = connection
        self._tasks: SimpleQueue[Task | None] = SimpleQueue()
        threading.Thread(target=self._receive, daemon=True).start()

    def next(self) -> Task | None:
        """The next task; `None` where no further one will come."""
        return self._tasks.get()

    def _receive(self) -> None:
        with suppress(EOFError, OSError):
            while True:
                self._tasks.put(self._connection.recv())
        self._tasks.put(None)
        os.kill(os.getpid(), signal.SIGINT)
