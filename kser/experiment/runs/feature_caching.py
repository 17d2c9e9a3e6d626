"""Training on what the frozen part of a model gave once, instead of on audio."""

from collections.abc import Mapping
from dataclasses import dataclass

import keras
import numpy as np

from kser.errors import UserError
from kser.experiment.runs.planning import Run
from kser.files import resolve_input
from kser.models import EmotionTask
from kser.models.feature_split import (
    Features,
    FeatureSplit,
    split_above_backbone,
    split_at_feature_encoder,
)
from kser.models.freezing import ALL
from kser.pipeline.feature_cache import FeatureCache
from kser.pipeline.feature_computing import compute_missing
from kser.pipeline.reading import Progress
from kser.pipeline.utterances import Utterances
from kser.pipeline.waveform_format import WaveformFormat


@dataclass(frozen=True)
class FrozenPart:
    """The part of a run's model that training does not change.

    Attributes:
        split: where it ends.
        cache: where what it gives is kept; `None` where it is computed anew in each epoch.
    """

    split: FeatureSplit
    cache: FeatureCache | None


def frozen_part(run: Run, model: EmotionTask, waveform_format: WaveformFormat) -> FrozenPart | None:
    """What of a run's model is computed apart from the rest.

    A backbone that is frozen as a whole computes as in inference, and once for a recording: pooled vectors
    are kept in memory, and in the folder of `feature_cache` if there is one; frames only in such a folder. It
    is computed in every epoch where the audio differs from epoch to epoch, where its padding counts, or where
    there are frames and no folder. Of any other model a `feature_cache` keeps what the feature encoder gives.

    Args:
        run: which.
        model: of the run.
        waveform_format: of the model.

    Returns:
        `None` for a model that is trained as a whole.

    Raises:
        UserError: a `feature_cache` is asked for, and there is nothing to keep or it depends on the padding.
    """
    folder = run.model.feature_cache
    is_frozen = run.model.freeze_layers == ALL
    if folder is None and not is_frozen:
        return None
    try:
        split = split_above_backbone(model) if is_frozen else split_at_feature_encoder(model)
    except UserError as error:
        raise UserError(f"{run.model_source}: {error}") from error
    if folder is not None and not waveform_format.mask_padding:
        raise UserError(
            f"{run.model_source}: feature_cache: {run.model.model_path_or_name} takes the padding for sound "
            "(mask_padding: false), so that features depend on the batch; leave feature_cache out"
        )
    stays = waveform_format.mask_padding and not run.config.augmentations
    if not stays or (folder is None and split.kind is not Features.VECTORS):
        return FrozenPart(split, None)
    cache = FeatureCache(
        None if folder is None else resolve_input(folder),
        split.key(),
        waveform_format,
        split.channels,
        0 if split.kind is Features.VECTORS else model.backbone.samples_per_frame,
        model.backbone.maximum_samples,
        split.vectors,
    )
    return FrozenPart(split, cache)


def above_frozen_part(
    frozen: FrozenPart, parts: Mapping[str, Utterances], progress: Progress | None = None
) -> tuple[keras.Model, Mapping[str, Utterances]]:
    """What is trained of a model whose frozen part computes apart, and the utterances as it takes them.

    Features that are not in the cache are computed first.

    Args:
        frozen: of `frozen_part`. Training the model that this gives trains the model that it was made of.
        parts: the utterances that training reads.
        progress: shows how far the computing is.

    Returns:
        A model of features and the parts for it; without a cache a model of audio.
    """
    cache, lower = frozen.cache, frozen.split.lower
    if cache is None:
        return frozen.split.joined(), parts

    def encoder(waveform: np.ndarray, padding_mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        given = lower.predict_on_batch({"waveform": waveform, "padding_mask": padding_mask})
        return given["features"], given["frame_mask"]

    for utterances in parts.values():
        compute_missing(cache, utterances.reader, utterances.paths, encoder, progress)
    return frozen.split.upper, {part: utterances.with_features(cache) for part, utterances in parts.items()}
