"""A small backbone of each family of speech transformers."""

from collections.abc import Callable

from kser.models import (
    Data2VecAudioBackbone,
    HubertBackbone,
    SpeechBackbone,
    UniSpeechBackbone,
    UniSpeechSatBackbone,
    Wav2Vec2Backbone,
    WavLMBackbone,
)

# Three convolutions, one frame every 20 samples; 45 samples for the first.
SMALL = {
    "num_layers": 2,
    "num_heads": 2,
    "hidden_dim": 16,
    "intermediate_dim": 24,
    "filters": [8, 8, 8],
    "kernel_sizes": [10, 4, 3],
    "strides": [5, 2, 2],
    "position_kernel_size": 6,
    "position_groups": 2,
}
LARGE = {"feature_norm": "layer", "norm_first": True, "use_conv_bias": True}


def family(cls: type[SpeechBackbone], **differing) -> Callable[..., SpeechBackbone]:
    """A function that builds a small backbone of that class, with any further arguments."""
    return lambda **arguments: cls(**{**SMALL, **differing, **arguments})


FAMILIES = {
    "wav2vec2": family(Wav2Vec2Backbone),
    "hubert_without_projection_norm": family(HubertBackbone, feature_projection_norm=False),
    "hubert_batch_norm": family(HubertBackbone, position_batch_norm=True),
    "wavlm": family(WavLMBackbone, num_buckets=8, max_distance=6, **LARGE),
    "data2vec_audio": family(Data2VecAudioBackbone, position_depth=3),
    "unispeech": family(UniSpeechBackbone, **LARGE),
    "unispeech_sat": family(UniSpeechSatBackbone),
}
"""A function that builds a backbone of each family and kind, by name."""
