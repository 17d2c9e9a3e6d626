"""How far each run of an experiment is: what stands where it writes to."""

from collections.abc import Iterable
from enum import Enum

from kser.errors import UserError
from kser.experiment.execution.run_fingerprint import run_fingerprint
from kser.experiment.runs.planning import Run
from kser.experiment.runs.run_data import RunData
from kser.experiment.runs.trained_model import PROVENANCE_FILE, load_provenance
from kser.files import read_json


class RunState(Enum):
    """How far a run is."""

    FINISHED = "finished"
    INTERRUPTED = "interrupted"
    TO_DO = "to do"


def run_state(run: Run, data: RunData | None) -> RunState:
    """How far a run is.

    Args:
        run: which.
        data: of the run; `None` where they are not here: then it is not asked whether what is there was made
            from them.

    Raises:
        UserError: what is there was made with other settings, so that the run would be refused.
    """
    if (run.paths.model / PROVENANCE_FILE).is_file():
        state, place = RunState.FINISHED, run.paths.model
        fingerprint = load_provenance(run.paths.model).run_fingerprint
    elif run.paths.settings.is_file():
        state, place = RunState.INTERRUPTED, run.paths.work
        fingerprint = read_json(run.paths.settings).get("run_fingerprint")
    else:
        return RunState.TO_DO
    if data is not None and fingerprint != run_fingerprint(run, data):
        what = "a model trained" if state is RunState.FINISHED else "an interrupted run"
        raise UserError(
            f"{place}: holds {what} with other settings, data, backend or version of kser; "
            "give the experiment another experiment_name, or move that folder away"
        )
    return state


def in_ranges(numbers: Iterable[int]) -> str:
    """Whole numbers in ascending order, those that follow each other as a range: "0–3, 7"."""
    ranges: list[list[int]] = []
    for number in sorted(set(numbers)):
        if ranges and number == ranges[-1][-1] + 1:
            ranges[-1] = [ranges[-1][0], number]
        else:
            ranges.append([number])
    return ", ".join("–".join(map(str, of)) for of in ranges)
