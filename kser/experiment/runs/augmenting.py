"""From the augmentations of an experiment to what the pipeline does with them."""

import logging

import numpy as np

from kser.audio.augmentation import AugmentationSpec, Augmenter
from kser.errors import UserError
from kser.experiment.config.definition import ExperimentDefinition
from kser.pipeline.augmenting import AugmentationPlan

logger = logging.getLogger(__name__)


def augmentation_plan(experiment: ExperimentDefinition, seed: int) -> AugmentationPlan | None:
    """What is done to the training data of a run, or `None` where the experiment has no augmentations.

    Args:
        experiment: validated.
        seed: of the run.

    Raises:
        UserError: a line for each class that cannot be found or built, naming file and field.
    """
    config = experiment.config
    augmenters, mistakes = [], []
    for name, augmentation in config.augmentations.items():
        spec = AugmentationSpec(
            name=name,
            module=augmentation.module,
            class_name=augmentation.class_name,
            arguments=augmentation.model_extra or {},
            tensors=augmentation.tensors,
        )
        try:
            augmenters.append(Augmenter(spec, experiment.folder))
        except UserError as error:
            mistakes += [f"{experiment.source}: {line}" for line in str(error).splitlines()]
    if mistakes:
        raise UserError("\n".join(mistakes))
    if not augmenters:
        return None
    return AugmentationPlan(tuple(augmenters), config.augmentation_mode, config.augmentation_draws, seed)


def try_out(
    experiment: ExperimentDefinition, plan: AugmentationPlan, waveform: np.ndarray, sampling_rate: int
) -> None:
    """Try every augmentation on an utterance, before hours of training depend on it.

    Args:
        experiment: for messages.
        plan: of the experiment.
        waveform: float32 array (samples,).
        sampling_rate: Hz.

    Raises:
        UserError: a class fails, or cannot be repeated; names file and field.
    """
    for augmenter in plan.augmenters:
        try:
            augmenter.check_repeatable(waveform, sampling_rate)
        except UserError as error:
            raise UserError(f"{experiment.source}: {error}") from error
        longer = len(augmenter(waveform, sampling_rate, (0,))) - len(waveform)
        if longer > 0:
            logger.warning(
                "%s: augmentations.%s: makes utterances longer (by %.2f s of %.2f s, say); training cuts "
                "what goes beyond the length of the batch",
                experiment.source,
                augmenter.spec.name,
                longer / sampling_rate,
                len(waveform) / sampling_rate,
            )
