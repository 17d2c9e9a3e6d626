"""What a server takes on, so that it refuses in place of falling over."""

import math
from dataclasses import dataclass, fields

from kser.errors import UserError
from kser.words import as_option


@dataclass(frozen=True)
class Limits:
    """How much is taken on.

    Attributes:
        max_megabytes: of an upload, in units of 10⁶ bytes.
        max_seconds: of a recording.
        max_waiting: seconds that an upload may take to arrive, and then to wait for the model, each time that
            its turn must come.
        max_requests: recordings that are received, waiting or computed at once.
        max_batch: recordings that are computed together; `None` for 8 where that is faster on the machine.

    Raises:
        UserError: a limit is not above 0, or infinite.
    """

    max_megabytes: float = 25.0
    max_seconds: float = 300.0
    max_waiting: float = 30.0
    max_requests: int = 64
    max_batch: int | None = None

    def __post_init__(self) -> None:
        for limit in fields(self):
            if (value := getattr(self, limit.name)) is not None and not 0 < value < math.inf:
                finite = " and finite" if value > 0 else ""
                raise UserError(f"{as_option(limit.name)}: must be above 0{finite}, got {value:g}")

    @property
    def bytes(self) -> int:
        """Of an upload at most."""
        return int(self.max_megabytes * 1e6)


USUAL_LIMITS = Limits()
