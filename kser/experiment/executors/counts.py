"""The least numbers that an executor can be given; imports nothing heavy, for the command line."""

from kser.errors import UserError

_LEAST = {"workers": 1, "num_cpus": 1, "num_gpus": 0}


def too_small(given: object) -> list[str]:
    """The attributes of an executor, or of a command's options, that are too small, a line each."""
    numbers = {name: getattr(given, name, None) for name in _LEAST}
    return [
        f"{name}: must be at least {_LEAST[name]}, got {number}"
        for name, number in numbers.items()
        if number is not None and number < _LEAST[name]
    ]


class CountsChecked:
    """A dataclass whose numbers are checked where it is made.

    Raises:
        UserError: one is too small.
    """

    def __post_init__(self) -> None:
        if mistakes := too_small(self):
            raise UserError("\n".join(mistakes))
