"""Processes that train a run together, each on devices of its own.

All do the same, step by step; the first one also decides what depends on files that change, and is the only
one that writes. Every function here is called by all of them, in the same order. In a process by itself each
is what it would be without a group: `of_first` calls its function, `gathered` gives one value.

Values go by the store of JAX's coordination service, and need no device: one may wait for hours. Arrays go by
the devices' own network.
"""

import os
import pickle
import socket
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

import numpy as np

from kser.errors import UserError

Value = TypeVar("Value")

# The service takes messages of a few megabytes.
_LONGEST_VALUE = 1 << 20
_LOOKED_FOR_EVERY_S = 5
# As long others may take to fail as this process did; else they are within a step that needs it.
_FAILS_TOGETHER_WITHIN_S = 20
_ARRAYS_AT_ONCE = 1 << 26
_ENDED_STATUS = 1
_SHOWN_CHARACTERS = 160


@dataclass
class _Group:
    """Attributes: the store, this process's place, how many there are, and calls so far."""

    client: Any
    number: int
    count: int
    calls: int = 0

    def next_call(self) -> str:
        self.calls += 1
        return f"kser/{self.calls}"


@dataclass
class _Here:
    """Attributes: the group of this process, and whether it does something by itself at the moment."""

    group: _Group | None = None
    is_alone: bool = False


_here = _Here()


def enter(client: Any, number: int, count: int) -> None:
    """Make this process one of a group.

    Args:
        client: of JAX's coordination service.
        number: its place, from 0.
        count: how many there are.
    """
    _here.group = _Group(client, number, count)


def leave() -> None:
    """Make this process one by itself again."""
    _here.group = None


def has_entered() -> bool:
    """Whether this process is one of a group, whatever it does at the moment."""
    return _here.group is not None


def processes() -> int:
    """How many processes do together what this one does here and now."""
    group = _active()
    return 1 if group is None else group.count


def process_number() -> int:
    """The place of this process among `processes`, from 0."""
    group = _active()
    return 0 if group is None else group.number


def is_first() -> bool:
    """Whether this process is the one that writes."""
    return process_number() == 0


def of_first(function: Callable[[], Value]) -> Value:
    """What a function gives in the first process, where alone it is called, as if there were no others.

    Args:
        function: what it gives can be pickled.

    Raises:
        UserError: that of the first process.
    """
    group = _active()
    if group is None:
        return function()
    key = group.next_call()
    if group.number:
        value: Value = _open(pickle.loads(_get(group, key)))
        return value
    try:
        with _alone():
            value = function()
        said: tuple[Any, BaseException | None] = (value, None)
    except Exception as error:
        _put(group, key, pickle.dumps((None, _as_sent(error))))
        raise
    _put(group, key, pickle.dumps(said))
    return value


def gathered(value: Value) -> list[Value]:
    """The values of all processes, by their places; they can be pickled."""
    group = _active()
    if group is None:
        return [value]
    key = group.next_call()
    _put(group, f"{key}/{group.number}", pickle.dumps(value))
    return [pickle.loads(_get(group, f"{key}/{number}")) for number in range(group.count)]


@contextmanager
def agreed(in_step: bool = False) -> Iterator[None]:
    """What goes wrong within this block in one process does so in all.

    Args:
        in_step: whether processes wait for each other within the block. One that fails there by itself ends
            at once, and JAX ends those that wait for it.

    Raises:
        UserError: another process failed; says which, on which machine, and why.
    """
    group = _active()
    if group is None:
        yield
        return
    key = group.next_call()
    place = f"process {group.number} on {socket.gethostname()}"
    try:
        yield
    except Exception as error:
        _put(group, f"{key}/{group.number}", pickle.dumps((place, str(_as_sent(error)))))
        for number in range(group.count):
            if in_step and _get(group, f"{key}/{number}", _FAILS_TOGETHER_WITHIN_S) is None:
                _end(place, error)
        raise
    _put(group, f"{key}/{group.number}", pickle.dumps((place, None)))
    for number in range(group.count):
        where, failed = pickle.loads(_get(group, f"{key}/{number}"))
        if failed is not None:
            raise UserError("\n".join(f"{where}: {line}" for line in failed.splitlines()))


def arrays_of_first(load: Callable[[], Mapping[str, np.ndarray]]) -> Mapping[str, np.ndarray]:
    """What a function gives in the first process, where alone it is called: arrays, to the bit.

    Raises:
        UserError: that of the first process.
    """
    if _active() is None:
        return load()
    from jax.experimental import multihost_utils

    loaded: dict[str, np.ndarray] = {}

    def described() -> list[tuple[str, tuple[int, ...], str]]:
        loaded.update(load())
        return [(name, array.shape, array.dtype.str) for name, array in loaded.items()]

    description = of_first(described)
    sizes = [int(np.prod(shape, dtype=np.int64)) * np.dtype(kind).itemsize for _, shape, kind in description]
    # As bytes, for sums with zeros, by which they come, change the sign of a zero.
    content = np.zeros(sum(sizes), np.uint8)
    if is_first():
        content[:] = np.concatenate([np.frombuffer(array.tobytes(), np.uint8) for array in loaded.values()])
    for start in range(0, len(content), _ARRAYS_AT_ONCE):
        part = content[start : start + _ARRAYS_AT_ONCE]
        part[:] = multihost_utils.broadcast_one_to_all(part)
    ends = np.cumsum(sizes)
    return {
        name: np.frombuffer(content[end - size : end].tobytes(), kind).reshape(shape)
        for (name, shape, kind), size, end in zip(description, sizes, ends, strict=True)
    }


@contextmanager
def _alone() -> Iterator[None]:
    """Within this block the process does by itself what it does."""
    _here.is_alone = True
    try:
        yield
    finally:
        _here.is_alone = False


def _active() -> _Group | None:
    return None if _here.is_alone else _here.group


def _put(group: _Group, key: str, value: bytes) -> None:
    parts = [value[start : start + _LONGEST_VALUE] for start in range(0, len(value), _LONGEST_VALUE)]
    for number, part in enumerate(parts):
        group.client.key_value_set_bytes(f"{key}/part/{number}", part)
    group.client.key_value_set(f"{key}/parts", str(len(parts)))


def _get(group: _Group, key: str, timeout_s: float | None = None) -> Any:
    """The value of a key as bytes, as soon as there is one; `None` where it does not come in time."""
    waited_s = 0
    while True:
        try:
            parts = int(group.client.blocking_key_value_get(f"{key}/parts", _LOOKED_FOR_EVERY_S * 1000))
            break
        except Exception as error:
            if "DEADLINE_EXCEEDED" not in str(error):
                _end(f"process {group.number} on {socket.gethostname()}", error)
        waited_s += _LOOKED_FOR_EVERY_S
        if timeout_s is not None and waited_s >= timeout_s:
            return None
    return b"".join(
        group.client.blocking_key_value_get_bytes(f"{key}/part/{number}", _LOOKED_FOR_EVERY_S * 1000)
        for number in range(parts)
    )


def _as_sent(error: Exception) -> Exception:
    """An error that any process can read."""
    if isinstance(error, UserError):
        return UserError(str(error))
    return RuntimeError(f"{type(error).__name__}: {error}")


def _open(said: tuple[Any, Exception | None]) -> Any:
    value, error = said
    if error is not None:
        raise error
    return value


def _end(place: str, error: Exception) -> NoReturn:
    """End this process without waiting for others, which wait for it."""
    import jax

    why = str(_as_sent(error))
    if isinstance(error, jax.errors.JaxRuntimeError):
        why = f"another one was lost, or JAX failed: {' '.join(str(error).split())[-_SHOWN_CHARACTERS:]}"
    elif not isinstance(error, UserError):
        traceback.print_exception(error)
    sys.stdout.flush()
    print(f"kser: {place} has ended: {why}; the same command continues", file=sys.stderr, flush=True)
    os._exit(_ENDED_STATUS)
