"""Event files with the scalars that a test needs."""

from tensorboardX.event_file_writer import EventsWriter
from tensorboardX.proto.event_pb2 import Event
from tensorboardX.proto.summary_pb2 import Summary


def write_events(path, scalars):
    """Write `(step, tag, value)` to an event file of that name; parent folders are created."""
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = EventsWriter(str(path.parent / "being_written"))
    for step, tag, value in scalars:
        summary = Summary(value=[Summary.Value(tag=tag, simple_value=value)])
        writer.write_event(Event(step=step, summary=summary))
    writer.close()
    (written,) = path.parent.glob("being_written.*")
    written.rename(path)
