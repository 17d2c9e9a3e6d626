"""Training on what the frozen part of a model gave once, instead of on audio."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

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
    split_above_layers,
)
from kser.models.freezing import ALL
from kser.pipeline.feature_cache import FeatureCache
from kser.pipeline.feature_computing import compute_missing
from kser.pipeline.reading import Progress
from kser.pipeline.utterances import Utterances
from kser.pipeline.waveform_format import WaveformFormat
from kser.training.devices import undivided


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
    there are frames and no folder. Of any other model a `feature_cache` keeps what its frozen layers give,
    which compute as in inference then, or its feature encoder.

    Args:
        run: which.
        model: of the run.
        waveform_format: of the model.

    Returns:
        `None` for a model that is trained as a whole.

    Raises:
        UserError: a `feature_cache` is asked for, and there is nothing to keep or it depends on the padding.
    """
    folder, layers = run.model.feature_cache, run.model.freeze_layers
    if folder is None and layers != ALL:
        return None
    try:
        split = split_above_layers(model, layers) if isinstance(layers, int) else split_above_backbone(model)
    except UserError as error:
        raise UserError(f"{run.model_source}: {error}") from error
    if folder is not None and not waveform_format.mask_padding:
        raise UserError(
            f"{run.model_source}: feature_cache: {run.model.model_path_or_name} takes the padding for sound "
            "(mask_padding: false), so that features depend on the batch; leave feature_cache out"
        )
    if run.model.head_solver != "gradient" and not (
        split.kind is Features.VECTORS and waveform_format.mask_padding
    ):
        raise UserError(
            f"{run.model_source}: head_solver: {run.model.head_solver} requires a pooling without weights "
            "(pooling_mode mean, sum, max or first_last) and a model that leaves the padding out"
        )
    if not is_kept(run, split, waveform_format):
        return FrozenPart(split, None)
    kept_in = None if folder is None else resolve_input(folder)
    return FrozenPart(split, _cache(split, model, waveform_format, kept_in))


def is_kept(run: Run, split: FeatureSplit, waveform_format: WaveformFormat) -> bool:
    """Whether what the lower part of a model gives of a recording is kept, and computed only once."""
    has_place = run.model.feature_cache is not None or split.kind is Features.VECTORS
    augments = run.model.is_trained and run.config.augmentations
    return waveform_format.mask_padding and has_place and not augments


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
    cache = frozen.cache
    if cache is None:
        return frozen.split.joined(), parts
    featured = {
        part: _with_features(utterances, cache, frozen.split, progress) for part, utterances in parts.items()
    }
    return frozen.split.upper, featured


def vectors_of(
    model: EmotionTask, utterances: Utterances, progress: Progress | None = None
) -> tuple[keras.Model, Utterances]:
    """What a trained model whose backbone was frozen predicts with: its head, from vectors kept in memory.

    Models that share the backbone share the vectors: it is computed once for all seeds.

    Args:
        model: whole.
        utterances: to predict.
        progress: shows how far the computing is.

    Returns:
        As `above_frozen_part`; the model itself and the utterances as they are where vectors do not suffice.
    """
    split = split_above_backbone(model)
    if split.kind is not Features.VECTORS or not utterances.format.mask_padding:
        return model, utterances
    cache = _cache(split, model, utterances.format, None)
    return split.upper, _with_features(utterances, cache, split, progress)


def _cache(
    split: FeatureSplit, model: EmotionTask, waveform_format: WaveformFormat, folder: Path | None
) -> FeatureCache:
    return FeatureCache(
        folder,
        split.key(),
        waveform_format,
        split.channels,
        0 if split.kind is Features.VECTORS else model.backbone.samples_per_frame,
        model.backbone.maximum_samples,
        model.backbone.padded_samples,
        split.vectors,
        split.taken,
    )


def _with_features(
    utterances: Utterances, cache: FeatureCache, split: FeatureSplit, progress: Progress | None
) -> Utterances:
    """The utterances with their features, which are computed where they are not kept yet."""

    def encoder(waveform: np.ndarray, padding_mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        with undivided():  # one recording at a time
            given = split.lower.predict_on_batch({"waveform": waveform, "padding_mask": padding_mask})
        return given["features"], given["frame_mask"]

    compute_missing(cache, utterances.reader, utterances.paths, encoder, progress)
    return utterances.with_features(cache)
