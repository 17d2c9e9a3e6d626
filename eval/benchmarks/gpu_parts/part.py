"""What all parts of the suite are given, and what they give."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Setting:
    """What is measured, where.

    Attributes:
        device: "gpu" or "cpu".
        small: a tiny model and little audio, to try the suite out; its figures say nothing.
        folder: for files that parts leave to each other.
        metadata: of the corpus to fine-tune on; `None` without one.
        encoder: folder of a trained checkpoint in the Hugging Face layout; `None` without one.
        peak_tflops: of the device in bfloat16; `None`: looked up, or measured.
        rounds: of each timing.
    """

    device: str
    small: bool
    folder: Path
    metadata: Path | None = None
    encoder: Path | None = None
    peak_tflops: float | None = None
    rounds: int = 15


@dataclass(frozen=True)
class Goal:
    """What a figure should be on an H100.

    Attributes:
        text: the goal in words.
        value: what was measured.
        reached: whether that is enough.
    """

    text: str
    value: str
    reached: bool


@dataclass
class Findings:
    """What a part has found so far.

    Attributes:
        save: keeps it; a part that runs out of time loses only what came after.
        figures: by name, as they are.
        tables: by title, rows of cells, the header first.
        goals: beside their figures.
        missing: what could not be measured, and why, a line each.
    """

    save: Callable[[dict[str, Any]], None]
    figures: dict[str, float | str] = field(default_factory=dict)
    tables: dict[str, list[list[str]]] = field(default_factory=dict)
    goals: list[Goal] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    def keep(self) -> None:
        """Save what has been found."""
        self.save(
            {
                "figures": self.figures,
                "tables": self.tables,
                "goals": [asdict(goal) for goal in self.goals],
                "missing": self.missing,
            }
        )
