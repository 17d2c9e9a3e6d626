"""When a run has learned what it can: evaluations in a row that improved nothing."""

import math
from dataclasses import asdict, dataclass
from typing import Any


def is_better(value: float, than: float | None, higher_is_better: bool, threshold: float = 0.0) -> bool:
    """Whether a value of a metric is better than another one by more than a threshold.

    Nothing (`None`) and what is not a number are worse than every number.
    """
    if math.isnan(value):
        return than is None
    if than is None or math.isnan(than):
        return True
    return value - than > threshold if higher_is_better else than - value > threshold


@dataclass
class Patience:
    """Counts evaluations without an improvement.

    An improvement is larger than `threshold`, measured against the last one that was: many small steps count
    once they amount to more. (The best weights are another matter: they are those of the best value, by
    however little.)

    Attributes:
        patience: so many of them in a row are the end; `None`: never.
        threshold: see above.
        higher_is_better: of the metric.
        reference: the value of the last improvement.
        waited: evaluations since then that counted.
    """

    patience: int | None
    threshold: float
    higher_is_better: bool
    reference: float | None = None
    waited: int = 0

    def is_over(self, value: float, counts: bool = True) -> bool:
        """Take the value of an evaluation; whether the run should end.

        Args:
            value: of the metric.
            counts: whether this evaluation counts if it is no improvement.
        """
        if is_better(value, self.reference, self.higher_is_better, self.threshold):
            self.reference, self.waited = value, 0
        elif counts:
            self.waited += 1
        return self.patience is not None and self.waited >= self.patience

    def state(self) -> dict[str, Any]:
        """What has to be saved, as JSON."""
        return {name: value for name, value in asdict(self).items() if name in ("reference", "waited")}
