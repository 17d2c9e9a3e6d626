"""Loading models by name: KerasHub presets, and published checkpoints in the Hugging Face layout.

KerasHub chooses the converter of a Hugging Face checkpoint from a closed list. Here the checkpoint's
`model_type` chooses among the registered `SpeechBackbone` classes instead; everything else, KerasHub's own
presets above all, goes through KerasHub's loader.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import keras_hub

from kser.checkpoints.left_over_tensors import in_short
from kser.checkpoints.locate import (
    ADAPTER_CONFIG_FILE,
    CONFIG_FILE,
    AdapterFiles,
    CheckpointFiles,
    FolderFiles,
    checkpoint_files,
)
from kser.checkpoints.named_checkpoints import named_checkpoint
from kser.checkpoints.published_checkpoint import PublishedCheckpoint
from kser.errors import UserError
from kser.files import read_json
from kser.keras_internals import (
    PresetLoader,
    get_preset_loader,
    list_subclasses,
)
from kser.models.initializers import room_for_weights, zeros_instead_of_draws
from kser.models.published_heads import PublishedHead, published_head
from kser.models.saved_preset import SpeechPresetLoader, refusing

logger = logging.getLogger(__name__)


def preset_loader(preset: str | Path) -> "SpeechPresetLoader | CheckpointLoader":
    """The loader for a preset: a folder, a hub id with or without `hf://` and `@revision`, a short name of
    `kser.checkpoints.named_checkpoints`, or a KerasHub handle.

    Raises:
        UserError: it was not found, or its `config.json` describes no speech model.
    """
    preset = str(preset)
    if preset.startswith(("kaggle://", "modelscope://", "gs://")):
        loader = get_preset_loader(preset)
        return SpeechPresetLoader(loader.preset, loader.config)
    files = checkpoint_files(preset)
    config_path = files.find(CONFIG_FILE)
    if config_path is None:
        raise UserError(
            f"{preset}: has no {CONFIG_FILE}: neither a KerasHub preset nor a published checkpoint"
        )
    config = read_json(config_path)
    if isinstance(config, dict) and "registered_name" in config:
        return SpeechPresetLoader(_handle(files), config)
    return CheckpointLoader(preset, config)


def _handle(files: CheckpointFiles) -> str:
    """KerasHub's handle of a preset; it knows only the newest revision and gets any other as a folder."""
    if isinstance(files, AdapterFiles):
        raise UserError(
            f"{files.name}: {ADAPTER_CONFIG_FILE}: only an adapter on a published checkpoint is merged"
        )
    if isinstance(files, FolderFiles):
        return str(files.folder)
    if files.revision == "main":
        return f"hf://{files.repository}"
    return str(files.fetch("*.json", "*.h5", "assets/*"))


def trained_head(loader: Any, requested: type) -> str:
    """What a trained head is that a new one would replace, in words; empty where there is none.

    Args:
        loader: of `preset_loader`. A head whose configuration cannot be used does not keep its backbone from
            being used.
        requested: the class of the tasks whose heads count.
    """
    try:
        found = loader.saved_task(requested)
    except UserError as error:
        return f"not usable: {error}"
    return "" if found is None else found.__name__


def checkpoint_classes(base: type) -> dict[str, Any]:
    """The class that loads the checkpoints of each `model_type`: `base` or a registered subclass."""
    return {
        model_type: cls
        for cls in [base, *list_subclasses(base)]
        for model_type in getattr(cls, "model_types", ())
    }


class CheckpointLoader(PresetLoader):
    """A published checkpoint in the Hugging Face layout, of any family kser knows."""

    def __init__(self, preset: str, config: dict):
        super().__init__(preset, config)
        self.checkpoint = PublishedCheckpoint(preset)

    def check_backbone_class(self) -> type:
        return self.matching_class(keras_hub.models.Backbone)

    def matching_class(self, requested: type) -> Any:
        """The backbone class for this checkpoint's `model_type`, which must be `requested` or a subclass."""
        families = checkpoint_classes(requested)
        model_type = self.checkpoint.model_type
        if model_type not in families:
            raise UserError(
                f"{self.preset}: is a {model_type} checkpoint, which {requested.__name__} does not load "
                f"(it loads {', '.join(sorted(families)) or 'none'})"
            )
        return families[model_type]

    @cached_property
    def head(self) -> PublishedHead | None:
        """The checkpoint's trained head, if it has one that kser knows."""
        family: Any = self.check_backbone_class()
        return published_head(self.checkpoint, family.published_pooling)

    def saved_task(self, requested: type) -> type | None:
        """The class for the checkpoint's trained head, which must be `requested` or a subclass."""
        if self.head is None:
            return None
        classes: list[Any] = [requested, *list_subclasses(requested)]
        wanted = self.head.problem_type
        return next((cls for cls in classes if getattr(cls, "problem_type", None) == wanted), None)

    def head_names(self) -> dict[str, list[str]]:
        """What the trained head is for, by the arguments of its class; there must be one."""
        task: Any = self.saved_task(keras_hub.models.Task)
        assert self.head is not None
        return dict.fromkeys(task.new_head_arguments, self.head.names)

    def weights_name(self) -> str:
        """What tells the weights from others: how the hub's cache calls their file, by its content."""
        return self.checkpoint.weights_path.resolve().name

    def load_task(self, cls: Any, load_weights: bool, load_task_weights: bool, **kwargs: Any) -> Any:
        task_class: Any = self.saved_task(cls) if load_task_weights else None
        head = self.head if load_task_weights else None
        if task_class is None or head is None:
            return super().load_task(cls, load_weights, load_task_weights, **kwargs)
        head.refuse_other(kwargs, self.preset)
        backbone_arguments, kwargs = self.get_backbone_kwargs(**kwargs)
        backbone = self._load_backbone(task_class.backbone_cls, load_weights, **backbone_arguments)
        (names,) = task_class.new_head_arguments
        arguments = {**head.arguments, names: head.names, "backbone": backbone, **kwargs}
        task = super().load_task(task_class, load_weights, True, **arguments)
        if load_weights:
            head.convert_weights(task, self.checkpoint)
            self._log_left_over()
        return task

    def load_backbone(self, cls: Any, load_weights: bool, **kwargs: Any) -> Any:
        backbone = self._load_backbone(cls, load_weights, **kwargs)
        if load_weights:
            self._log_left_over()
        return backbone

    def _load_backbone(self, cls: Any, load_weights: bool, **kwargs: Any) -> Any:
        cls = self.matching_class(cls)
        if kwargs.get("dtype") is None:
            kwargs.pop("dtype", None)
        described = refusing(f"{self.preset}: {CONFIG_FILE} describes no {cls.__name__}")
        # What is wrong with arguments of the caller's is raised as it is.
        with nullcontext() if kwargs.keys() - {"dtype"} else described:
            arguments = {**cls.convert_config(self.checkpoint), **kwargs}
            with self._room(load_weights):
                backbone = cls(**arguments)
        if load_weights:
            with refusing(f"{self.preset}: the weights cannot be read"):
                backbone.convert_weights(self.checkpoint)
            warn_of_licence(self.preset)
        return backbone

    @contextmanager
    def _room(self, load_weights: bool) -> Iterator[None]:
        """Within this block the weights are made, in no greater number than the files can hold."""
        numbers, where = None, "the memory of this machine holds"
        if load_weights:
            numbers = self.checkpoint.weights_in_bytes()
            where = f"its files can hold ({numbers} bytes)"
        too_many = f"{self.preset}: {CONFIG_FILE} describes more weights than {where}"
        with room_for_weights(numbers, too_many), zeros_instead_of_draws() if load_weights else nullcontext():
            yield

    def _log_left_over(self) -> None:
        """Heads are expected; tensors among the backbone's may mean a wrong configuration."""
        left_over = self.checkpoint.left_over()
        if left_over.expected:
            logger.info("%s: without its head: %s", self.preset, in_short(left_over.expected))
        if left_over.unexpected:
            logger.warning(
                "%s: tensors that the backbone has no place for were left out: %s",
                self.preset,
                in_short(left_over.unexpected),
            )

    def load_audio_converter(self, cls: Any, **kwargs: Any) -> Any:
        with refusing(f"{self.preset}: describes no {cls.__name__}"):
            arguments = cls.convert_config(self.checkpoint)
        return cls(**{**arguments, **kwargs})


@cache
def warn_of_licence(preset: str) -> None:
    """Log that a named checkpoint's licence forbids commercial use: once per process, for all seeds."""
    checkpoint = named_checkpoint(preset)
    if checkpoint is not None and checkpoint.forbids_commercial_use:
        logger.warning("%s: its licence, %s, forbids commercial use", preset, checkpoint.licence)
