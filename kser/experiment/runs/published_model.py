"""Models with a trained head that no run of kser made: published checkpoints, and presets saved from Python.

They are evaluated, and trained further, like those that kser trained. What they were trained on is not known.
"""

import hashlib
from pathlib import Path
from typing import Any

import kser
from kser.checkpoints.locate import local_files
from kser.corpora.metadata import content_key
from kser.errors import UserError
from kser.experiment.config.model_config import ModelConfig
from kser.experiment.runs.trained_model import PROVENANCE_FILE, Provenance, load_provenance
from kser.experiment.tasks import task_from_settings, task_types

NO_HEAD = f"holds no model trained by kser (no {PROVENANCE_FILE}), and no trained head"


def has_trained_head(name: str) -> bool:
    """Whether a checkpoint or preset has a head that can be evaluated or trained further.

    Raises:
        UserError: it was not found, or is no speech model.
    """
    from kser.models import EmotionTask
    from kser.models.preset_loader import preset_loader

    return preset_loader(name).saved_task(EmotionTask) is not None


def trained_head_names(name: str, model_class: type[Any]) -> dict[str, list[str]] | None:
    """What the trained head of a checkpoint or preset is for, by the arguments of its class.

    Args:
        name: of the checkpoint, whose weights are on this machine.
        model_class: of its task.

    Returns:
        `None` where it has no head of that class.

    Raises:
        UserError: it was not found, or is no speech model.
    """
    from kser.models.preset_loader import preset_loader

    loader = preset_loader(name)
    return None if loader.saved_task(model_class) is None else loader.head_names()


def replaced_head(model: ModelConfig) -> str:
    """What is said of a run that puts a new head in the place of a trained one; empty for others."""
    from kser.models import EmotionTask
    from kser.models.families import SCRATCH_PREFIX
    from kser.models.preset_loader import preset_loader, trained_head

    name = model.model_path_or_name
    if model.continue_model_training or name.startswith(SCRATCH_PREFIX):
        return ""
    if not (head := trained_head(preset_loader(name), EmotionTask)):
        return ""
    return (
        f"{name}: its trained head ({head}) is replaced by a new one; continue_model_training: true goes on "
        "with it"
    )


def model_provenance(path: Path) -> Provenance:
    """Where a model comes from; of one that no run made, what evaluating it needs.

    Args:
        path: a folder, or the name of a published checkpoint.

    Raises:
        UserError: it holds no model with a head.
    """
    is_local = path.is_dir() or path.is_absolute()
    if (path / PROVENANCE_FILE).is_file() or (is_local and not (path / "config.json").is_file()):
        return load_provenance(path)
    return _provenance_of_published(str(path))


def _provenance_of_published(name: str) -> Provenance:
    import keras

    from kser.models import EmotionTask
    from kser.models.preset_loader import preset_loader

    loader = preset_loader(name)
    model_class = loader.saved_task(EmotionTask)
    if model_class is None:
        raise UserError(f"{name}: {NO_HEAD}")
    model = _model_config(name, model_class, loader.head_names())
    return Provenance(
        run_fingerprint=_fingerprint(name, loader.weights_name()),
        kser_version=kser.__version__,
        keras_version=keras.__version__,
        backend=keras.config.backend(),
        experiment_name="",
        training_dataset="",
        seed=0,  # it is one model, as one run is
        model_config=model.model_dump(),
        audio={},
        augmentation={},
        label_column=task_from_settings(model).class_column,
        split_fingerprint="",
        training={},
        recordings={},
    )


def _model_config(name: str, model_class: type[Any], head: dict[str, list[str]]) -> ModelConfig:
    """The model JSON that asks for a model of that class with that head."""
    for task_type in task_types():
        settings = task_type.settings_of(head)
        if settings is None:
            continue
        model = ModelConfig(name=Path(name).name, model_path_or_name=name, **settings)
        if task_from_settings(model).model_class is model_class:
            return model
    raise UserError(f"{name}: holds a {model_class.__name__}, which no task of kser is for")


def _fingerprint(name: str, weights: str) -> str:
    """Of the files of folders, or of what the hub's cache calls the weights: by content."""
    keys = [content_key(path) for path in local_files(name)]
    return hashlib.sha256("\n".join([weights, *keys]).encode()).hexdigest()[:16]
