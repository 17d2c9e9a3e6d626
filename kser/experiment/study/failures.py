"""What failed in a study, for people: a line for each reason, tracebacks of unexpected errors in files."""

import traceback
from collections.abc import Sequence
from pathlib import Path

from kser.errors import UserError, is_of_the_system, system_reason
from kser.experiment.checking.seed_ranges import in_ranges
from kser.experiment.runs.planning import Run
from kser.experiment.study.results import RunResult
from kser.files import write_text
from kser.grouping import grouped

_SHOWN_CHARACTERS = 200


def record_unexpected(error: Exception, report: Path) -> str:
    """Write the traceback of an error that no code expects to a file, and give the error in a line.

    Args:
        error: being handled.
        report: the file; where it cannot be written the line must do.
    """
    if is_of_the_system(error):
        return f"{report.parent}: {system_reason(error, report.parent)}"
    line = f"{type(error).__name__}: {' '.join(str(error).split())[:_SHOWN_CHARACTERS]}"
    try:
        write_text(report, "".join(traceback.format_exception(error)))
    except (OSError, UserError):  # a full disk, which may be the error itself
        return line
    return f"{line} (more in {report})"


def failure_summary(run_results: Sequence[RunResult], further: Sequence[str]) -> list[str]:
    """All that went wrong in a study, in lines; runs that failed for one reason share its lines.

    Args:
        run_results: of all its runs.
        further: mistakes of its evaluation.
    """
    failures = [result for result in run_results if result.failed]
    runs_by_error = grouped((failure.error, failure.run) for failure in failures)
    none_began = all(result.failed and result.failed_at != "training" for result in run_results)
    if len(runs_by_error) == 1 and none_began:
        return [*next(iter(runs_by_error)).splitlines(), *further]  # the experiment as a whole is wrong
    lines = [
        f"{_title(runs)}: {line}" for error, runs in runs_by_error.items() for line in error.splitlines()
    ]
    return [*lines, *further, *(["the same command tries what failed again"] if failures else [])]


def _title(runs: Sequence[Run]) -> str:
    """Models and seeds: "log_mel, seed 0–2; wav2vec2, seed 0"."""
    seeds_by_model = grouped((run.model.name, run.seed) for run in runs)
    return "; ".join(f"{model}, seed {in_ranges(seeds)}" for model, seeds in seeds_by_model.items())
