"""Which of a checkpoint's files is read, and weights in several files."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import save_file

from kser.checkpoints.published_checkpoint import PublishedCheckpoint
from kser.checkpoints.weights import WEIGHTS_FILES
from kser.errors import UserError
from tests.checkpoints.torch_archives import write_tensors

SAFETENSORS, SAFETENSORS_INDEX, TORCH, TORCH_INDEX = WEIGHTS_FILES
SHARDS = {SAFETENSORS: "model-0000{}-of-00002.safetensors", TORCH: "pytorch_model-0000{}-of-00002.bin"}
FORMATS = [SAFETENSORS, TORCH]
TENSORS = {f"layer.{i}": np.full((2, 3), i, np.float32) for i in range(4)}


def write_file(path: Path, tensors: dict[str, np.ndarray]) -> None:
    (save_file(tensors, path) if path.suffix == ".safetensors" else write_tensors(path, tensors))


def write(folder: Path, filename: str, tensors: dict[str, np.ndarray]) -> None:
    """Write weights under one of `WEIGHTS_FILES`; an index comes with two shards."""
    (folder / "config.json").write_text('{"model_type": "wav2vec2"}')
    if not filename.endswith(".index.json"):
        write_file(folder / filename, tensors)
        return
    shard = SHARDS[filename.removesuffix(".index.json")]
    weight_map = {name: shard.format(1 + i % 2) for i, name in enumerate(tensors)}
    for file in sorted(set(weight_map.values())):
        write_file(folder / file, {name: tensors[name] for name in tensors if weight_map[name] == file})
    (folder / filename).write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))


def change_index(folder: Path, filename: str, **shard_of: object) -> None:
    path = folder / f"{filename}.index.json"
    index = json.loads(path.read_text())
    index["weight_map"] |= {name.replace("_", "."): shard for name, shard in shard_of.items()}
    path.write_text(json.dumps(index))


@pytest.mark.parametrize("filename", WEIGHTS_FILES)
def test_every_kind_of_weights_is_read(filename: str, tmp_path: Path) -> None:
    write(tmp_path, filename, TENSORS)
    checkpoint = PublishedCheckpoint(tmp_path)
    for name, values in TENSORS.items():
        assert checkpoint.has(name)
        np.testing.assert_array_equal(checkpoint.tensor(name), values, strict=True)
    assert checkpoint.unused_tensors() == []


@pytest.mark.parametrize("first", range(len(WEIGHTS_FILES)))
def test_the_first_that_is_there_is_read_and_no_other(first: int, tmp_path: Path) -> None:
    for i, filename in enumerate(WEIGHTS_FILES[first:]):
        write(tmp_path, filename, {"a": np.array([i], np.float32), f"only in {i}": TENSORS["layer.1"]})
    checkpoint = PublishedCheckpoint(tmp_path)
    assert checkpoint.tensor("a") == [0]
    assert checkpoint.unused_tensors() == ["only in 0"]
    assert checkpoint.weights_path == tmp_path / WEIGHTS_FILES[first]
    assert checkpoint.other_weights_files() == list(WEIGHTS_FILES[first + 1 :])
    assert checkpoint.local_folder() == tmp_path


@pytest.mark.parametrize("filename", WEIGHTS_FILES)
def test_progress_is_told(filename: str, tmp_path: Path) -> None:
    write(tmp_path, filename, TENSORS)
    checkpoint = PublishedCheckpoint(tmp_path)
    steps: list[tuple[int, int]] = []
    checkpoint.on_tensor = lambda done, total: steps.append((done, total))
    for name in TENSORS:
        checkpoint.tensor(name)
    assert steps == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_no_weights(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "wav2vec2"}')
    (tmp_path / "tf_model.h5").touch()
    with pytest.raises(
        UserError, match=r"has no model\.safetensors \(nor model\.safetensors\.index\.json, .*\), so no"
    ):
        PublishedCheckpoint(tmp_path).has("a")


def test_half_precision_in_a_pytorch_file(tmp_path: Path) -> None:
    write(tmp_path, TORCH, {"a": np.array([[0.5, 65504.0]], np.float16)})
    tensor = PublishedCheckpoint(tmp_path).tensor("a")
    np.testing.assert_array_equal(tensor, np.array([[0.5, 65504.0]], np.float32), strict=True)


@pytest.mark.parametrize(
    "prefix", ["wav2vec2.", "hubert.", "wavlm.", "data2vec_audio.", "unispeech.", "unispeech_sat."]
)
@pytest.mark.parametrize("filename", WEIGHTS_FILES)
def test_backbone_under_the_prefix_of_its_family(prefix: str, filename: str, tmp_path: Path) -> None:
    write(tmp_path, filename, {f"{prefix}a": TENSORS["layer.2"], "lm_head.weight": TENSORS["layer.1"]})
    checkpoint = PublishedCheckpoint(tmp_path)
    checkpoint.select_prefix(["", prefix], probe="a")
    np.testing.assert_array_equal(checkpoint.tensor("a"), TENSORS["layer.2"])
    assert checkpoint.unused_tensors() == ["lm_head.weight"]
    with pytest.raises(UserError, match=rf"{re.escape(filename)} lacks the tensor {re.escape(prefix)}b$"):
        checkpoint.tensor("b")


@pytest.mark.parametrize("filename", FORMATS)
def test_shard_that_is_missing(filename: str, tmp_path: Path) -> None:
    write(tmp_path, f"{filename}.index.json", TENSORS)
    missing = SHARDS[filename].format(2)
    (tmp_path / missing).unlink()
    with pytest.raises(
        UserError, match=rf"{re.escape(filename)}\.index\.json: names the shards {missing}, which"
    ):
        PublishedCheckpoint(tmp_path).has("layer.0")


@pytest.mark.parametrize("filename", FORMATS)
def test_shard_without_the_tensor_that_the_index_says_it_has(filename: str, tmp_path: Path) -> None:
    write(tmp_path, f"{filename}.index.json", TENSORS)
    change_index(tmp_path, filename, more=SHARDS[filename].format(1))
    checkpoint = PublishedCheckpoint(tmp_path)
    with pytest.raises(
        UserError, match=r"00001-of-00002\.\w+: lacks the tensor more, which .*index\.json says"
    ):
        checkpoint.tensor("more")


@pytest.mark.parametrize("filename", FORMATS)
def test_shard_that_is_cut_off(filename: str, tmp_path: Path) -> None:
    write(tmp_path, f"{filename}.index.json", TENSORS)
    shard = tmp_path / SHARDS[filename].format(2)
    shard.write_bytes(shard.read_bytes()[:-30])
    checkpoint = PublishedCheckpoint(tmp_path)
    checkpoint.tensor("layer.0")
    with pytest.raises(UserError, match=re.escape(str(shard))):
        checkpoint.tensor("layer.1")


@pytest.mark.parametrize(
    "shard",
    [
        "../model.safetensors",
        "/etc/model.safetensors",
        "sub/a.safetensors",
        "..",
        "",
        "a.bin",
        "a\\b.safetensors",
        1,
        None,
    ],
)
def test_index_that_leads_elsewhere(shard: object, tmp_path: Path) -> None:
    write(tmp_path, SAFETENSORS_INDEX, TENSORS)
    change_index(tmp_path, SAFETENSORS, layer_3=shard)
    with pytest.raises(
        UserError, match=r"weight_map: layer\.3 is in .*, not the name of a \.safetensors file"
    ):
        PublishedCheckpoint(tmp_path).has("layer.0")


@pytest.mark.parametrize("content", ["{}", "[]", '{"weight_map": {}}', '{"weight_map": ["a"]}'])
def test_index_without_a_map(content: str, tmp_path: Path) -> None:
    write(tmp_path, TORCH_INDEX, TENSORS)
    (tmp_path / TORCH_INDEX).write_text(content)
    with pytest.raises(UserError, match=r"index\.json: has no weight_map"):
        PublishedCheckpoint(tmp_path).has("layer.0")


def test_git_lfs_pointer(tmp_path: Path) -> None:
    write(tmp_path, SAFETENSORS, TENSORS)
    (tmp_path / SAFETENSORS).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
    with pytest.raises(UserError, match=r"model\.safetensors: is only a Git LFS pointer, .* `git lfs pull`"):
        PublishedCheckpoint(tmp_path).has("a")


def test_packed_types_are_refused_by_name(tmp_path: Path) -> None:
    write(tmp_path, SAFETENSORS, {"a": np.ones(2, ml_dtypes.float8_e4m3fn)})
    with pytest.raises(UserError, match=r"the tensor a is of type F8_E4M3; BF16, .* are read"):
        PublishedCheckpoint(tmp_path).tensor("a")


def test_numbers_beyond_float32(tmp_path: Path) -> None:
    write(tmp_path, SAFETENSORS, {"a": np.array([1e300])})
    with pytest.raises(UserError, match="the tensor a has values beyond the range of float32"):
        PublishedCheckpoint(tmp_path).tensor("a")


@pytest.mark.parametrize("layout", [SAFETENSORS, TORCH])
def test_values_that_are_no_numbers_are_named(tmp_path: Path, layout: str) -> None:
    write(tmp_path, layout, {"a": np.float32([[0, np.inf], [np.nan, -np.inf]]), "b": np.ones(1, np.float32)})
    checkpoint = PublishedCheckpoint(tmp_path)
    np.testing.assert_array_equal(checkpoint.tensor("b"), [1.0])
    with pytest.raises(UserError) as refusal:
        checkpoint.tensor("a")
    expected = f"{tmp_path / layout}: the tensor a holds 3 values that are NaN or infinite, of 4"
    assert str(refusal.value) == expected
    assert checkpoint.unused_tensors() == ["a"]


MEASURE = """
import sys, tracemalloc
from kser.checkpoints.published_checkpoint import PublishedCheckpoint
import ml_dtypes, safetensors

def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))

before = peak()
tracemalloc.start()
checkpoint = PublishedCheckpoint(sys.argv[1])
kept = [checkpoint.tensor(f"layer.{i}") for i in range(16)] if sys.argv[2] == "keep" else None
for i in range(16):
    assert checkpoint.tensor(f"layer.{i}")[-1] == i
print(tracemalloc.get_traced_memory()[1], peak() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the peak memory from /proc")
@pytest.mark.parametrize("filename", WEIGHTS_FILES)
@pytest.mark.parametrize("keep", ["keep", "drop"])
def test_memory(filename: str, keep: str, tmp_path: Path) -> None:
    """32 MiB of weights: whoever keeps all needs them once and the mapped file, who drops them one or two."""
    weights, one = 32 * 2**20, 2 * 2**20
    write(tmp_path, filename, {f"layer.{i}": np.full(one // 4, i, np.float32) for i in range(16)})
    finished = subprocess.run(
        [sys.executable, "-c", MEASURE, str(tmp_path), keep],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    allocated, resident = map(int, finished.stdout.split())
    own = weights if keep == "keep" else 0
    assert own <= allocated < own + 4 * one
    assert resident < own + weights + 4 * one


LOAD = """
import os, sys
os.environ["KERAS_BACKEND"] = "jax"
import keras
from kser.models import SpeechBackbone

def resident(field):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith(field))

keras.ops.convert_to_numpy(keras.ops.ones(1000) + 1)  # start the backend
before = resident("VmRSS")
backbone = SpeechBackbone.from_preset(sys.argv[1])
print(4 * backbone.count_params(), resident("VmHWM") - before)
"""


# Of glibc: what is freed leaves the process, so that its peak is what was needed at a time.
GIVE_BACK_AT_ONCE = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": "65536",
    "MALLOC_TRIM_THRESHOLD_": "65536",
}


def write_wide_model(folder: Path, filename: str, layers: int) -> None:
    """A Wav2Vec 2.0 of 20 MiB a layer, every tensor zero."""
    channels, inner = 512, 4096
    config = {
        "model_type": "wav2vec2",
        "hidden_size": channels,
        "intermediate_size": inner,
        "num_hidden_layers": layers,
        "num_attention_heads": 8,
        "conv_dim": [64] * 7,
        "num_conv_pos_embeddings": 16,
        "mask_time_prob": 0.0,
    }
    shapes: dict[str, tuple[int, ...]] = {
        "feature_projection.projection.weight": (channels, 64),
        "encoder.pos_conv_embed.conv.weight_g": (1, 1, 16),
        "encoder.pos_conv_embed.conv.weight_v": (channels, channels // 16, 16),
    }
    vectors = {"encoder.pos_conv_embed.conv.bias": channels, "feature_projection.projection.bias": channels}
    norms = {"feature_extractor.conv_layers.0.layer_norm": 64, "feature_projection.layer_norm": 64}
    norms["encoder.layer_norm"] = channels
    for index, kernel in enumerate([10, 3, 3, 3, 3, 2, 2]):
        name = f"feature_extractor.conv_layers.{index}.conv.weight"
        shapes[name] = (64, 64 if index else 1, kernel)
    for layer in (f"encoder.layers.{index}" for index in range(layers)):
        dense = {f"attention.{part}_proj": (channels, channels) for part in ("q", "k", "v", "out")}
        dense |= {"feed_forward.intermediate_dense": (inner, channels)}
        dense |= {"feed_forward.output_dense": (channels, inner)}
        shapes |= {f"{layer}.{part}.weight": shape for part, shape in dense.items()}
        vectors |= {f"{layer}.{part}.bias": shape[0] for part, shape in dense.items()}
        norms |= {f"{layer}.layer_norm": channels, f"{layer}.final_layer_norm": channels}
    vectors |= {f"{norm}.{part}": size for norm, size in norms.items() for part in ("weight", "bias")}
    shapes |= {name: (size,) for name, size in vectors.items()}
    write(folder, filename, {name: np.zeros(shape, np.float32) for name, shape in shapes.items()})
    (folder / "config.json").write_text(json.dumps(config))


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the peak memory from /proc")
@pytest.mark.parametrize("filename", [SAFETENSORS, TORCH])
def test_memory_of_loading_a_backbone(filename: str, tmp_path: Path) -> None:
    """The weights twice, those of the model and the mapped file.

    Two sizes are compared: the larger model costs twice its further weights. What Keras and the compiler take
    besides (some 130 MiB) is in both. A third copy would make it 3.
    """
    sizes = []
    for layers in (6, 14):
        folder = tmp_path / str(layers)
        folder.mkdir()
        write_wide_model(folder, filename, layers)
        finished = subprocess.run(
            [sys.executable, "-c", LOAD, str(folder)],
            env={**os.environ, **GIVE_BACK_AT_ONCE},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=True,
        )
        sizes.append(np.array(finished.stdout.split(), float))
    weights, grown = sizes[1] - sizes[0]
    assert weights > 150 * 2**20
    assert 1.9 < grown / weights < 2.1
