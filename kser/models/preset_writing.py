"""A published checkpoint, or another preset, written as a KerasHub preset."""

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import kser
from kser.checkpoints.left_over_tensors import LeftOver
from kser.checkpoints.named_checkpoints import named_checkpoint
from kser.checkpoints.published_checkpoint import PublishedCheckpoint
from kser.errors import UserError
from kser.files import write_json
from kser.models.preset_loader import CheckpointLoader, preset_loader
from kser.models.speech_audio_converter import SpeechAudioConverter
from kser.models.speech_backbone import SpeechBackbone
from kser.models.utterance_task import UtterancePreprocessor, UtteranceTask

SOURCE_FILE = "source.json"
"""In a written preset: `SourceFacts`, and the version of kser."""

_COMMIT = re.compile("[0-9a-f]{40}")


@dataclass(frozen=True)
class SourceFacts:
    """What a preset was made of.

    Args:
        source: as the user named it.
        architecture: `model_type` of a published checkpoint, else the backbone's class.
        parameters: of the backbone.
        weights_file: name of the file that was read, empty for a preset.
        commit: of the hub's repository, empty where there is none.
        licence: empty where none is known.
    """

    source: str
    architecture: str
    parameters: int
    weights_file: str = ""
    commit: str = ""
    licence: str = ""


@dataclass(frozen=True)
class LoadedSource:
    """What is written as a preset, and what is reported about it.

    Attributes:
        task: on the backbone, with the trained head of a published checkpoint; `None` where it has none.
    """

    backbone: SpeechBackbone
    audio_converter: SpeechAudioConverter
    facts: SourceFacts
    task: UtteranceTask | None = None
    checkpoint: PublishedCheckpoint | None = None
    left_over: LeftOver = field(default_factory=lambda: LeftOver({}, {}))


def load_source(source: str, on_tensor: Callable[[int, int], None] | None = None) -> LoadedSource:
    """Load backbone and audio converter, and the trained head of a published checkpoint.

    Args:
        source: what `SpeechBackbone.from_preset` takes.
        on_tensor: called with how many tensors of a published checkpoint were read, and how many it has.

    Raises:
        UserError: it was not found, or is not a speech model that kser loads.
    """
    loader = preset_loader(source)
    checkpoint = loader.checkpoint if isinstance(loader, CheckpointLoader) else None
    if checkpoint is not None:
        checkpoint.on_tensor = on_tensor
    task = None
    if checkpoint is not None and loader.saved_task(UtteranceTask):
        task = loader.load_task(UtteranceTask, True, True)
        backbone = task.backbone
    else:
        backbone = loader.load_backbone(loader.matching_class(SpeechBackbone), True)
    return LoadedSource(
        backbone,
        loader.load_audio_converter(SpeechAudioConverter),
        _facts(source, backbone, checkpoint),
        task,
        checkpoint,
        LeftOver({}, {}) if checkpoint is None else checkpoint.left_over(),
    )


def _facts(source: str, backbone: SpeechBackbone, checkpoint: PublishedCheckpoint | None) -> SourceFacts:
    known = named_checkpoint(source)
    licence = known.licence if known else ""
    if checkpoint is None:
        return SourceFacts(source, type(backbone).__name__, backbone.count_params(), licence=licence)
    path = checkpoint.weights_path
    commit = path.parent.name if _COMMIT.fullmatch(path.parent.name) else ""
    return SourceFacts(source, checkpoint.model_type, backbone.count_params(), path.name, commit, licence)


def write_preset(loaded: LoadedSource, folder: Path) -> None:
    """Write a preset that `from_preset` of backbones, converters and classifiers loads.

    Args:
        loaded: of `load_source`.
        folder: the destination, which must not exist yet.
    """
    if loaded.task is not None:
        loaded.task.save_to_preset(str(folder))
    else:
        loaded.backbone.save_to_preset(str(folder))
        UtterancePreprocessor(loaded.audio_converter).save_to_preset(str(folder))
    write_json(folder / SOURCE_FILE, {**asdict(loaded.facts), "kser_version": kser.__version__})


def check_destination(folder: Path, overwrite: bool) -> None:
    """Refuse to write where something else is.

    Args:
        folder: where a preset is to be written.
        overwrite: whether one that `write_preset` wrote earlier may be replaced.

    Raises:
        UserError: it exists and is not empty.
    """
    if folder.is_dir() and not any(folder.iterdir()):
        return
    if is_written_preset(folder):
        if not overwrite:
            raise UserError(f"{folder}: already holds a converted preset; --overwrite replaces it")
    elif folder.exists() or folder.is_symlink():
        kind = "is a folder with other content" if folder.is_dir() else "is a file"
        raise UserError(f"{folder}: {kind}, which is not overwritten; name a folder that does not exist yet")


def is_written_preset(folder: Path) -> bool:
    """Whether the folder holds what `write_preset` writes."""
    return (folder / SOURCE_FILE).is_file() and (folder / "config.json").is_file()
