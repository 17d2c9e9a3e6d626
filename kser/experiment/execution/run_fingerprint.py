"""What identifies a run: the same fingerprint means the same result."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras

import kser
from kser.corpora.metadata import content_key
from kser.experiment.runs.planning import Run
from kser.experiment.runs.run_data import RunData
from kser.experiment.search.searching import search_settings
from kser.files import expanded, is_there, visible_files


def run_fingerprint(run: Run, data: RunData) -> str:
    """What a run is: settings, audio, split, checkpoint, backend and versions, as 16 hex digits.

    A finished run of the same fingerprint need not be repeated, an unfinished one may be continued.
    """
    without_effect = {"evaluation_batch_size", "save_steps", "save_total_limit", "logging_steps"}
    settings = {
        "kser": kser.__version__,
        "keras": keras.__version__,
        "backend": keras.config.backend(),
        "model": run.model.model_dump(
            # The run's own seed and eval_steps stand below, wherever the JSON says them.
            exclude={"name", "factors", "batch_size", "logging_steps", "feature_cache", "seed", "eval_steps"}
            | ({"hp_search_space", "hp_search_method"} if run.model.skip_hp_search else set())
        ),
        "checkpoint": _checkpoint_keys(run.model.model_path_or_name),
        "seed": run.seed,
        "plan": {
            name: value for name, value in vars(run.training_plan).items() if name not in without_effect
        },
        "labels": data.labels,
        "split": data.split_fingerprint,
        "values": data.values_fingerprint,
        "audio": [data.recordings(part) for part in ("train", "validation")],
        "processing": vars(run.config.audio_processing),
        "augmentation": _augmentation(run),
        # Kept features are rounded; where they are kept has no effect.
        "features_kept": run.model.feature_cache is not None,
        "search": search_settings(run),
    }
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]


def _augmentation(run: Run) -> dict[str, Any]:
    """What is done to the training data, with fingerprints of the user's own files that do it."""
    if not run.config.augmentations:
        return {}
    fields = {"augmentations", "augmentation_mode", "augmentation_draws"}
    settings = run.config.model_dump(include=fields)
    return settings | {
        "order": list(run.config.augmentations),  # that of `compose`; sorting the fields loses it
        "files": {name: _content_keys(run.input_file(name)) for name in _texts(settings)},
        "audiomentations": version("audiomentations"),
    }


def _texts(value: Any) -> Iterator[str]:
    """Every text in nested settings: a module of the user's, a folder of noises."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from _texts(list(value.values()))
    elif isinstance(value, (list, tuple)):
        for of in value:
            yield from _texts(of)


def _content_keys(path: Path) -> dict[str, str]:
    """Fingerprints of a file, or of all files in a folder; none where there is nothing."""
    if not is_there(path):
        return {}
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    return {file.relative_to(path).as_posix(): content_key(file) for file in files}


def _checkpoint_keys(name: str) -> list[str]:
    """Fingerprints of a local checkpoint's files; a hub id stands for itself."""
    folder = expanded(name)
    return [content_key(path) for path in visible_files(folder, "*")] if folder.is_dir() else []
