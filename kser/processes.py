"""Processes that work for another one, and end with it."""

import multiprocessing
import os
import threading


def end_with_parent() -> None:
    """In a worker: do not outlive a parent that was killed, be it before the worker came to this.

    The system closes the parent's end of a pipe when it is no more, which is seen whenever one looks; the
    number of the parent would be that of another process by then. A signal at its death (Linux has one) would
    come when the thread ends that started the worker.
    """
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
