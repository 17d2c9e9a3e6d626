"""Digests of files' bytes, found once: by this process, or by an earlier one of which the store knows."""

import hashlib
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from kser.audio.segments import Segment, file_of, segment_of
from kser.audio.sound_store import KnownDigest, SoundStore, file_state, store_path
from kser.files import content_digest

# A process that is killed loses no more than what so many files gave.
_KEPT_AT_ONCE = 1000
_UNKNOWN: KnownDigest = ("", "")


class KnownContents:
    """The digests of files, as long as these stay as they are. Threads may share it."""

    def __init__(self) -> None:
        self._known: dict[str, KnownDigest] = {}
        self._new: dict[str, KnownDigest] = {}
        self._lock = threading.Lock()

    @contextmanager
    def recalled(self, paths: Sequence[str]) -> Iterator[None]:
        """Recall at once what earlier processes know of recordings; afterwards, keep what is new."""
        self._recall([str(Path(file_of(path)).absolute()) for path in paths])
        try:
            yield
        finally:
            self._keep()

    def digest(self, path: str | Path) -> str:
        """See `kser.files.content_digest`.

        Raises:
            OSError: the file cannot be read.
        """
        file = str(Path(path).absolute())
        state = file_state(file)
        if file not in self._known:
            self._recall([file])
        known_state, digest = self._known[file]
        if state == known_state:
            return digest
        digest = content_digest(file)
        with self._lock:
            self._known[file] = self._new[file] = (state, digest)
            is_much = len(self._new) >= _KEPT_AT_ONCE
        if is_much:
            self._keep()
        return digest

    def _recall(self, files: Sequence[str]) -> None:
        unknown = [file for file in dict.fromkeys(files) if file not in self._known]
        self._known |= dict.fromkeys(unknown, _UNKNOWN) | SoundStore(store_path()).read_digests(unknown)

    def _keep(self) -> None:
        with self._lock:
            new, self._new = self._new, {}
        if new:
            SoundStore(store_path()).write_digests(new)


known_contents = KnownContents()
"""Those of this process."""


def recording_digest(path: str | Path) -> str:
    """Fingerprint of a recording, 32 hexadecimal digits: of the bytes of its file, and of which part it is.

    Raises:
        OSError: the file cannot be read.
    """
    segment = segment_of(path)
    if segment is None:
        return known_contents.digest(path)
    part = f"{known_contents.digest(segment.file)} {Segment('', segment.start_s, segment.end_s).name}"
    return hashlib.blake2b(part.encode(), digest_size=16).hexdigest()
