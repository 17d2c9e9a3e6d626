"""A run that several processes do together: whether they can, and whether they see the same."""

import hashlib
import json
import socket
from collections.abc import Mapping
from typing import Any

from kser.errors import UserError
from kser.experiment.runs.feature_caching import frozen_part
from kser.experiment.runs.model_building import build_model
from kser.experiment.runs.planning import Run
from kser.experiment.runs.run_data import load_run_data
from kser.experiment.runs.run_devices import run_devices
from kser.models.freezing import ALL
from kser.training.devices import on_devices
from kser.training.process_group import gathered


def is_divided(run: Run) -> bool:
    """Whether processes share the batches of a run, and not one does it alone.

    Where features are kept, or nothing is trained, too little is left to be divided.

    Raises:
        UserError: the model cannot be built.
    """
    model = run.model
    if not model.is_trained or model.feature_cache is not None:
        return False
    if model.freeze_layers != ALL:
        return True
    with on_devices(run_devices(run)):
        built = build_model(run, load_run_data(run).head)
        frozen = frozen_part(run, built, built.waveform_format)
    return frozen is None or frozen.cache is None


def check_alike(title: str, settings: Mapping[str, Any]) -> None:
    """See that all processes have the same before them.

    Args:
        title: of the run.
        settings: see `run_settings`.

    Raises:
        UserError: one sees other files, or is another version; says what differs.
    """
    digests = {name: _digest(value) for name, value in settings.items()}
    (first, known), *others = gathered((socket.gethostname(), digests))
    for number, (host, found) in enumerate(others, start=1):
        if differing := [name for name in known if found.get(name) != known[name]]:
            raise UserError(
                f"{title}: {', '.join(differing)} of process {number} on {host} are not those of process 0 "
                f"on {first}: all must see the same files, and have the same versions"
            )


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
