"""How large the sizes of a model may be said to be, before anything of that size is made."""

from collections.abc import Iterator
from typing import Any

MAX_LAYERS = 1000
# Far beyond any published width; their products are bounded by the weights file.
MAX_SIZE = 2**16
MAX_SAMPLES = 2**31


def size_mistake(name: str, value: Any) -> str:
    """What is wrong with a whole number of a configuration, or with those of a list; empty where it may be.

    Args:
        name: of the field: what it counts.
        value: of any kind; only whole numbers are looked at.
    """
    numbers = [
        number for number in (value if isinstance(value, list) else [value]) if isinstance(number, int)
    ]
    if len(numbers) > MAX_LAYERS:
        return f"must be at most {MAX_LAYERS} numbers, got {len(numbers)}"
    most = MAX_SIZE
    if "layers" in name:
        most = MAX_LAYERS
    elif "samples" in name or name == "sampling_rate":
        most = MAX_SAMPLES
    largest = max(numbers, default=0)
    return f"must be at most {most}, got {largest}" if largest > most else ""


def size_mistakes(config: Any, place: str = "") -> Iterator[str]:
    """The same of all fields of a JSON object, at any depth; each with its place in front."""
    if isinstance(config, dict):
        for name, value in config.items():
            inner = f"{place}.{name}" if place else name
            if mistake := "" if name == "seed" else size_mistake(name, value):
                yield f"{inner}: {mistake}"
            yield from size_mistakes(value, inner)
    elif isinstance(config, list):
        for number, value in enumerate(config):
            if isinstance(value, (dict, list)):
                yield from size_mistakes(value, f"{place}[{number}]")
