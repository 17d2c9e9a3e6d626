"""Write the golden checkpoints and what `transformers` makes of them.

Run by hand where the `torch` extra is installed: `python -m tests.golden.make_golden`.
"""

import shutil
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForAudioClassification,
    AutoModelForCTC,
    PreTrainedConfig,
    PreTrainedModel,
    Wav2Vec2FeatureExtractor,
    logging,
)

from kser.models.transformers_reference import transformers_states
from tests.golden import VARIANTS, golden_folder

SAMPLING_RATE = 16_000
LENGTHS = (8000, 5600, 3217)
AUDIO = {"sampling_rate": SAMPLING_RATE, "return_tensors": "pt"}

GROUP = {"feat_extract_norm": "group", "conv_bias": False}
LAYER = {"feat_extract_norm": "layer", "conv_bias": True}
POST_NORM = {"do_stable_layer_norm": False}
PRE_NORM = {"do_stable_layer_norm": True}
# The two layouts that nearly all published checkpoints have get a third layer; the files stay small.
SHALLOW = {"num_hidden_layers": 2}


# The other families are there for what sets them apart; what they share is tested with Wav2Vec2.
TINY = SHALLOW | {
    "hidden_size": 16,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "conv_dim": [8] * 7,
    "num_conv_pos_embeddings": 16,
}
# Distances beyond 4 frames share buckets, beyond 12 the last: all kinds are in half a second.
FEW_BUCKETS = {"num_buckets": 16, "max_bucket_distance": 12}


@dataclass(frozen=True)
class Recipe:
    """What sets a variant apart.

    Args:
        config: fields of the configuration that differ from `tiny_config`.
        model_type: family.
        head: save the backbone inside a model for `"classification"` or `"ctc"`, with the head's tensors.
        old_weight_norm: name the tensors of the weight norm as PyTorch < 2.1 did.
    """

    config: dict[str, Any] = field(default_factory=dict)
    model_type: str = "wav2vec2"
    head: str = ""
    old_weight_norm: bool = False


RECIPES = {
    "group_norm": Recipe(GROUP | POST_NORM),
    "group_norm_stable": Recipe(GROUP | PRE_NORM | SHALLOW),
    "layer_norm": Recipe(
        LAYER | PRE_NORM | {"num_conv_pos_embeddings": 128, "num_conv_pos_embedding_groups": 16}
    ),
    "layer_norm_post": Recipe(LAYER | POST_NORM | SHALLOW),
    "no_mask_embedding": Recipe(
        LAYER | PRE_NORM | SHALLOW | {"mask_time_prob": 0.0, "mask_feature_prob": 0.0}
    ),
    "old_weight_norm": Recipe(GROUP | POST_NORM | SHALLOW, old_weight_norm=True),
    "with_head": Recipe(LAYER | PRE_NORM | SHALLOW | {"num_conv_pos_embeddings": 19}, head="classification"),
    "hubert": Recipe(TINY | GROUP | POST_NORM, "hubert"),
    "hubert_large": Recipe(TINY | LAYER | PRE_NORM, "hubert", head="ctc"),
    "hubert_without_projection_norm": Recipe(
        TINY | GROUP | POST_NORM | {"feat_proj_layer_norm": False, "apply_spec_augment": False},
        "hubert",
        old_weight_norm=True,
    ),
    "hubert_batch_norm": Recipe(TINY | LAYER | POST_NORM | {"conv_pos_batch_norm": True}, "hubert"),
    "wavlm": Recipe(TINY | GROUP | POST_NORM, "wavlm", head="classification"),
    "wavlm_large": Recipe(
        TINY | LAYER | PRE_NORM | FEW_BUCKETS | {"conv_bias": False}, "wavlm", old_weight_norm=True
    ),
    "data2vec_audio": Recipe(
        TINY | {"num_conv_pos_embeddings": 5, "conv_pos_kernel_size": 19}, "data2vec-audio", head="ctc"
    ),
    "unispeech": Recipe(TINY | LAYER | PRE_NORM, "unispeech", head="ctc"),
    "unispeech_sat": Recipe(TINY | GROUP | POST_NORM, "unispeech-sat", head="classification"),
}
"""The seed of a variant is its place: new ones go to the end."""

HEADS = {"": AutoModel, "classification": AutoModelForAudioClassification, "ctc": AutoModelForCTC}


def main() -> None:
    """Write everything anew: `inputs.npz`, and a folder for each variant."""
    assert tuple(RECIPES) == VARIANTS
    torch.set_num_threads(1)  # sums in one order, whatever the machine's number of cores
    logging.set_verbosity_error()  # no word on the tensors of the head, which the backbone does without
    logging.disable_progress_bar()
    inputs = make_inputs(np.random.default_rng(0))
    write_arrays(Path(__file__).parent / "inputs.npz", inputs)
    for seed, (variant, recipe) in enumerate(RECIPES.items()):
        write_checkpoint(golden_folder(variant), recipe, seed)
        results = expected_results(golden_folder(variant), inputs)
        check(variant, results)
        write_arrays(golden_folder(variant) / "expected.npz", results)


def make_inputs(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """What every variant is given.

    `waveforms`, `lengths` and `features_alone` of `tests.golden.expected`, and its `features` of checkpoints
    whose feature extractor gives no mask, `features_without_mask`.
    """
    waveforms = make_waveforms(rng)
    alone = np.zeros_like(waveforms)
    extract = Wav2Vec2FeatureExtractor(do_normalize=True)
    for i, length in enumerate(LENGTHS):
        alone[i, :length] = extract(waveforms[i, :length], sampling_rate=SAMPLING_RATE)["input_values"][0]
    return {
        "waveforms": waveforms,
        "lengths": np.array(LENGTHS),
        "features_alone": alone,
        "features_without_mask": extract(unpadded(waveforms), padding=True, **AUDIO)["input_values"].numpy(),
    }


def unpadded(waveforms: np.ndarray) -> list[np.ndarray]:
    """Each utterance of its own length."""
    return [waveform[:length] for waveform, length in zip(waveforms, LENGTHS, strict=True)]


def make_waveforms(rng: np.random.Generator) -> np.ndarray:
    """Voices of a kind: gliding harmonics under a syllable-like envelope, with noise and a constant offset.

    Returns:
        (3, 8000) float32, zero after each of `LENGTHS`; peaks near 0.2. The values are multiples of
        1/512, so that the file is small.
    """
    waveforms = np.zeros((len(LENGTHS), max(LENGTHS)), dtype=np.float32)
    for i, length in enumerate(LENGTHS):
        time_s = np.arange(length) / SAMPLING_RATE
        pitch_hz = rng.uniform(90, 250) * (1 + 0.2 * np.sin(2 * np.pi * rng.uniform(1, 3) * time_s))
        phase = 2 * np.pi * np.cumsum(pitch_hz) / SAMPLING_RATE
        voice = sum(np.sin(k * phase + rng.uniform(0, 2 * np.pi)) / k for k in range(1, 16))
        syllables = 0.2 + np.sin(2 * np.pi * rng.uniform(3, 5) * time_s) ** 2
        sound = 0.08 * syllables * voice + rng.normal(0, 0.01, length) + 0.01
        waveforms[i, :length] = np.round(sound * 512) / 512
    return waveforms


def tiny_config(model_type: str = "wav2vec2", **fields: Any) -> PreTrainedConfig:
    """A family with the published convolutions' kernels and strides, and everything else small."""
    small: dict[str, Any] = {
        "hidden_size": 32,
        "num_attention_heads": 4,
        "intermediate_size": 48,
        "num_hidden_layers": 3,
        "conv_dim": [16] * 7,
        "conv_kernel": [10, 3, 3, 3, 3, 2, 2],
        "conv_stride": [5, 2, 2, 2, 2, 2, 2],
        "num_conv_pos_embeddings": 32,
        "num_conv_pos_embedding_groups": 4,
        "vocab_size": 12,
        "classifier_proj_size": 8,
        "id2label": dict(enumerate(("anger", "happiness", "neutrality", "sadness"))),
        "label2id": {"anger": 0, "happiness": 1, "neutrality": 2, "sadness": 3},
    }
    return AutoConfig.for_model(model_type, **(small | fields))


def write_checkpoint(folder: Path, recipe: Recipe, seed: int) -> None:
    """Write a random checkpoint in the Hugging Face layout, in place of an older one."""
    shutil.rmtree(folder, ignore_errors=True)
    config = tiny_config(recipe.model_type, **recipe.config)
    model = HEADS[recipe.head].from_config(config)
    randomise(model, torch.Generator().manual_seed(seed))
    model.save_pretrained(folder)
    # data2vec-audio knows no group norm.
    mask = getattr(config, "feat_extract_norm", "layer") == "layer"
    Wav2Vec2FeatureExtractor(do_normalize=True, return_attention_mask=mask).save_pretrained(folder)
    if recipe.old_weight_norm:
        rename_weight_norm(folder / "model.safetensors")


@torch.no_grad()
def randomise(model: torch.nn.Module, generator: torch.Generator) -> None:
    """Draw every parameter anew, so that no bias or scale of a norm is at a value that hides a fault."""
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        if name.endswith("parametrizations.weight.original0"):  # the norms of the position convolution
            parameter.copy_(1.0 + 0.3 * noise.abs())
        elif "norm" in name and name.endswith("weight"):
            parameter.copy_(1.0 + 0.2 * noise)
        elif parameter.ndim == 1:  # biases, shifts of norms, the mask embedding
            parameter.copy_(0.1 * noise)
        else:  # keeps signals near unit variance; the convolutions' activations take a third of it
            gain = 1.5 if "conv_layers" in name else 1.0
            parameter.copy_(noise * (gain / parameter[0].numel()) ** 0.5)
    for name, buffer in model.named_buffers():  # a batch norm's
        if name.endswith(("running_mean", "running_var")):
            noise = 0.3 * torch.randn(buffer.shape, generator=generator)
            buffer.copy_(noise if name.endswith("mean") else 1.0 + noise.abs())


def rename_weight_norm(path: Path) -> None:
    """Name the weight norm's tensors as most published checkpoints do."""
    names = {"parametrizations.weight.original0": "weight_g", "parametrizations.weight.original1": "weight_v"}
    tensors = load_file(path)
    for name in list(tensors):
        for new, old in names.items():
            if name.endswith(new):
                tensors[name.replace(new, old)] = tensors.pop(name)
    save_file(tensors, path, metadata={"format": "pt"})


@torch.no_grad()
def expected_results(folder: Path, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What `transformers` makes of the inputs with a checkpoint, as `tests.golden.expected` says.

    The model computes in float64 and the results are rounded to float32: the rounding errors of its own
    float32 (about 6e-6 here, other ones on every machine) are no part of what is expected.
    """
    extract = Wav2Vec2FeatureExtractor.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder, attn_implementation="eager").eval().double()
    batch = extract(unpadded(inputs["waveforms"]), padding=True, **AUDIO)
    mask = batch.get("attention_mask")
    features = inputs["features_without_mask" if mask is None else "features_alone"]
    np.testing.assert_array_equal(batch["input_values"], features)
    results = {
        # Group-norm checkpoints come with an extractor that gives no mask: to them, padding is audio.
        "hidden_states_padded": hidden_states(model, batch["input_values"], mask),
        "frames": model._get_feat_extract_output_lengths(torch.tensor(LENGTHS)).numpy(),
    }
    for i, length in enumerate(LENGTHS):
        alone = torch.from_numpy(inputs["features_alone"][i : i + 1, :length])
        results[f"hidden_states_unpadded_{i}"] = hidden_states(model, alone, None)[:, 0]
    return results


def hidden_states(
    model: PreTrainedModel, values: torch.Tensor, mask: torch.Tensor | None = None
) -> np.ndarray:
    """`transformers_states` of float64, as many as the model has layers, and one."""
    states = transformers_states(model, values.double(), mask)
    assert len(states) == model.config.num_hidden_layers + 1
    return states


def check(variant: str, results: dict[str, np.ndarray]) -> None:
    """Refuse results that would let a wrong implementation pass: not finite, constant, or extreme."""
    for name, array in results.items():
        assert np.isfinite(array).all(), (variant, name)
        if name.startswith("hidden_states_unpadded"):
            assert array.std(axis=-1).min() > 0.1, (variant, name, "the same in every channel")
            assert array.std(axis=-2).mean() > 0.1, (variant, name, "the same in every frame")
            assert np.abs(array).max() < 50, (variant, name, "float32 loses too much")


def write_arrays(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write an .npz file whose bytes depend on the arrays alone: names in order, no time of writing."""
    with zipfile.ZipFile(path, "w") as file:
        for name in sorted(arrays):
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            with file.open(entry, "w") as stream:
                np.lib.format.write_array(stream, np.ascontiguousarray(arrays[name]), allow_pickle=False)


if __name__ == "__main__":
    main()
