"""How much memory the recordings take that are received or waiting, all of them together."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

# A small upload may hold much sound: many are refused before they fill the memory.
ROOM_BYTES = 1 << 30


class NoRoom(Exception):  # noqa: N818 — it passes
    """What is there already leaves no room for a recording."""


class Room:
    """Counts what is held, by any thread.

    Args:
        most_bytes: at once; one recording is taken however large it is.
    """

    def __init__(self, most_bytes: int = ROOM_BYTES):
        self._most = most_bytes
        self._held = 0
        self._lock = threading.Lock()

    @contextmanager
    def share(self) -> Iterator["Share"]:
        """What one recording takes, until the end of the block."""
        share = Share(self)
        try:
            yield share
        finally:
            share.hold(0)

    def change(self, bytes_before: int, bytes_after: int) -> None:
        """Have a share take another amount.

        Raises:
            NoRoom: it takes more, and others leave too little.
        """
        with self._lock:
            others = self._held - bytes_before
            if bytes_after > bytes_before and others and others + bytes_after > self._most:
                raise NoRoom
            self._held = others + bytes_after


class Share:
    """What one recording takes.

    Attributes:
        bytes: now.
    """

    def __init__(self, room: Room):
        self._room = room
        self.bytes = 0

    def hold(self, bytes_now: int) -> None:
        """Take this much from now on, in place of what was taken.

        Raises:
            NoRoom: there is none.
        """
        self._room.change(self.bytes, bytes_now)
        self.bytes = bytes_now
