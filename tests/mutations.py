"""Files as accidents and strangers leave them: one thing in them is other than it should be."""

import json
import random
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

_PLACEHOLDER = "put in as text"
# As they stand in a JSON file; the first ones no JSON reader of Python makes a plain value of.
VALUES_IN_JSON = (
    "9" * 5000,
    "[" * 100_000,
    '{"a": ' * 3000 + "1" + "}" * 3000,
    r'"\ud800"',
    "1e999",
    "NaN",
    "-Infinity",
    json.dumps("long/" * 1000),
    json.dumps("x" * 5000),
    json.dumps("\0"),
    json.dumps("a\nb\x1b[2J"),
    json.dumps("=cmd|' /C calc'!A0"),
    *("null", "true", "-1", "0", "1.5", "1000000000", "1e308", '""', '"x"', "[]", "{}", "[[1]]", '{"a": {}}'),
    *('["a", "a"]', "[null]", '["../../etc/passwd"]', "2147483648", "-0.0", '"nan"', '"1"'),
)
CELLS = (
    *("", " ", "nan", "-1", "1e999", "9" * 5000, "x" * 5000, "long/" * 1000, "\0", '"', '""', "é", "\x1b[2J"),
    *(
        "=1+1",
        "a\tb",
        "a;b;c",
        "\r",
        "\ud800",
        "[" * 5000,
        '{"a": ' + "9" * 5000 + "}",
        "..",
        "/",
        "~",
        "{",
        "1,5",
    ),
)


def mutated(path: Path, rng: random.Random) -> bytes:
    """The content of a JSON, CSV, safetensors or other file with one thing changed."""
    content = path.read_bytes()
    changes: list[Callable[[bytes, random.Random], bytes]] = [_bytes_changed, _cut]
    of_kind = {".json": _json_changed, ".csv": _cell_changed, ".safetensors": _header_changed}.get(
        path.suffix
    )
    if of_kind is not None:
        changes += [of_kind] * 6  # what is no longer of the kind at all is soon refused
    return rng.choice(changes)(content, rng)


def _bytes_changed(content: bytes, rng: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(rng.choice((1, 1, 3, 30))):
        changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed)


def _cut(content: bytes, rng: random.Random) -> bytes:
    return content[: rng.randrange(len(content))]


def _json_changed(content: bytes, rng: random.Random) -> bytes:
    value = json.loads(content)
    places = list(_places(value))
    container, key = rng.choice(places)
    change = rng.choice(("replace", "replace", "replace", "remove", "rename", "repeat"))
    if change == "replace" or isinstance(container, list):
        container[key] = _PLACEHOLDER
        text = json.dumps(value).replace(json.dumps(_PLACEHOLDER), rng.choice(VALUES_IN_JSON))
    elif change == "remove":
        del container[key]
        text = json.dumps(value)
    else:
        container[_PLACEHOLDER] = container[key]
        name = (
            json.dumps(key) if change == "repeat" else rng.choice(('""', r'"\ud800"', '"a.b"', '"x\\u001b"'))
        )
        text = json.dumps(value).replace(json.dumps(_PLACEHOLDER), name)
    return text.encode()


def _places(value: Any) -> Any:
    """Each container within a JSON value with each of its keys or positions."""
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        yield value, key
        if isinstance(inner, (dict, list)):
            yield from _places(inner)


def _cell_changed(content: bytes, rng: random.Random) -> bytes:
    text = content.decode()
    separator = "\t" if "\t" in text.partition("\n")[0] else ","
    rows = [line.split(separator) for line in text.splitlines()]
    row = rng.choice((rows[0], rng.choice(rows), rng.choice(rows)))
    change = rng.choice(("replace", "replace", "replace", "remove", "repeat", "column", "rows"))
    if change == "replace":
        row[rng.randrange(len(row))] = rng.choice(CELLS)
    elif change == "remove":
        del row[rng.randrange(len(row))]
    elif change == "repeat":
        row.append(rng.choice(row))
    elif change == "column":
        column, cell = rng.randrange(len(rows[0])), rng.choice(CELLS)
        for each in rows[1:]:
            each[column] = cell
    else:
        del rows[rng.randrange(len(rows)) :]
    return "\n".join(separator.join(each) for each in rows).encode("utf-8", "surrogatepass") + b"\n"


def _header_changed(content: bytes, rng: random.Random) -> bytes:
    """Of a safetensors file: its length, or the JSON that says where each tensor is."""
    (length,) = struct.unpack("<Q", content[:8])
    if rng.random() < 0.2:
        return struct.pack("<Q", rng.choice((0, 1, length + 8, 2**32, 2**63))) + content[8:]
    header = _json_changed(content[8 : 8 + length], rng)
    return struct.pack("<Q", len(header)) + header + content[8 + length :]
