"""The settings of a run by the names that people know, kept with it to say later what has changed."""

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from kser.experiment.runs.planning import Run
from kser.experiment.runs.trained_model import Provenance

# The rest of the plan are fields of the model.
_OF_THE_PLAN = ("eval_steps", "length_buckets")
_OF_THE_CORPUS = ("label_map", "classes", "split")
# These are fingerprints, which say nothing to people.
_CONTENTS = {
    "audio": "the audio of training and validation part",
    "split": "the split",
    "values": "numbers or labels in the metadata",
    "checkpoint": "the files of model_path_or_name",
}


def recorded_settings(run: Run, settings: Mapping[str, Any]) -> dict[str, Any]:
    """What `run_settings` gave, flat, in little space, and as it comes back from a JSON file.

    Args:
        run: which.
        settings: of the run.
    """
    corpus = run.config.training_dataset.model_dump(include=set(_OF_THE_CORPUS), exclude_defaults=True)
    flat = {
        **{name: settings[name] for name in ("kser", "keras", "backend", "seed", "labels")},
        **settings["model"],
        **{name: settings["plan"][name] for name in _OF_THE_PLAN},
        **{f"training_dataset.{name}": corpus.get(name) for name in _OF_THE_CORPUS},
        **settings["processing"],
        **({"augmentations": {}} | settings["augmentation"]),
        **{name: value for name, value in settings["search"].items() if name != "space"},
        "feature_cache": settings["features_kept"],
        **{name: _digest(settings[name]) for name in _CONTENTS},
    }
    restored: dict[str, Any] = json.loads(json.dumps(flat))
    return restored


def settings_of_0_1(provenance: Provenance) -> dict[str, Any]:
    """As much of `recorded_settings` as kser 0.1.0 wrote down with a model."""
    # The model has the best values of a search in the place of those of its file.
    searched = {field.partition(".")[0] for field in (provenance.search or {}).get("space", {})}
    left_out = {"name", "factors", "batch_size", "logging_steps", "eval_steps", "seed", "feature_cache"}
    left_out |= searched
    return {
        "kser": provenance.kser_version,
        "keras": provenance.keras_version,
        "backend": provenance.backend,
        "seed": provenance.seed,
        **{name: value for name, value in provenance.model_config.items() if name not in left_out},
        **{name: provenance.audio.get(name) for name in ("loudness_lufs", "trim_db")},
        **_augmentation_of_0_1(provenance.augmentation),
        "split": _digest(provenance.split_fingerprint),
    }


def _augmentation_of_0_1(augmentation: Mapping[str, Any]) -> dict[str, Any]:
    augmentations = {
        name: {"class_name" if field == "class" else field: value for field, value in fields.items()}
        for name, fields in augmentation.get("augmentations", {}).items()
    }
    return {**augmentation, "augmentations": augmentations}


def differing_settings(earlier: Mapping[str, Any], run: Run, settings: Mapping[str, Any]) -> list[str]:
    """What is other than before, each as "learning_rate: 5e-05 → 0.001".

    Args:
        earlier: what was recorded of another run, maybe not everything.
        run: this one.
        settings: of this run, see `run_settings`.
    """
    now = recorded_settings(run, settings)
    return [
        f"{_CONTENTS[name]}: changed"
        if name in _CONTENTS
        else f"{name}: {_in_json(before)} → {_in_json(now[name])}"
        for name, before in earlier.items()
        if name in now and before != now[name]
    ]


def _digest(value: Any) -> str:
    return sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def _in_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
