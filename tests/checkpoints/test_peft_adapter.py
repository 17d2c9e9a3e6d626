"""Adapters of PEFT: LoRA is merged as PEFT merges it, everything else refused."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from kser.checkpoints.locate import local_files
from kser.checkpoints.published_checkpoint import PublishedCheckpoint
from kser.errors import UserError

RNG = np.random.default_rng(0)
QUERY, VALUE, NORM = "layers.0.q_proj", "layers.1.v_proj", "layer_norm.weight"
BASE = {
    f"{QUERY}.weight": RNG.standard_normal((6, 4)),
    f"{QUERY}.bias": RNG.standard_normal(6),
    f"{VALUE}.weight": RNG.standard_normal((4, 4)),
    NORM: RNG.standard_normal(4),
}
LORA = {
    f"{QUERY}.lora_A.weight": RNG.standard_normal((2, 4)),
    f"{QUERY}.lora_B.weight": RNG.standard_normal((6, 2)),
    f"{VALUE}.lora_A.weight": RNG.standard_normal((3, 4)),
    f"{VALUE}.lora_B.weight": RNG.standard_normal((4, 3)),
}
CONFIG = {"peft_type": "LORA", "r": 2, "lora_alpha": 5, "rank_pattern": {"v_proj": 3}}


def save(path: Path, tensors: dict[str, np.ndarray], prefix: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({f"{prefix}{name}": tensor.astype(np.float32) for name, tensor in tensors.items()}, path)


def write_base(folder: Path, prefix: str = "") -> None:
    save(folder / "model.safetensors", BASE, prefix)
    (folder / "config.json").write_text('{"model_type": "wav2vec2"}')


def write_adapter(
    folder: Path, tensors: dict[str, np.ndarray] = LORA, prefix: str = "", **fields: object
) -> None:
    save(folder / "adapter_model.safetensors", tensors, f"base_model.model.{prefix}")
    (folder / "adapter_config.json").write_text(json.dumps({**CONFIG, **fields}))


def merged(module: str, scale: float) -> np.ndarray:
    """By hand, in float64."""
    change = LORA[f"{module}.lora_B.weight"] @ LORA[f"{module}.lora_A.weight"]
    return BASE[f"{module}.weight"] + scale * change


@pytest.mark.parametrize(
    ("fields", "query_scale", "value_scale"),
    [
        ({}, 5 / 2, 5 / 3),
        ({"use_rslora": True}, 5 / 2**0.5, 5 / 3**0.5),
        ({"alpha_pattern": {"layers.0.q_proj": 7}}, 7 / 2, 5 / 3),
        ({"alpha_pattern": {r"layers\.\d\.(q|v)_proj": 4, "v_proj": 1}}, 4 / 2, 4 / 3),
    ],
)
def test_scale(tmp_path: Path, fields: dict[str, object], query_scale: float, value_scale: float) -> None:
    write_base(tmp_path)
    write_adapter(tmp_path, **fields)
    checkpoint = PublishedCheckpoint(tmp_path)
    for module, scale in ((QUERY, query_scale), (VALUE, value_scale)):
        np.testing.assert_allclose(checkpoint.tensor(f"{module}.weight"), merged(module, scale), rtol=1e-5)
    np.testing.assert_array_equal(checkpoint.tensor(NORM), BASE[NORM].astype(np.float32))


def test_kernels_with_the_inputs_first(tmp_path: Path) -> None:
    write_base(tmp_path)
    square = {name: tensor for name, tensor in LORA.items() if name.startswith(VALUE)}
    write_adapter(tmp_path, square, fan_in_fan_out=True)
    change = (square[f"{VALUE}.lora_B.weight"] @ square[f"{VALUE}.lora_A.weight"]).T
    expected = BASE[f"{VALUE}.weight"] + 5 / 3 * change
    np.testing.assert_allclose(PublishedCheckpoint(tmp_path).tensor(f"{VALUE}.weight"), expected, rtol=1e-5)


@pytest.mark.parametrize(("of_base", "of_adapter"), [("wav2vec2.", ""), ("", "wav2vec2."), ("model.", "")])
def test_one_of_the_two_has_a_head(tmp_path: Path, of_base: str, of_adapter: str) -> None:
    write_base(tmp_path, prefix=of_base)
    write_adapter(tmp_path, prefix=of_adapter)
    tensor = PublishedCheckpoint(tmp_path).tensor(f"{of_base}{QUERY}.weight")
    np.testing.assert_allclose(tensor, merged(QUERY, 5 / 2), rtol=1e-5)


def test_saved_modules_and_biases_stand_in_the_place_of_the_base_models(tmp_path: Path) -> None:
    write_base(tmp_path)
    head, bias = np.ones((3, 4), np.float32), np.arange(6, dtype=np.float32)
    write_adapter(tmp_path, {**LORA, "classifier.weight": head, f"{QUERY}.base_layer.bias": bias})
    checkpoint = PublishedCheckpoint(tmp_path)
    np.testing.assert_array_equal(checkpoint.head_tensor("classifier.weight"), head)
    np.testing.assert_array_equal(checkpoint.tensor(f"{QUERY}.bias"), bias)


@pytest.mark.parametrize("config_beside", [False, True])
def test_adapter_without_weights_beside_it(tmp_path: Path, config_beside: bool) -> None:
    write_base(tmp_path / "base")
    (tmp_path / "base" / "preprocessor_config.json").write_text('{"sampling_rate": 8000}')
    adapter = tmp_path / "adapter"
    write_adapter(adapter, base_model_name_or_path="../base")
    if config_beside:
        shutil.copy(tmp_path / "base" / "config.json", adapter)
    checkpoint = PublishedCheckpoint(adapter)
    assert checkpoint.has_adapter
    assert checkpoint.feature_extractor_config() == {"sampling_rate": 8000}
    np.testing.assert_allclose(checkpoint.tensor(f"{QUERY}.weight"), merged(QUERY, 5 / 2), rtol=1e-5)
    # What follows from both is out of date when either changes.
    assert {path.resolve() for path in local_files(adapter)} == {
        path.resolve() for folder in (adapter, tmp_path / "base") for path in folder.iterdir()
    }


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"peft_type": "IA3"}, "adapter_config.json: peft_type: 'IA3': only plain LoRA is merged"),
        ({"use_dora": True}, "use_dora: True: only plain LoRA is merged"),
        ({"init_lora_weights": "pissa_niter_4"}, "init_lora_weights: 'pissa_niter_4': only plain LoRA"),
        ({"r": None}, "adapter_config.json: r: must be a whole number, got null"),
        ({"r": 4}, f"adapter_config.json: r: is 4 for {QUERY}, but its lora_A in adapter_model.safetensors"),
    ],
)
def test_what_is_not_merged(tmp_path: Path, fields: dict[str, object], says: str) -> None:
    write_base(tmp_path)
    write_adapter(tmp_path, **fields)
    assert_refused(tmp_path, says)


@pytest.mark.parametrize(
    ("tensors", "says"),
    [
        (
            {f"{QUERY}.lora_magnitude_vector": np.ones(6)},
            f"{QUERY}.lora_magnitude_vector: only LoRA on linear",
        ),
        ({f"{NORM}.lora_A.weight": np.ones((2, 4))}, f"{NORM}.lora_B.weight: only LoRA on linear layers"),
        (
            {"far.lora_A.weight": np.ones((2, 4)), "far.lora_B.weight": np.ones((6, 2))},
            "changes far.weight, which",
        ),
        ({f"{QUERY}.lora_B.weight": np.ones((5, 2))}, "changes a weight of shape (5, 4), but that of"),
        ({f"{QUERY}.lora_B.weight": np.ones((6, 3))}, "lora_A (2, 4) and lora_B (6, 3) do not fit together"),
    ],
)
def test_tensors_that_do_not_fit(tmp_path: Path, tensors: dict[str, np.ndarray], says: str) -> None:
    write_base(tmp_path)
    write_adapter(tmp_path, {**LORA, **tensors})
    assert_refused(tmp_path, says)


def test_files_that_are_missing(tmp_path: Path) -> None:
    write_adapter(tmp_path)
    assert_refused(tmp_path, "adapter_config.json: base_model_name_or_path: names no model")
    write_base(tmp_path)
    (tmp_path / "adapter_model.safetensors").unlink()
    assert_refused(tmp_path, "has adapter_config.json but no adapter_model.safetensors or adapter_model.bin")


def assert_refused(folder: Path, says: str) -> None:
    with pytest.raises(UserError) as refusal:
        PublishedCheckpoint(folder).tensor(f"{QUERY}.weight")
    assert says in str(refusal.value)
