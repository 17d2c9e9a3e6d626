"""What a process of a Ray cluster does; imports little, so that Keras starts as kser's commands start it."""

import pickle
from typing import Any


def do_task(pickled: bytes, events: Any) -> Any:
    """Do a task.

    Args:
        pickled: the `Task`.
        events: a `RayEvents` actor.

    Returns:
        Its `RunResult`.
    """
    import ray

    _start()
    task = pickle.loads(pickled)
    return task.do(lambda event: ray.get(events.put.remote(event)))


def check_node(pickled: bytes) -> str:
    """What a machine of the cluster lacks of the places in a pickled `Task`, in lines; or nothing."""
    _start()
    from kser.errors import UserError

    try:
        pickle.loads(pickled).places.enter()
    except UserError as error:
        return str(error)
    return ""


class RayEvents:
    """Events on their way to the driver."""

    def __init__(self) -> None:
        self._events: list[Any] = []

    def put(self, event: Any) -> None:
        """Add an event."""
        self._events.append(event)

    def take(self) -> list[Any]:
        """All events since the last call."""
        taken, self._events = self._events, []
        return taken


def _start() -> None:
    from kser.startup import check_backend, import_keras

    check_backend()
    import_keras()
