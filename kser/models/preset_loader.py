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
    TASK_CONFIG_FILE,
    TASK_WEIGHTS_FILE,
    KerasPresetLoader,
    PresetLoader,
    check_config_class,
    check_file_exists,
    get_preset_loader,
    list_subclasses,
    load_json,
)
from kser.models.initializers import zeros_instead_of_draws
from kser.models.published_heads import PublishedHead, published_head

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


class SpeechPresetLoader(KerasPresetLoader):
    """A preset that KerasHub or kser saved."""

    def load_backbone(self, cls: Any, load_weights: bool, **kwargs: Any) -> Any:
        with _naming_missing_files(self.preset), zeros_instead_of_draws() if load_weights else nullcontext():
            return super().load_backbone(cls, load_weights, **kwargs)

    def load_task(self, cls: Any, load_weights: bool, load_task_weights: bool, **kwargs: Any) -> Any:
        # A new head keeps its random weights.
        loaded = load_weights and load_task_weights and check_file_exists(self.preset, TASK_WEIGHTS_FILE)
        with zeros_instead_of_draws() if loaded else nullcontext():
            return super().load_task(cls, load_weights, load_task_weights, **kwargs)

    def saved_task(self, requested: type) -> type | None:
        """The class of the task that the preset was saved from, if it is `requested` or a subclass."""
        if not check_file_exists(self.preset, TASK_CONFIG_FILE):
            return None
        found: type = check_config_class(load_json(self.preset, TASK_CONFIG_FILE))
        return found if issubclass(found, requested) else None

    def head_names(self) -> dict[str, list[str]]:
        """What the saved task's head is for, by the arguments of its class; it must have one."""
        saved = load_json(self.preset, TASK_CONFIG_FILE)
        return {name: saved["config"][name] for name in check_config_class(saved).new_head_arguments}

    def weights_name(self) -> str:
        """What tells the weights from others; empty for a folder, whose files do."""
        return "" if Path(self.preset).is_dir() else self.preset

    def load_audio_converter(self, cls: Any, **kwargs: Any) -> Any:
        with _naming_missing_files(self.preset):
            return super().load_audio_converter(cls, **kwargs)

    def _resolve_dtype(self, config: dict, kwargs: dict) -> Any:
        # A mixed policy, of float32 weights, is taken as it was saved; KerasHub fails on its name.
        saved = config.get("config", {}).get("dtype") or {}
        mixed = str(saved.get("config", {}).get("name", "")).startswith("mixed_")
        if mixed and kwargs.get("dtype") is None:
            return saved
        return super()._resolve_dtype(config, kwargs)

    def matching_class(self, requested: type) -> Any:
        """The preset's backbone class, which must be `requested` or a subclass."""
        found = self.check_backbone_class()
        if not issubclass(found, requested):
            raise UserError(
                f"{self.preset}: holds a {found.__name__}, which {requested.__name__} does not load"
            )
        return found


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
        try:
            with zeros_instead_of_draws() if load_weights else nullcontext():
                backbone = cls(**{**cls.convert_config(self.checkpoint), **kwargs})
        except ValueError as error:  # incompatible values, which the layers refuse
            reason = " ".join(str(error).split())
            raise UserError(f"{self.preset}: {CONFIG_FILE} describes no {cls.__name__}: {reason}") from error
        if load_weights:
            backbone.convert_weights(self.checkpoint)
            warn_of_licence(self.preset)
        return backbone

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
        return cls(**{**cls.convert_config(self.checkpoint), **kwargs})


@contextmanager
def _naming_missing_files(preset: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise UserError(f"{preset}: is a KerasHub preset that lacks a file: {error}") from None


@cache
def warn_of_licence(preset: str) -> None:
    """Log that a named checkpoint's licence forbids commercial use: once per process, for all seeds."""
    checkpoint = named_checkpoint(preset)
    if checkpoint is not None and checkpoint.forbids_commercial_use:
        logger.warning("%s: its licence, %s, forbids commercial use", preset, checkpoint.licence)
