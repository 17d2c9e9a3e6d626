"""Fresh random checkpoints, written and computed by the installed `transformers`."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kser.models import Wav2Vec2Backbone
from tests.parity.comparison import assert_equal_states, hidden_states, hidden_states_model, mask_of

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from transformers import Wav2Vec2Config, Wav2Vec2Model  # noqa: E402

from tests.golden import make_golden  # noqa: E402

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
}
SHRUNKEN = {"hidden_size": 96, "num_hidden_layers": 2, "intermediate_size": 64, "conv_dim": [16] * 7}


@pytest.mark.parametrize("fields", UNLIKE_THE_GOLDEN.values(), ids=UNLIKE_THE_GOLDEN)
def test_random_checkpoint(fields: dict[str, Any], tmp_path: Path) -> None:
    config = make_golden.tiny_config(**{"num_hidden_layers": 2, **fields})
    assert_parity(config, tmp_path)


def published_configs() -> list[Path]:
    folder = Path(os.environ.get("KSER_CHECKPOINTS", Path(__file__).parents[3] / "shared" / "checkpoints"))
    configs = sorted(folder.glob("*/config.json"))
    return [path for path in configs if json.loads(path.read_text())["model_type"] == "wav2vec2"]


@pytest.mark.parametrize("path", published_configs(), ids=lambda path: path.parent.name)
def test_published_config_in_small(path: Path, tmp_path: Path) -> None:
    published = {**json.loads(path.read_text()), **SHRUNKEN}
    assert_parity(Wav2Vec2Config.from_dict(published), tmp_path, published)


def assert_parity(config: Wav2Vec2Config, folder: Path, published: dict[str, Any] | None = None) -> None:
    """Write a random model, and compare a batch with and without padding (of one shape: it compiles once).

    Args:
        config: of the model.
        folder: where to write it.
        published: contents of `config.json` to put in the place of what `transformers` writes.
    """
    model = Wav2Vec2Model(config)
    make_golden.randomise(model, torch.Generator().manual_seed(0))
    model.save_pretrained(folder)
    if published is not None:
        (folder / "config.json").write_text(json.dumps(published))
    model = model.eval().double()
    model.set_attn_implementation("eager")
    ours = hidden_states_model(Wav2Vec2Backbone.from_preset(folder))

    values = np.random.default_rng(0).normal(size=(2, LENGTHS[0])).astype(np.float32)
    mask = mask_of(LENGTHS, LENGTHS[0])
    values[~mask] = 0
    with torch.no_grad():
        padded = hidden_states(ours, values, mask)
        for i, length in enumerate(LENGTHS):
            theirs = make_golden.hidden_states(model, torch.from_numpy(values[i : i + 1, :length]), None)
            assert_equal_states(padded[:, i : i + 1, : theirs.shape[2]], theirs)
        # without a mask both take the zeros for sound
        theirs = make_golden.hidden_states(model, torch.from_numpy(values), None)
        assert_equal_states(hidden_states(ours, values), theirs)
        if config.feat_extract_norm == "layer":  # the recipe of these models gives the mask
            theirs = make_golden.hidden_states(model, torch.from_numpy(values), torch.from_numpy(mask).long())
            frames = int(model._get_feat_extract_output_lengths(LENGTHS[1]))
            assert_equal_states(padded[:, 0], theirs[:, 0])
            assert_equal_states(padded[:, 1, :frames], theirs[:, 1, :frames])
