"""Fresh random checkpoints, written and computed by the installed `transformers`."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kser.models import SpeechBackbone
from tests.parity.comparison import assert_equal_states, hidden_states, hidden_states_model, mask_of

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from transformers import AutoConfig, AutoModel, PreTrainedConfig, PreTrainedModel  # noqa: E402

from tests.golden import make_golden  # noqa: E402

# transformers' WavLM gives PyTorch a bool mask with a float bias.
pytestmark = pytest.mark.filterwarnings("ignore:Support for mismatched key_padding_mask:UserWarning")

LENGTHS = (4000, 2511)
UNLIKE_THE_GOLDEN = {
    "group norm with convolution bias": {"feat_extract_norm": "group", "conv_bias": True},
    "layer norm without convolution bias": {"feat_extract_norm": "layer", "conv_bias": False},
    "other convolutions": {
        "feat_extract_norm": "layer",
        "conv_dim": [24, 16, 8],
        "conv_kernel": [16, 5, 4],
        "conv_stride": [8, 5, 3],
    },
    "one head, one group, other epsilon": {
        "num_attention_heads": 1,
        "num_conv_pos_embedding_groups": 1,
        "num_conv_pos_embeddings": 5,
        "layer_norm_eps": 1e-3,
        "do_stable_layer_norm": True,
    },
    "hubert with batch norm, odd position kernel, other epsilon": {
        "model_type": "hubert",
        "conv_pos_batch_norm": True,
        "feat_proj_layer_norm": False,
        "num_conv_pos_embeddings": 7,
        "layer_norm_eps": 1e-3,
        "do_stable_layer_norm": True,
    },
    "wavlm with one head, frames further apart than the last bucket": {
        "model_type": "wavlm",
        "num_attention_heads": 1,
        "num_buckets": 8,
        "max_bucket_distance": 5,
        "feat_extract_norm": "layer",
    },
    "data2vec-audio with even kernels, a bias and another depth": {
        "model_type": "data2vec-audio",
        "conv_bias": True,
        "num_conv_pos_embeddings": 3,
        "conv_pos_kernel_size": 6,
        "num_conv_pos_embedding_groups": 2,
        "layer_norm_eps": 1e-3,
    },
}
SHRUNKEN = {"hidden_size": 96, "num_hidden_layers": 2, "intermediate_size": 64, "conv_dim": [16] * 7}
# As published, of families that have no file in the folder of configurations.
LARGE = {
    "hidden_size": 1024,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "intermediate_size": 4096,
    "feat_extract_norm": "layer",
    "do_stable_layer_norm": True,
    "conv_bias": True,
}
FULL_SIZE = {
    "hubert-base-ls960": {"model_type": "hubert"},
    "hubert-large-ll60k": {"model_type": "hubert", **LARGE},
    "data2vec-audio-base": {"model_type": "data2vec-audio"},
    "unispeech-large-1500h-cv": {"model_type": "unispeech", **LARGE},
    "unispeech-sat-base": {"model_type": "unispeech-sat"},
}


def config_of(fields: dict[str, Any]) -> PreTrainedConfig:
    """A configuration from the contents of a `config.json`."""
    fields = dict(fields)
    return AutoConfig.for_model(fields.pop("model_type"), **fields)


@pytest.mark.parametrize("fields", UNLIKE_THE_GOLDEN.values(), ids=UNLIKE_THE_GOLDEN)
def test_random_checkpoint(fields: dict[str, Any], tmp_path: Path) -> None:
    assert_parity(make_golden.tiny_config(**{"num_hidden_layers": 2, **fields}), tmp_path)


def published_configs() -> list[Path]:
    """Those of models that take waveforms; Whisper's are for test_live_encoders."""
    folder = Path(os.environ.get("KSER_CHECKPOINTS", Path(__file__).parents[3] / "shared" / "checkpoints"))
    paths = sorted(folder.glob("*/config.json"))
    return [path for path in paths if json.loads(path.read_text())["model_type"] != "whisper"]


@pytest.mark.parametrize("path", published_configs(), ids=lambda path: path.parent.name)
def test_published_config_in_small(path: Path, tmp_path: Path) -> None:
    published = {**json.loads(path.read_text()), **SHRUNKEN}
    assert_parity(config_of(published), tmp_path, published)


@pytest.mark.slow
@pytest.mark.parametrize("path", published_configs(), ids=lambda path: path.parent.name)
def test_published_config_at_full_size(path: Path, tmp_path: Path) -> None:
    published = json.loads(path.read_text())
    assert_parity(config_of(published), tmp_path, published, redraw=False)


@pytest.mark.slow
@pytest.mark.parametrize("fields", FULL_SIZE.values(), ids=FULL_SIZE)
def test_family_at_full_size(fields: dict[str, Any], tmp_path: Path) -> None:
    assert_parity(config_of(fields), tmp_path, redraw=False)


def assert_parity(
    config: PreTrainedConfig, folder: Path, published: dict[str, Any] | None = None, redraw: bool = True
) -> None:
    """Write a random model, and compare a batch with and without padding (of one shape: it compiles once).

    Args:
        config: of the model.
        folder: where to write it.
        published: contents of `config.json` to put in the place of what `transformers` writes.
        redraw: draw all parameters anew: as `transformers` draws them, biases and norms do nothing.
    """
    torch.manual_seed(0)
    model = AutoModel.from_config(config)
    if redraw:
        make_golden.randomise(model, torch.Generator().manual_seed(0))
    model.save_pretrained(folder)
    if published is not None:
        (folder / "config.json").write_text(json.dumps(published))
    model = model.eval().double()
    model.set_attn_implementation("eager")
    backbone = SpeechBackbone.from_preset(folder)
    assert config.model_type in type(backbone).model_types
    ours = hidden_states_model(backbone)

    values = np.random.default_rng(0).normal(size=(2, LENGTHS[0])).astype(np.float32)
    mask = mask_of(LENGTHS, LENGTHS[0])
    values[~mask] = 0
    padded = hidden_states(ours, values, mask)
    for i, length in enumerate(LENGTHS):
        theirs = states_of(model, values[i : i + 1, :length])
        assert_equal_states(padded[:, i : i + 1, : theirs.shape[2]], theirs)
    # without a mask both take the zeros for sound
    assert_equal_states(hidden_states(ours, values), states_of(model, values))
    if getattr(config, "feat_extract_norm", "layer") == "group":  # the recipe of these models gives no mask
        return
    if hasattr(backbone, "mask_position_padding"):
        published_code = SpeechBackbone.from_preset(folder, mask_position_padding=False)
        padded = hidden_states(hidden_states_model(published_code), values, mask)
    theirs = states_of(model, values, mask)
    frames = int(model._get_feat_extract_output_lengths(LENGTHS[1]))
    assert_equal_states(padded[:, 0], theirs[:, 0])
    assert_equal_states(padded[:, 1, :frames], theirs[:, 1, :frames])


@torch.no_grad()
def states_of(model: PreTrainedModel, values: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
    """`make_golden.hidden_states` of arrays."""
    return make_golden.hidden_states(
        model, torch.from_numpy(values), None if mask is None else torch.from_numpy(mask).long()
    )
