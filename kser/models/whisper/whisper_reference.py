"""Whisper in `transformers`."""

from typing import Any

import numpy as np

from kser.checkpoints.published_checkpoint import PublishedCheckpoint
from kser.models.transformers_reference import TransformersReference, transformers_states
from kser.models.whisper.whisper_log_mel import SAMPLES_PER_FRAME

SAMPLING_RATE_HZ = 16_000


class WhisperReference(TransformersReference):
    """The encoder of Whisper, which takes 30 s of the published extractor's log-mel frames and no mask."""

    takes_mask = True  # each utterance goes through the extractor without its padding

    def frames(self, samples: int) -> int:
        return int(self.config.max_source_positions)

    def inputs(self, waveform: np.ndarray) -> Any:
        return self._features(list(waveform))

    def states(self, waveform: np.ndarray, padding_mask: np.ndarray | None = None) -> np.ndarray:
        mask = np.ones(waveform.shape, bool) if padding_mask is None else padding_mask
        utterances = [row[valid] for row, valid in zip(waveform, mask, strict=True)]
        return transformers_states(self.model.get_encoder(), self._features(utterances))

    def _features(self, utterances: list[np.ndarray]) -> Any:
        features = self._extractor()(utterances, sampling_rate=SAMPLING_RATE_HZ, return_tensors="np")
        return self.tensor(np.asarray(features["input_features"]))

    def _extractor(self) -> Any:
        from transformers import WhisperFeatureExtractor

        if PublishedCheckpoint(self.folder).feature_extractor_config():
            return WhisperFeatureExtractor.from_pretrained(self.folder)
        seconds = self.config.max_source_positions * SAMPLES_PER_FRAME // SAMPLING_RATE_HZ
        return WhisperFeatureExtractor(feature_size=self.config.num_mel_bins, chunk_length=seconds)
