"""Reading the pickles inside PyTorch files without executing anything in them.

A pickle is a program for a small stack machine, and Python's own machine calls whatever the program names.
The machine here knows the instructions of plain data and a few names of PyTorch's; what these stand for it
makes itself, as descriptions of tensors. Anything else is refused by name.

Source: the instructions in CPython's `pickletools`, which also splits the bytes into them; the arguments of
the rebuilding functions in `torch/_utils.py`, the persistent ids in `torch/serialization.py`.
"""

import pickletools
import struct
from collections.abc import Callable
from dataclasses import dataclass
from mmap import mmap
from typing import IO, Any, cast

# Thousands of tensors take less than a megabyte; the bound keeps a hostile file from taking time and memory.
MAX_PICKLE_BYTES = 8 * 2**20
_MAX_LINE_BYTES = 256
_MAX_AXES = 32
_MAX_PROTOCOL = 5


class PickleError(Exception):
    """The pickle is damaged, or asks for something that is not part of a tensor; the text says which."""


@dataclass(frozen=True)
class StorageType:
    """A kind of storage: the NumPy name of its elements' type and their size in bytes."""

    dtype: str
    itemsize: int


@dataclass(frozen=True)
class Storage:
    """`numel` elements, from element `first` on, of the storage that the file keeps under `key`."""

    key: str
    type: StorageType
    numel: int
    first: int = 0


@dataclass(frozen=True)
class TensorReference:
    """Where a tensor's elements are in a storage; all of them lie inside it.

    Args:
        storage: the storage, which other tensors may share.
        offset: its first element, counted in elements.
        shape: number of elements along each axis.
        strides: distance of neighbours along each axis, in elements; 0 repeats one element.
    """

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class PickleStream:
    """The bytes of a buffer, as `pickletools` reads them; at most as many as a pickle may have."""

    def __init__(self, buffer: bytes | mmap, start: int, stop: int):
        self._bytes = memoryview(buffer)
        self._position = start
        self._stop = stop
        self._limit = start + MAX_PICKLE_BYTES

    def tell(self) -> int:
        """Position in the buffer."""
        return self._position

    def read(self, count: int) -> bytes:
        """The next `count` bytes, or as many as there are."""
        end = min(self._position + count, self._stop)
        if end > self._limit:
            raise PickleError(f"holds a pickle of more than {MAX_PICKLE_BYTES} bytes, more than tensors need")
        data = bytes(self._bytes[self._position : end])
        self._position = end
        return data

    def readline(self) -> bytes:
        """The bytes up to the next end of line; without one if the line is longer than any name."""
        start = self._position
        line, newline, _ = self.read(_MAX_LINE_BYTES).partition(b"\n")
        self._position = start + len(line) + len(newline)
        return line + newline


def load(stream: PickleStream, storage_of: Callable[[tuple], Storage] | None = None) -> Any:
    """Read one pickle: numbers, text, tuples, lists, dictionaries with text as keys, and tensors.

    Args:
        stream: at the beginning of the pickle; afterwards after its end.
        storage_of: makes a `Storage` from a persistent id; `None` if the pickle must have none.

    Returns:
        The value; each tensor is a `TensorReference`.

    Raises:
        PickleError: see there.
    """
    machine = _Machine(storage_of)
    try:
        for opcode, argument, _ in pickletools.genops(cast(IO[bytes], stream)):
            instruction = _INSTRUCTIONS.get(opcode.name)
            if instruction is None:
                raise PickleError(
                    f"its pickle has the instruction {opcode.name}, which no description of tensors uses"
                )
            instruction(machine, argument)
        return machine.stack.pop()
    except (IndexError, KeyError, ValueError, OverflowError, struct.error):
        raise PickleError("its pickle is damaged or cut off") from None


def integer(value: Any) -> int:
    """`value` if it is a number of elements or bytes that a file can have."""
    if type(value) is not int or not 0 <= value < 2**48:
        raise PickleError("declares a size or position that no file has")
    return value


class _Machine:
    """The stack, the stacks below each open mark, and the memo."""

    def __init__(self, storage_of: Callable[[tuple], Storage] | None):
        self.stack: list[Any] = []
        self._below_marks: list[list[Any]] = []
        self._memo: dict[int, Any] = {}
        self._storage_of = storage_of

    def protocol(self, version: int) -> None:
        if version > _MAX_PROTOCOL:
            raise PickleError(
                f"its pickle has protocol {version}; {_MAX_PROTOCOL} is the latest that kser reads"
            )

    def ignore(self, _: Any) -> None:
        """Frames only say how much to read ahead; the end requires no action."""

    def push(self, value: Any) -> None:
        self.stack.append(value)

    def mark(self, _: Any) -> None:
        self._below_marks.append(self.stack)
        self.stack = []

    def pop_to_mark(self) -> list[Any]:
        items = self.stack
        self.stack = self._below_marks.pop()
        return items

    def tuple_to_mark(self, _: Any) -> None:
        self.push(tuple(self.pop_to_mark()))

    def tuple_of(self, count: int) -> None:
        items = [self.stack.pop() for _ in range(count)]
        self.push(tuple(reversed(items)))

    def append(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if type(target) is not list:
            raise PickleError("its pickle appends to something that is not a list")
        target.extend(items)

    def set_items(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if type(target) is not dict or len(items) % 2:
            raise PickleError("its pickle sets items of something that is not a dictionary")
        for key, value in zip(items[::2], items[1::2], strict=True):
            # Only these: nested tuples that share their parts take forever to hash.
            if type(key) not in (str, int):
                raise PickleError("its pickle has a dictionary whose keys are not names")
            target[key] = value

    def pop_pair(self) -> list[Any]:
        value = self.stack.pop()
        return [self.stack.pop(), value]

    def memorise(self, index: int | None) -> None:
        self._memo[len(self._memo) if index is None else index] = self.stack[-1]

    def recall(self, index: int) -> None:
        self.push(self._memo[index])

    def named(self, name: str) -> None:
        """Push what a name stands for; `name` is module and name with a space between, as in `_NAMES`."""
        if name not in _NAMES:
            asked = name[:80].replace(" ", ".")
            raise PickleError(
                f"asks for {asked!a}, which is not part of a tensor; nothing in it was executed, and only a "
                "state_dict of tensors is read"
            )
        self.push(_NAMES[name])

    def named_on_stack(self, _: Any) -> None:
        module, name = self.pop_pair()
        if type(module) is not str or type(name) is not str:
            raise PickleError("its pickle asks for something without a name")
        self.named(f"{module} {name}")

    def build(self, _: Any) -> None:
        arguments = self.stack.pop()
        builder = self.stack.pop()
        if not isinstance(builder, _Builder) or type(arguments) is not tuple:
            raise PickleError("its pickle calls something that does not build a tensor")
        self.push(builder.function(arguments))

    def set_state(self, _: Any) -> None:
        """Drop the attributes of a dictionary: PyTorch's `_metadata`, versions of the modules."""
        self.stack.pop()
        if type(self.stack[-1]) is not dict:
            raise PickleError("its pickle sets attributes of something that is not a dictionary")

    def persistent(self, _: Any) -> None:
        saved_id = self.stack.pop()
        if self._storage_of is None or type(saved_id) is not tuple:
            raise PickleError("its pickle refers to an object outside it that is not a storage")
        self.push(self._storage_of(saved_id))


def storage_of_id(saved_id: tuple, length: int) -> Storage:
    """The storage that the first five parts of a persistent id describe.

    Args:
        saved_id: `("storage", type, key, device, number of elements, …)`.
        length: how many parts it must have.
    """
    if len(saved_id) != length or type(saved_id[0]) is not str or saved_id[0] != "storage":
        raise PickleError("its pickle refers to an object outside it that is not a storage")
    _, storage_type, key, _, numel = saved_id[:5]
    if not isinstance(storage_type, StorageType) or type(key) is not str:
        raise PickleError("its pickle refers to a storage without type or key")
    return Storage(key, storage_type, integer(numel))


def _ordered_dict(arguments: tuple) -> dict:
    if arguments:
        raise PickleError("its pickle builds a dictionary in a way that PyTorch does not")
    return {}


def _tensor(arguments: tuple) -> TensorReference:
    """`_rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks[, metadata])`."""
    if len(arguments) not in (6, 7) or not isinstance(arguments[0], Storage):
        raise PickleError("its pickle builds a tensor in a way that PyTorch does not")
    if len(arguments) == 7 and arguments[6]:
        raise PickleError("holds a tensor whose values are to be conjugated or negated on reading")
    storage, offset, shape, strides = arguments[:4]
    axes_fit = type(shape) is tuple and type(strides) is tuple and len(shape) == len(strides) <= _MAX_AXES
    if not axes_fit:
        raise PickleError("holds a tensor whose size and stride do not match")
    offset = integer(offset)
    shape, strides = tuple(map(integer, shape)), tuple(map(integer, strides))
    last = offset + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
    if last >= storage.numel and 0 not in shape:
        raise PickleError(
            f"holds a tensor that reaches element {last} of storage {storage.key[:40]!a}, "
            f"which has {storage.numel}"
        )
    return TensorReference(storage, offset, shape, strides)


def _parameter(arguments: tuple) -> TensorReference:
    """`_rebuild_parameter(tensor, requires_grad, hooks)`."""
    if len(arguments) != 3 or not isinstance(arguments[0], TensorReference):
        raise PickleError("its pickle builds a parameter in a way that PyTorch does not")
    return arguments[0]


@dataclass(frozen=True)
class _Builder:
    """Replaces a function or class of PyTorch's."""

    function: Callable[[tuple], Any]


_NAMES: dict[str, _Builder | StorageType] = {
    "collections OrderedDict": _Builder(_ordered_dict),
    "torch._utils _rebuild_tensor_v2": _Builder(_tensor),
    "torch._utils _rebuild_parameter": _Builder(_parameter),
    "torch DoubleStorage": StorageType("float64", 8),
    "torch FloatStorage": StorageType("float32", 4),
    "torch HalfStorage": StorageType("float16", 2),
    "torch BFloat16Storage": StorageType("bfloat16", 2),
    "torch LongStorage": StorageType("int64", 8),
    "torch IntStorage": StorageType("int32", 4),
    "torch ShortStorage": StorageType("int16", 2),
    "torch CharStorage": StorageType("int8", 1),
    "torch ByteStorage": StorageType("uint8", 1),
    "torch BoolStorage": StorageType("uint8", 1),  # a byte each, 0 or 1
}

_INSTRUCTIONS: dict[str, Callable[[_Machine, Any], None]] = {
    "PROTO": _Machine.protocol,
    "FRAME": _Machine.ignore,
    "STOP": _Machine.ignore,
    "NONE": _Machine.push,
    "NEWTRUE": lambda machine, _: machine.push(True),
    "NEWFALSE": lambda machine, _: machine.push(False),
    **dict.fromkeys(("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT"), _Machine.push),
    **dict.fromkeys(("BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"), _Machine.push),
    **dict.fromkeys(("BINSTRING", "SHORT_BINSTRING"), _Machine.push),
    "EMPTY_TUPLE": lambda machine, _: machine.push(()),
    "EMPTY_LIST": lambda machine, _: machine.push([]),
    "EMPTY_DICT": lambda machine, _: machine.push({}),
    "MARK": _Machine.mark,
    "TUPLE": _Machine.tuple_to_mark,
    "TUPLE1": lambda machine, _: machine.tuple_of(1),
    "TUPLE2": lambda machine, _: machine.tuple_of(2),
    "TUPLE3": lambda machine, _: machine.tuple_of(3),
    "APPEND": lambda machine, _: machine.append([machine.stack.pop()]),
    "APPENDS": lambda machine, _: machine.append(machine.pop_to_mark()),
    "SETITEM": lambda machine, _: machine.set_items(machine.pop_pair()),
    "SETITEMS": lambda machine, _: machine.set_items(machine.pop_to_mark()),
    **dict.fromkeys(("BINPUT", "LONG_BINPUT", "MEMOIZE"), _Machine.memorise),
    **dict.fromkeys(("BINGET", "LONG_BINGET"), _Machine.recall),
    "GLOBAL": _Machine.named,
    "STACK_GLOBAL": _Machine.named_on_stack,
    "REDUCE": _Machine.build,
    "BUILD": _Machine.set_state,
    "BINPERSID": _Machine.persistent,
}
