"""Scalars of TensorBoard event files, which the Hugging Face Trainer and PyTorch's SummaryWriter write.

TensorBoard's own reader of records reads them. (Its `EventFileLoader`, one level up, imports TensorFlow where
that is installed, and passes over damage in silence.)
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from kser.errors import UserError, install_extra


class Scalar(NamedTuple):
    """A value of a curve: update, name ("eval/uar") and number."""

    step: int
    tag: str
    value: float


class EventFileError(Exception):
    """The file is damaged or ends within a record; the scalars before that place are good."""


def read_scalars(path: Path) -> Iterator[Scalar]:
    """All scalars of an event file, in its order.

    Raises:
        EventFileError: after the scalars before it, at a record that is cut off or damaged.
        UserError: TensorBoard is not installed.
    """
    try:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.tensorflow_stub.errors import DataLossError, OutOfRangeError
        from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import PyRecordReader_New
    except ImportError:
        raise UserError(
            f"{path}: reading event files requires TensorBoard; {install_extra('tensorboard')}"
        ) from None
    from google.protobuf.message import DecodeError

    records = PyRecordReader_New(str(path))
    while True:
        try:
            records.GetNext()
            event = Event.FromString(records.record())
        except OutOfRangeError:
            return
        except (DataLossError, DecodeError) as error:
            raise EventFileError("cut off or damaged") from error
        for entry in event.summary.value:
            value = _number(entry)
            if value is not None:
                yield Scalar(event.step, entry.tag, value)


def _number(entry: Any) -> float | None:
    """The number of a `Summary.Value`; `None` for text, pictures and the like."""
    from tensorboard.util.tensor_util import make_ndarray

    match entry.WhichOneof("value"):
        case "simple_value":
            return float(entry.simple_value)
        case "tensor":  # as newer writers store scalars
            array = make_ndarray(entry.tensor)
            return float(array.item()) if array.size == 1 and array.dtype.kind == "f" else None
        case _:
            return None
