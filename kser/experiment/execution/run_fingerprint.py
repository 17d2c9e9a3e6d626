"""What identifies a run: the same fingerprint means the same result."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras

from kser.checkpoints.locate import local_files
from kser.corpora.metadata import content_key
from kser.experiment.config.model_config import ModelConfig
from kser.experiment.runs.planning import Run
from kser.experiment.runs.run_data import RunData
from kser.experiment.search.searching import search_settings
from kser.files import is_there
from kser.models.freezing import ALL

# The version since which the same settings give the same results.
_RESULTS_OF = "0.1.0"
# Fields that 0.1.0 had. Those that came later are part of a fingerprint only where they do not have their
# defaults, so that results from before them stay what they are.
_FIRST_FIELDS = frozenset(
    """
    backbone_arguments best_metric continue_model_training dropout_rate early_stopping_patience
    early_stopping_threshold ema_momentum focal_gamma freeze_feature_encoder freeze_layers
    gradient_accumulation_steps gradual_unfreezing_epochs hp_search_method hp_search_space input_column
    is_multi_label is_regression label_smoothing layer_weighting layerwise_lr_decay learning_rate
    lora_alpha lora_rank lora_targets lr_scheduler max_grad_norm model_path_or_name
    number_of_training_epochs optimizer_weight_decay output_column per_device_batch_size pool_position
    pooling_arguments pooling_mode precision projection_activation projection_dim regression_columns
    regression_loss regression_weight skip_hp_search speaker_independent_scenario train_test_split
    use_batch_norm use_class_weights use_dropout use_l2_reg use_positive_weights use_relu
    use_weight_encoder_layers warmup_ratio weight_decay
    """.split()  # noqa: SIM905 (as a list it would take fifty lines)
)


def run_fingerprint(run: Run, data: RunData) -> str:
    """What a run is, as 16 hex digits.

    A finished run of the same fingerprint need not be repeated, an unfinished one may be continued.
    """
    return fingerprint_of(run_settings(run, data))


def fingerprint_of(settings: Mapping[str, Any]) -> str:
    """The fingerprint of a run with these settings, see `run_settings`."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]


def run_settings(run: Run, data: RunData) -> dict[str, Any]:
    """Everything that decides the result of a run: settings, audio, split, checkpoint, backend, versions."""
    without_effect = {"evaluation_batch_size", "save_steps", "save_total_limit", "logging_steps"}
    without_effect |= {"keep_states_every", "kept_states_limit"}
    return {
        "kser": _RESULTS_OF,
        "keras": keras.__version__,
        "backend": keras.config.backend(),
        "model": _model_settings(run.model),
        "checkpoint": _checkpoint_keys(run.model.model_path_or_name),
        "seed": run.seed,
        "plan": {
            name: value for name, value in vars(run.training_plan).items() if name not in without_effect
        },
        "labels": data.labels,
        "split": data.split_fingerprint,
        "values": data.values_fingerprint,
        "audio": [data.recordings(part) for part in ("train", "validation")],
        # Steps that came later are part of it only where they are asked for.
        "processing": {"loudness_lufs": None, "trim_db": None} | run.config.audio_processing.chosen(),
        "augmentation": _augmentation(run),
        # Kept features are rounded; where they are kept has no effect.
        "features_kept": run.model.feature_cache is not None,
        "search": search_settings(run),
    }


def _model_settings(model: ModelConfig) -> dict[str, Any]:
    # The run's own seed and eval_steps are settings of the run, wherever the JSON says them.
    without_effect = {"name", "factors", "batch_size", "logging_steps", "feature_cache", "seed", "eval_steps"}
    without_effect |= {"probe_layers", "layer_curve"}  # what makes the models, and where a page shows them
    without_effect |= {"num_cpus", "num_gpus"}  # what is asked of a cluster
    if model.skip_hp_search:
        without_effect |= {"hp_search_space", "hp_search_method"}
    fields = type(model).model_fields
    without_effect |= {
        name
        for name in fields.keys() - _FIRST_FIELDS
        if getattr(model, name) == fields[name].get_default(call_default_factory=True)
    }
    settings = model.model_dump(exclude=without_effect)
    # Until 0.1.0 what is random in a backbone's training was random in what is frozen of it, too.
    if model.freeze_layers == ALL:
        return settings | {"frozen_backbone": "as in inference"}
    if model.freeze_layers and model.feature_cache is not None:
        return settings | {"frozen_layers": "as in inference"}
    return settings


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
        for item in value:
            yield from _texts(item)


def _content_keys(path: Path) -> dict[str, str]:
    """Fingerprints of a file, or of all files in a folder; none where there is nothing."""
    if not is_there(path):
        return {}
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    return {file.relative_to(path).as_posix(): content_key(file) for file in files}


def _checkpoint_keys(name: str) -> list[str]:
    """Fingerprints of a local checkpoint's files; a hub id stands for itself."""
    return [content_key(path) for path in local_files(name)]
