"""Training on the features that a frozen feature encoder gave once, instead of on audio."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from kser.errors import UserError
from kser.experiment.runs.planning import Run
from kser.files import resolve_input
from kser.models.feature_split import encoder_key, feature_model, model_from_features
from kser.pipeline.feature_cache import FeatureCache
from kser.pipeline.feature_computing import compute_missing
from kser.pipeline.reading import Progress
from kser.pipeline.utterances import Utterances
from kser.pipeline.waveform_format import WaveformFormat


def feature_cache_of(run: Run, classifier: Any, waveform_format: WaveformFormat) -> FeatureCache | None:
    """Where the features of a run are kept, if the model JSON asks for it.

    Raises:
        UserError: there is nothing to keep, or what there is depends on the padding.
    """
    if run.model.feature_cache is None:
        return None
    backbone = classifier.backbone
    try:
        channels = feature_model(backbone).output["features"].shape[-1]
    except UserError as error:
        raise UserError(f"{run.model_source}: {error}") from error
    if not waveform_format.mask_padding:
        raise UserError(
            f"{run.model_source}: feature_cache: {run.model.model_path_or_name} takes the padding for sound "
            "(mask_padding: false), so that features depend on the batch; leave feature_cache out"
        )
    return FeatureCache(
        resolve_input(run.model.feature_cache),
        encoder_key(backbone),
        waveform_format,
        channels,
        int(np.prod(backbone.feature_encoder.strides)),
        backbone.maximum_samples,
    )


def with_features(
    cache: FeatureCache, classifier: Any, parts: Mapping[str, Utterances], progress: Progress | None = None
) -> tuple[keras.Model, dict[str, Utterances]]:
    """What is trained on features instead of audio: the upper part of a classifier, and the utterances.

    Features that are not in the cache are computed first.

    Args:
        cache: of `feature_cache_of`.
        classifier: with its weights. Training the model that this gives trains it.
        parts: the utterances that training reads.
        progress: shows how far the computing is.

    Returns:
        A model of features, and the parts for it.
    """
    lower = feature_model(classifier.backbone)

    def encoder(waveform: np.ndarray, padding_mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        given = lower.predict_on_batch({"waveform": waveform, "padding_mask": padding_mask})
        return given["features"], given["frame_mask"]

    for utterances in parts.values():
        compute_missing(cache, utterances.reader, utterances.paths, encoder, progress)
    featured = {part: utterances.with_features(cache) for part, utterances in parts.items()}
    return model_from_features(classifier), featured
