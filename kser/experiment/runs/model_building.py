"""The model that a run starts with, as its JSON files say it."""

import gc
import json
import logging
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any

import keras

from kser.checkpoints.locate import local_files
from kser.errors import UserError
from kser.experiment.config.model_config import ModelConfig
from kser.experiment.runs.continuing import continued_model
from kser.experiment.runs.planning import Run
from kser.experiment.runs.published_model import replaced_head
from kser.models import EmotionTask, SpeechAudioConverter, UtterancePreprocessor
from kser.models.building import build_backbone
from kser.models.families import SCRATCH_PREFIX
from kser.models.freezing import ALL
from kser.training.devices import devices_in_use
from kser.training.shared_programs import forget_shared_program

logger = logging.getLogger(__name__)


def build_model(run: Run, head: Mapping[str, Any]) -> EmotionTask:
    """The model that a run starts with; the same weights for a seed on every backend.

    Args:
        run: its model JSON says what kind of model it is.
        head: see `RunData.head`.

    Raises:
        UserError: the model file asks for what is not there.
    """
    model = run.model
    if model.freeze_layers != ALL:  # a frozen backbone of the model before would take memory in vain
        forget_frozen_backbone()
        forget_shared_program()
    # What earlier heads of a kept backbone hold is little, and to look for it takes a third of the training.
    distribution = keras.distribution.distribution()
    keras.utils.clear_session(free_memory=not _keeps_backbone(model))
    keras.distribution.set_distribution(distribution)  # Keras counts it to the session
    keras.utils.set_random_seed(run.seed)
    if model.continue_model_training:
        return _frozen(run, continued_model(run, head))
    try:
        if replaced := replaced_head(model):
            _warn(replaced)
        backbone = _backbone(model)
        converter = _converter(run, backbone)
        freeze(backbone, model)
    except UserError as error:
        raise UserError(f"{run.model_source}: {error}") from error
    if model.freeze_layers == ALL:
        # The head begins with the same weights whether or not the backbone was loaded for it.
        keras.utils.set_random_seed(run.seed)
    try:
        task_model: EmotionTask = model.task.build_model(
            backbone,
            head,
            preprocessor=UtterancePreprocessor(converter),
            **model.head_arguments,
        )
        return task_model
    except ValueError as error:  # arguments that do not fit together, in a line
        raise UserError(f"{run.model_source}: {error}") from error


@cache
def _warn(line: str) -> None:
    """Log it once per process, for all seeds."""
    logger.warning(line)


def forget_frozen_backbone() -> None:
    """Load the backbone anew for the next run: one that failed may have left it without values."""
    _frozen_backbone.cache_clear()


def _backbone(model: ModelConfig) -> Any:
    """The backbone of a run; one that is frozen, and not of random weights, is loaded once for all seeds."""
    name, arguments = model.model_path_or_name, model.backbone_arguments
    if not _keeps_backbone(model):
        return build_backbone(name, arguments, model.precision)
    versions = tuple((str(path), path.stat().st_mtime_ns) for path in local_files(name))
    return _frozen_backbone(name, json.dumps(arguments), model.precision, versions, devices_in_use())


def _keeps_backbone(model: ModelConfig) -> bool:
    """Whether all runs of a model share one backbone in memory."""
    is_scratch = model.model_path_or_name.startswith(SCRATCH_PREFIX)
    return model.freeze_layers == ALL and not model.continue_model_training and not is_scratch


@lru_cache(maxsize=1)
def _frozen_backbone(
    name: str, arguments: str, precision: str, versions: tuple[tuple[str, int], ...], devices: int
) -> Any:
    """A backbone that nothing changes; the times of change see to it that it is up to date."""
    # The memory of the model before is free before this one is loaded.
    _frozen_backbone.cache_clear()
    forget_shared_program()
    gc.collect()
    return build_backbone(name, json.loads(arguments), precision)


def freeze(backbone: Any, model: ModelConfig) -> None:
    """Exclude from training what the model JSON says, and add the matrices of LoRA.

    Raises:
        UserError: the backbone has fewer layers, or not those that LoRA is asked for.
    """
    if model.freeze_feature_encoder:
        backbone.freeze_feature_encoder()
    backbone.freeze_layers(model.freeze_layers)
    if model.lora_rank is not None:
        backbone.enable_lora(model.lora_rank, model.lora_targets, model.lora_alpha)


def _converter(run: Run, backbone: Any) -> SpeechAudioConverter:
    """What makes inputs of audio: as the checkpoint wants it, with what the experiment asks for besides."""
    name = run.model.model_path_or_name
    steps = run.config.audio_processing.chosen()
    if name.startswith(SCRATCH_PREFIX):
        return SpeechAudioConverter(sampling_rate=backbone.sampling_rate, **steps)
    return SpeechAudioConverter.from_preset(name, **steps)


def _frozen(run: Run, model: EmotionTask) -> EmotionTask:
    """A model of which those parts are frozen that the model JSON says."""
    try:
        freeze(model.backbone, run.model)
    except UserError as error:
        raise UserError(f"{run.model_source}: {error}") from error
    return model
