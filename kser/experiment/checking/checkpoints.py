"""Whether the checkpoint that a model starts from is on this machine, and what is worth knowing of it."""

from dataclasses import dataclass

from kser.checkpoints.locate import CONFIG_FILE, WEIGHTS_FILES, checkpoint_files
from kser.checkpoints.named_checkpoints import NamedCheckpoint, named_checkpoint
from kser.errors import UserError
from kser.experiment.config.model_config import ModelConfig
from kser.experiment.runs.published_model import replaced_head
from kser.models.families import SCRATCH_PREFIX
from kser.models.preset_loader import CheckpointLoader, preset_loader
from kser.models.speech_audio_converter import assumed_format

# Of a KerasHub preset, in one piece or sharded.
_PRESET_WEIGHTS = ("model.weights.h5", "model.weights.json")
_KERAS_HUB_HANDLES = ("kaggle://", "modelscope://", "gs://")


@dataclass(frozen=True)
class Checkpoint:
    """Where a checkpoint is.

    Attributes:
        name: as the model JSON has it.
        found: where, in words.
        has_config: whether its configuration is here, so that the architecture is known.
        has_weights: whether its weights are here.
        to_obtain: what is missing and cannot be had by itself, in a line; empty where nothing is.
        published: what kser knows of it without its files.
    """

    name: str
    found: str
    has_config: bool = False
    has_weights: bool = False
    to_obtain: str = ""
    published: NamedCheckpoint | None = None


def find_checkpoint(name: str) -> Checkpoint:
    """Look for a checkpoint, without downloading its weights.

    Args:
        name: `model_path_or_name` of a model JSON.

    Raises:
        UserError: it is neither a folder nor of the form of a hub id, the hub has no such repository or
            revision, or what is there is no checkpoint.
    """
    if name.startswith(SCRATCH_PREFIX):
        return Checkpoint(name, "random weights", has_config=True, has_weights=True)
    published = named_checkpoint(name)
    if name.startswith(_KERAS_HUB_HANDLES):
        return Checkpoint(name, "KerasHub downloads it in the first run", published=published)
    files = checkpoint_files(name)
    try:
        config = files.find(CONFIG_FILE)
    except UserError as error:
        if not _is_silence(error):
            raise
        return Checkpoint(name, "not here", to_obtain=str(error), published=published)
    if config is None:
        raise UserError(f"{name}: has no {CONFIG_FILE}: neither a KerasHub preset nor a published checkpoint")
    if any(files.is_local(weights) for weights in _all_weights()):
        found = f"in {config.parent}"
        return Checkpoint(name, found, has_config=True, has_weights=True, published=published)
    if any(files.is_available(weights) for weights in _all_weights()):
        return Checkpoint(name, "downloaded by the first run", has_config=True, published=published)
    return Checkpoint(
        name,
        f"without weights in {config.parent}",
        has_config=True,
        to_obtain=f"{config.parent}: has {CONFIG_FILE} but no weights of {name}: "
        f"{', '.join(WEIGHTS_FILES[:-1])} or {WEIGHTS_FILES[-1]}, of a KerasHub preset {_PRESET_WEIGHTS[0]}",
        published=published,
    )


def checkpoint_notes(model: ModelConfig, checkpoint: Checkpoint) -> list[str]:
    """What is assumed of a checkpoint, and what of it is replaced, a line each.

    Args:
        model: that starts from it.
        checkpoint: as `find_checkpoint` found it.
    """
    if model.model_path_or_name.startswith(SCRATCH_PREFIX) or not checkpoint.has_config:
        return []
    loader = preset_loader(checkpoint.name)
    assumed = assumed_format(loader.checkpoint) if isinstance(loader, CheckpointLoader) else ""
    replaced = replaced_head(model) if checkpoint.has_weights else ""
    return [*([f"{checkpoint.name}: {assumed}"] if assumed else []), *([replaced] if replaced else [])]


def _all_weights() -> tuple[str, ...]:
    return WEIGHTS_FILES + _PRESET_WEIGHTS


def _is_silence(error: UserError) -> bool:
    """Whether the files may well be there, but not for this machine at present; tests hold these words."""
    return any(words in str(error) for words in ("hub cannot be reached", "access is granted by its owner"))
