"""Facts of recordings, found once: by this process, or by an earlier one of which the store knows."""

import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from kser.audio.decoding import Sound, decode
from kser.audio.sound_facts import SoundFacts
from kser.audio.sound_store import Known, SoundStore, file_state, store_path
from kser.errors import UserError
from kser.threads import in_threads

# A process that is killed loses no more than what so many files gave.
_KEPT_AT_ONCE = 1000


class KnownSounds:
    """What is known of files, as long as they stay as they are. Threads may share it."""

    def __init__(self) -> None:
        self._known: dict[str, Known] = {}
        self._new: dict[str, Known] = {}
        self._lock = threading.Lock()

    @contextmanager
    def recalled(self, paths: Sequence[str]) -> Iterator[None]:
        """Recall what earlier processes know of files; afterwards, keep what was found out meanwhile."""
        unknown = [path for path in dict.fromkeys(paths) if path not in self._known]
        self._known |= SoundStore(store_path()).read(unknown)
        try:
            yield
        finally:
            self._keep()

    def get(self, path: str) -> SoundFacts | None:
        """The facts of a file that is as it was when they were found, or `None`."""
        state, facts = self._known.get(path, ("", None))
        try:
            return facts if facts is not None and file_state(path) == state else None
        except (OSError, ValueError):
            return None

    def of(self, path: str) -> SoundFacts:
        """The facts of a file, which is decoded where they are not known.

        Raises:
            UserError: it cannot be decoded, see `kser.audio.decoding.decode`.
        """
        facts = self.get(path)
        return self.decode(path)[1] if facts is None else facts

    def decode(self, path: str) -> tuple[Sound, SoundFacts]:
        """Decode a file, and know its facts from now on.

        Raises:
            UserError: see `kser.audio.decoding.decode`.
        """
        try:
            state = file_state(path)
        except (OSError, ValueError):
            state = ""  # decoding it has the words for it
        sound = decode(path)
        facts = SoundFacts.of(sound)
        with self._lock:
            self._known[path] = self._new[path] = (state, facts)
            is_much = len(self._new) >= _KEPT_AT_ONCE
        if is_much:
            self._keep()
        return sound, facts

    def of_all(self, paths: Sequence[str]) -> Iterator[SoundFacts | UserError]:
        """The facts of files in their order, those to be decoded in threads; or why one cannot be decoded."""

        def found(path: str) -> SoundFacts | UserError:
            try:
                return self.of(path)
            except UserError as error:
                return error

        with self.recalled(paths):
            yield from in_threads(found, paths)

    def count_faults(self, paths: Iterable[str]) -> dict[str, int]:
        """How many of those files that were decoded before have each kind of fault; others are left out."""
        facts = [each for path in paths if (each := self.get(path)) is not None]
        return dict(Counter(fault.kind for each in facts for fault in each.faults))

    def _keep(self) -> None:
        with self._lock:
            new, self._new = self._new, {}
        if new:
            SoundStore(store_path()).write(new)


known_sounds = KnownSounds()
"""Those of this process."""


def check_usable(path: str | Path, facts: SoundFacts) -> None:
    """Raise a `UserError` that names the file where a recording cannot be used."""
    if facts.problem:
        raise UserError(f"{path}: {facts.problem}")
