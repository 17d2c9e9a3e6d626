"""Whether a graph is traced that other runtimes will compute, which know fewer operations than Keras uses."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_is_exported: ContextVar[bool] = ContextVar("is_exported", default=False)


@contextmanager
def exported() -> Iterator[None]:
    """Graphs that are traced within this block hold only what ONNX has operations for."""
    token = _is_exported.set(True)
    try:
        yield
    finally:
        _is_exported.reset(token)


def is_exported() -> bool:
    """Whether this runs within `exported`: layers choose a form that computes the same values."""
    return _is_exported.get()
