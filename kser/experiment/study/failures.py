"""What failed in a study: told together at its end, with the tracebacks of what nobody foresaw in files."""

import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kser.errors import UserError
from kser.experiment.checking.seed_ranges import in_ranges
from kser.experiment.runs.planning import Run
from kser.files import write_text


@dataclass(frozen=True)
class Failure:
    """A run that is not trained.

    Attributes:
        run: which.
        message: why, in a line or several.
        begun: `False` where a mistake in the files kept it from beginning.
        of_the_model: whether that mistake stops every run of the model.
    """

    run: Run
    message: str
    begun: bool = True
    of_the_model: bool = False


def unforeseen(error: Exception, report: Path) -> str:
    """An error that nobody foresaw, in a line; its traceback goes to a file.

    Args:
        error: being handled.
        report: the file; where it cannot be written the line must do.
    """
    line = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
    try:
        write_text(report, "".join(traceback.format_exception(error)))
    except (OSError, UserError):  # a full disk, which may be the error itself
        return line
    return f"{line} (more in {report})"


def told_at_the_end(failures: Sequence[Failure], runs: int, further: Sequence[str]) -> list[str]:
    """All that went wrong in a study, in lines.

    Args:
        failures: of its runs; what failed alike is told once.
        runs: how many there are.
        further: mistakes of its evaluation.
    """
    alike: dict[str, list[Run]] = {}
    for failure in failures:
        alike.setdefault(failure.message, []).append(failure.run)
    if len(alike) == 1 and len(failures) == runs and not any(failure.begun for failure in failures):
        return [*next(iter(alike)).splitlines(), *further]  # the experiment as a whole is wrong
    lines = [f"{_title(of)}: {line}" for message, of in alike.items() for line in message.splitlines()]
    return [*lines, *further, *(["the same command tries what failed again"] if failures else [])]


def _title(runs: Sequence[Run]) -> str:
    """Models and seeds: "log_mel, seed 0–2; wav2vec2, seed 0"."""
    seeds: dict[str, list[int]] = {}
    for run in runs:
        seeds.setdefault(run.model.name, []).append(run.seed)
    return "; ".join(f"{model}, seed {in_ranges(of)}" for model, of in seeds.items())
