"""How far a run is: what stands where it writes to, and whether that is the same run."""

from collections.abc import Mapping
from enum import Enum
from typing import Any

from kser.errors import UserError
from kser.experiment.execution.recorded_settings import differing_settings, settings_of_0_1
from kser.experiment.execution.run_fingerprint import fingerprint_of
from kser.experiment.runs.planning import Run
from kser.experiment.runs.trained_model import PROVENANCE_FILE, load_provenance
from kser.files import read_json

_SHOWN_DIFFERENCES = 5
_UNKNOWN_DIFFERENCE = "settings, data or versions: which of them is not recorded there"


class RunState(Enum):
    """How far a run is."""

    FINISHED = "finished"
    INTERRUPTED = "interrupted"
    TO_DO = "to do"


def run_state(run: Run, settings: Mapping[str, Any] | None) -> RunState:
    """How far a run is.

    Args:
        run: which.
        settings: of the run, see `run_settings`; `None` where its data are not here: then it is not asked
            whether what is there was made from them.

    Raises:
        UserError: what is there was made with other settings, so that the run would be refused; says which.
    """
    if (run.paths.model / PROVENANCE_FILE).is_file():
        state, place, what = RunState.FINISHED, run.paths.model, "a model trained"
        provenance = load_provenance(run.paths.model)
        fingerprint = provenance.run_fingerprint
        recorded = provenance.settings or settings_of_0_1(provenance)
    elif run.paths.settings.is_file():
        state, place, what = RunState.INTERRUPTED, run.paths.work, "an interrupted run"
        started_with = read_json(run.paths.settings)
        fingerprint = started_with.get("run_fingerprint")
        recorded = started_with.get("settings", {})
    else:
        return RunState.TO_DO
    if settings is None or fingerprint == fingerprint_of(settings):
        return state
    differences = differing_settings(recorded, run, settings)
    shown = "; ".join(differences[:_SHOWN_DIFFERENCES])
    if len(differences) > _SHOWN_DIFFERENCES:
        shown += f"; and {len(differences) - _SHOWN_DIFFERENCES} more"
    raise UserError(
        f"{place}: holds {what} with other settings ({shown or _UNKNOWN_DIFFERENCE}); "
        "give the experiment another experiment_name, or move that folder away"
    )
