"""JSON as strangers write it: read within bounds, or refused in words."""

import json
import re
from typing import Any

# The recordings of a model that was trained on a million of them take a third of it.
MAX_BYTES = 256 * 2**20
MAX_DEPTH = 100
# Published tokenizers have lengths of 31 digits; more than 308 are no float.
MAX_DIGITS = 100

_SURROGATE = re.compile("[\ud800-\udfff]")


class StrictJsonError(ValueError):
    """Text that is not valid JSON, or beyond the bounds; says which, and where."""


def parse_json(text: str) -> Any:
    """The value of a JSON text.

    Raises:
        StrictJsonError: it is not JSON; a field stands twice in one object, so that it would not be clear
            which value counts; it is nested deeper than `MAX_DEPTH`; a number is longer than `MAX_DIGITS` or
            beyond what a float holds; or a text holds half of a character, which cannot be written to a file.
    """
    try:
        value = json.loads(
            text, object_pairs_hook=_without_repetition, parse_int=_whole_number, parse_float=_number
        )
    except json.JSONDecodeError as error:
        raise StrictJsonError(
            f"not valid JSON: {error.msg}, line {error.lineno} column {error.colno}"
        ) from None
    except RecursionError:
        raise _too_deep() from None
    _check_depth(value)
    if "\\u" in text:  # only an escape can write half of a character
        _check_characters(value)
    return value


def _without_repetition(fields: list[tuple[str, Any]]) -> dict[str, Any]:
    unique = dict(fields)
    if len(unique) < len(fields):
        names = [name for name, _ in fields]
        repeated = [name for name in unique if names.count(name) > 1]
        raise StrictJsonError(f"{', '.join(repeated)}: given more than once; keep one")
    return unique


def _whole_number(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise StrictJsonError(
            f"a number of {len(digits)} digits ({digits[:10]}…); at most {MAX_DIGITS} are read"
        )
    return int(digits)


def _number(digits: str) -> float:
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        raise StrictJsonError(f"the number {digits[:20]} is beyond what a computer counts with (1.8e308)")
    return number


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        containers = [each.values() if isinstance(each, dict) else each for each in level if _holds(each)]
        level = [each for container in containers for each in container if _holds(each)]
        if not level:
            return
    raise _too_deep()


def _holds(value: Any) -> bool:
    return isinstance(value, (dict, list))


def _too_deep() -> StrictJsonError:
    return StrictJsonError(f"brackets nested more than {MAX_DEPTH} deep")


def _check_characters(value: Any) -> None:
    whole = json.dumps(value, ensure_ascii=False)
    if half := _SURROGATE.search(whole):
        before = whole[max(0, half.start() - 20) : half.start()]
        raise StrictJsonError(
            f"\\u{ord(half[0]):04x} (after {before}) is half of a character; write the character itself"
        )
