"""Hostile pickles: each is refused in one line, and nothing in it is executed."""

import builtins
import os
import pickle
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kser.checkpoints.restricted_pickle import MAX_PICKLE_BYTES
from kser.checkpoints.torch_file import TorchFile
from kser.errors import UserError
from tests.checkpoints.torch_archives import (
    dictionary,
    group,
    named,
    program,
    storage,
    tensor,
    text,
    whole,
    write_stream,
    write_zip,
)

FOUR = np.arange(4, dtype=np.float32).tobytes()
EMPTY = named("collections", "OrderedDict") + b")R"
GOOD = tensor(storage("0", 4), (4,))


class Calls:
    """What pickle makes of it: a call of any function."""

    def __init__(self, function: Callable, *arguments: Any):
        self.call = (function, arguments)

    def __reduce__(self) -> tuple:
        return self.call


class Attributes:
    """What pickle makes of it: an instance of a class, with a state."""

    def __init__(self) -> None:
        self.state = 1


def refusal(path: Path) -> str:
    with pytest.raises(UserError) as refused:
        TorchFile(path)
    line = str(refused.value)
    assert line.startswith(f"{path}: ")
    assert "\n" not in line
    assert len(line) < len(str(path)) + 250
    return line


def refusal_of(data: bytes, tmp_path: Path) -> str:
    return refusal(write_zip(tmp_path / "hostile.bin", data, {"0": FOUR}))


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda trace: Calls(os.system, f"touch {trace}"), "system"),
        (lambda trace: Calls(builtins.eval, f"open({str(trace)!r}, 'w')"), "eval"),
        (lambda trace: Calls(builtins.exec, f"open({str(trace)!r}, 'w')"), "exec"),
        (lambda trace: Calls(builtins.open, str(trace), "w"), "open"),
        (lambda trace: Calls(builtins.getattr, 1, "real"), "getattr"),
        (lambda trace: Calls(subprocess.run, ["touch", str(trace)]), "run"),
        (lambda trace: Calls(pickle.loads, b"."), "loads"),
        (lambda trace: Calls(np.load, str(trace), None, True), "load"),
        (lambda trace: Attributes(), "Attributes"),
    ],
    ids=["system", "eval", "exec", "open", "getattr", "run", "loads", "numpy", "instance"],
)
@pytest.mark.parametrize("where", ["zip", "stream", "bare"])
def test_calls_are_refused_by_name(
    call: Callable[[Path], Any], name: str, protocol: int, where: str, tmp_path: Path
) -> None:
    trace = tmp_path / "executed"
    data = pickle.dumps({"a": call(trace)}, protocol)
    path = tmp_path / "hostile.bin"
    if where == "zip":
        write_zip(path, data, {"0": FOUR})
    elif where == "stream":
        write_stream(path, data, {"0": (4, FOUR)})
    else:
        path.write_bytes(data)
    line = refusal(path)
    assert "is not part of a tensor; nothing in it was executed" in line
    assert f"{name}'" in line
    assert not trace.exists()


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("os", "system"),
        ("posix", "system"),
        ("builtins", "eval"),
        ("__builtin__", "eval"),
        ("torch", "load"),
        ("torch.hub", "load"),
        ("torch", "FloatStorage.__class__"),
        ("torch._utils", "_rebuild_tensor_v2.__globals__"),
        ("torch._utils", "_rebuild_sparse_tensor"),
        ("collections", "OrderedDict.__init__"),
        ("collections", "defaultdict"),
        ("kser.checkpoints.restricted_pickle", "load"),
        ("functools", "partial"),
        ("x\x1b[2J", "y" * 200),
    ],
)
def test_every_other_name_is_refused(module: str, name: str, tmp_path: Path) -> None:
    for instructions in (named(module, name), text(module) + text(name) + b"\x93"):
        line = refusal_of(program(dictionary(a=instructions + group(text("x")) + b"R")), tmp_path)
        assert f"asks for {ascii(f'{module}.{name}')[:40]}" in line
        assert "\x1b" not in line


@pytest.mark.parametrize(
    ("instructions", "says"),
    [
        pytest.param(b"P0\n", "instruction PERSID", id="persistent id as text"),
        pytest.param(group(text("module"), text("x")) + b"Q", "not a storage", id="module as persistent id"),
        pytest.param(text("storage") + b"Q", "not a storage", id="text as persistent id"),
        pytest.param(whole(0) + b"Q", "not a storage", id="number as persistent id"),
        pytest.param(group() + b"Q", "not a storage", id="nothing as persistent id"),
        pytest.param(storage("0", -1), "declares a size", id="negative storage"),
        pytest.param(storage("0", 2**62), "declares a size", id="huge storage"),
        pytest.param(storage("0", 2**40), "has 16 bytes of storage", id="large storage"),
        pytest.param(storage("0", 4, stream=True), "not a storage", id="id of the other format"),
        pytest.param(tensor(EMPTY, (4,)), "in a way that PyTorch does not", id="tensor of a dictionary"),
        pytest.param(tensor(storage("0", 4), (4,), (1, 1)), "do not match", id="axes"),
        pytest.param(tensor(storage("0", 4), (1,) * 33), "do not match", id="33 axes"),
        pytest.param(GOOD + group() + b"R", "calls something", id="calling a tensor"),
        pytest.param(
            named("torch", "FloatStorage") + group(whole(9)) + b"R", "calls something", id="new storage"
        ),
        pytest.param(text("os") + group(text("x")) + b"R", "calls something", id="calling a text"),
        pytest.param(
            named("torch._utils", "_rebuild_parameter") + b")R", "builds a parameter", id="parameter"
        ),
        pytest.param(
            named("collections", "OrderedDict") + group(text("a")) + b"R", "builds a dict", id="dict"
        ),
        pytest.param(GOOD + b"}b", "sets attributes", id="attributes of a tensor"),
        pytest.param(
            named("torch._utils", "_rebuild_tensor_v2") + b"}b", "sets attributes", id="of a function"
        ),
        pytest.param(text("a") + whole(1) + b"a", "appends to something", id="appending to a text"),
        pytest.param(text("a") + whole(1) + whole(2) + b"s", "sets items", id="items of a text"),
        pytest.param(b"}(" + whole(1) + b"u", "sets items", id="odd number of items"),
        pytest.param(b"}" + group(whole(1)) + whole(1) + b"s", "keys are not names", id="tuple as key"),
        pytest.param(b"0" * 9, "instruction POP", id="popping"),
        pytest.param(b"c" + b"o" * 300, "damaged", id="name without an end"),
        pytest.param(b"t", "damaged", id="mark that is not there"),
        pytest.param(b"h\x07", "damaged", id="memo that is not there"),
        pytest.param(b"X\xff\xff\xff\xff" + b"a", "damaged", id="text of 4 GiB"),
        pytest.param(b"\x8d" + b"\xff" * 7 + b"\x7f" + b"a", "damaged", id="text of 8 EiB"),
        pytest.param(b"\x8b\xff\xff\xff\x7f", "damaged", id="number of 2 GiB"),
        pytest.param(b"\x96" + b"\xff" * 7 + b"\x7f", "damaged", id="bytes of 8 EiB"),
        pytest.param(b"\x82\x01", "instruction EXT1", id="extension registry"),
        pytest.param(b"(cos\nsystem\nX\x01\x00\x00\x00xo", "asks for 'os.system'", id="OBJ"),
        pytest.param(b"(X\x01\x00\x00\x00xios\nsystem\n", "instruction INST", id="INST"),
        pytest.param(b"\x80\xff", "has protocol 255", id="protocol"),
        pytest.param(b"\xfe", "damaged", id="no instruction"),
        pytest.param(b"I" + b"9" * 200 + b"\n", "instruction INT", id="number in digits"),
    ],
)
def test_other_tricks(instructions: bytes, says: str, tmp_path: Path) -> None:
    assert says in refusal_of(program(b"}" + text("a") + instructions + b"s"), tmp_path)


def test_negated_tensor(tmp_path: Path) -> None:
    with_metadata = GOOD.replace(b")Rt", b")R}" + text("neg") + b"\x88st").removesuffix(b"R") + b"R"
    assert "conjugated or negated" in refusal_of(program(dictionary(a=with_metadata)), tmp_path)


def test_memo_at_a_huge_index_takes_no_memory(tmp_path: Path) -> None:
    """The memo of CPython's own machine is an array, which this instruction would make 16 GiB long."""
    put = b"r" + struct.pack("<I", 2**31 - 1)
    path = write_zip(tmp_path / "a.bin", program(dictionary(a=GOOD + put)), {"0": FOUR})
    np.testing.assert_array_equal(TorchFile(path).read("a"), np.arange(4))


def test_nested_tuples_are_not_hashed(tmp_path: Path) -> None:
    """Sixty tuples, each of twice the last: 2⁶⁰ steps for whoever hashes, compares or prints them."""
    bomb = group(group() + b"q\x00", *[b"h\x00h\x00\x86q\x00"] * 60)
    assert "keys are not names" in refusal_of(program(b"}" + bomb + whole(1) + b"s"), tmp_path)
    assert "not a storage" in refusal_of(program(bomb + b"Q"), tmp_path)
    path = write_zip(tmp_path / "a.bin", program(dictionary(bomb=bomb, a=GOOD)), {"0": FOUR})
    assert TorchFile(path).names() == {"a"}


def test_deep_nesting_and_what_contains_itself(tmp_path: Path) -> None:
    deep = group() + b"\x85" * 50_000
    itself = b"]q\x00h\x00a"
    path = write_zip(tmp_path / "a.bin", program(dictionary(deep=deep, itself=itself, a=GOOD)), {"0": FOUR})
    assert TorchFile(path).names() == {"a"}
    assert "not a storage" in refusal_of(program(deep + b"Q"), tmp_path)


def test_pickle_that_is_too_long(tmp_path: Path) -> None:
    long_text = b"X" + struct.pack("<I", MAX_PICKLE_BYTES) + b"a" * MAX_PICKLE_BYTES
    assert "more than 8388608 bytes" in refusal_of(program(long_text), tmp_path)


def test_storage_that_is_declared_twice(tmp_path: Path) -> None:
    entries = {
        "a": tensor(storage("0", 4, stream=True), (4,)),
        "b": tensor(storage("0", 2, "int64", stream=True), (2,)),
    }
    path = write_stream(tmp_path / "a.bin", program(dictionary(**entries)), {"0": (4, FOUR)})
    assert "declares the storage '0' twice" in refusal(path)


def test_hostile_pickle_in_place_of_the_first_of_the_old_format(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(pickle.dumps(Calls(os.system, f"touch {tmp_path / 'executed'}"), 2))
    assert "system" in refusal(path)
    assert not (tmp_path / "executed").exists()
