"""A preset that cannot be loaded is one line that names the folder or file."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors.numpy import load_file, save_file

from kser.errors import UserError
from kser.models import (
    EmotionClassifier,
    LogMelBackbone,
    SpeechAudioConverter,
    SpeechBackbone,
    Wav2Vec2Backbone,
)
from tests.golden import golden_folder
from tests.models.small_models import log_mel

Change = Callable[[Path], object]

HEADER_WITH_A_LINE_END = rb'{"a": {"dtype": "x\ny", "shape": [], "data_offsets": [0, 0]}}'


def with_fields(**fields) -> Change:
    """Change fields of `config.json`."""

    def change(folder: Path) -> None:
        path = folder / "config.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))

    return change


def without_tensor(name: str) -> Change:
    """Leave a tensor out of `model.safetensors`."""

    def change(folder: Path) -> None:
        tensors = load_file(folder / "model.safetensors")
        del tensors[name]
        save_file(tensors, folder / "model.safetensors")

    return change


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    return Path(shutil.copytree(golden_folder("layer_norm_post"), tmp_path / "checkpoint"))


def assert_refused(load: Callable[[Path], object], preset: Path | str, says: str) -> None:
    with pytest.raises(UserError) as refusal:
        load(preset)
    line = str(refusal.value)
    assert line.startswith(str(preset))
    assert says in line
    assert "\n" not in line


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (with_fields(model_type="bert"), "is a bert checkpoint, which Wav2Vec2Backbone does not load"),
        (with_fields(model_type="wavlm"), "is a wavlm checkpoint, which Wav2Vec2Backbone does not load"),
        (with_fields(model_type=None), "names no model_type"),
        (with_fields(model_type=["wav2vec2"]), "names no model_type"),
        (with_fields(add_adapter=True), "add_adapter is true; adapters are not supported"),
        (with_fields(adapter_attn_dim=16), "adapter_attn_dim is 16; adapters are not supported"),
        (with_fields(hidden_act="relu"), "hidden_act is 'relu', only 'gelu' is supported"),
        (with_fields(feat_extract_activation="silu"), "feat_extract_activation is 'silu', only 'gelu'"),
        (with_fields(feat_extract_norm="batch"), "Received: norm='batch'"),
        (with_fields(num_attention_heads=5), "num_heads=5, channels=32"),
        (with_fields(num_conv_pos_embedding_groups=5), "groups=5, channels=32"),
        (with_fields(hidden_size="32"), "config.json: hidden_size: must be a whole number, got '32'"),
        (with_fields(hidden_size=None), "config.json: hidden_size: must be a whole number, got null"),
        (with_fields(layerdrop=None), "config.json: layerdrop: must be a number, got null"),
        (with_fields(conv_dim=[8, None, 8]), "config.json: conv_dim: must be a list of whole numbers"),
        (with_fields(do_stable_layer_norm=None), "do_stable_layer_norm: must be true or false, got null"),
        (with_fields(num_hidden_layers=3), "lacks the tensor encoder.layers.2.attention.q_proj.weight"),
        (with_fields(hidden_size=48), "projection.weight: has shape (16, 32), but config.json"),
        (with_fields(intermediate_size=50), "intermediate_dense.weight: has shape (32, 48), but config.json"),
        (lambda folder: (folder / "config.json").unlink(), "has no config.json"),
        (lambda folder: (folder / "config.json").write_text("{"), "not valid JSON"),
        (
            lambda folder: (folder / "config.json").write_text("[]"),
            "config.json: holds a list, not an object",
        ),
        (lambda folder: (folder / "model.safetensors").unlink(), "has no model.safetensors"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b""), "not a readable safetensors file"),
        (
            lambda folder: (folder / "model.safetensors").write_bytes(b"\1" * 99),
            "not a readable safetensors file",
        ),
        (
            lambda folder: (folder / "model.safetensors").write_bytes(
                len(HEADER_WITH_A_LINE_END).to_bytes(8, "little") + HEADER_WITH_A_LINE_END
            ),
            "unknown variant `x y`",
        ),
        (lambda folder: cut(folder / "model.safetensors"), "not a readable safetensors file"),
        (without_tensor("encoder.layer_norm.bias"), "lacks the tensor encoder.layer_norm.bias"),
        (
            without_tensor("encoder.pos_conv_embed.conv.bias"),
            "lacks the tensor encoder.pos_conv_embed.conv.bias",
        ),
        (without_tensor("feature_extractor.conv_layers.0.conv.weight"), "holds no tensor feature_extractor"),
    ],
)
def test_checkpoint_that_is_not_as_it_should_be(checkpoint: Path, change: Change, says: str) -> None:
    change(checkpoint)
    assert_refused(Wav2Vec2Backbone.from_preset, checkpoint, says)


def test_families_that_are_known_are_named(checkpoint: Path) -> None:
    with_fields(model_type="bert")(checkpoint)
    assert_refused(SpeechBackbone.from_preset, checkpoint, "it loads data2vec-audio, hubert")
    assert_refused(lambda preset: EmotionClassifier.from_preset(preset, labels=["a"]), checkpoint, "bert")


def test_checkpoint_of_another_family(checkpoint: Path) -> None:
    assert_refused(LogMelBackbone.from_preset, checkpoint, "LogMelBackbone does not load (it loads none)")


def test_preset_of_another_family(tmp_path: Path) -> None:
    log_mel().save_to_preset(str(tmp_path))
    assert type(SpeechBackbone.from_preset(tmp_path)) is LogMelBackbone
    assert_refused(Wav2Vec2Backbone.from_preset, tmp_path, "holds a LogMelBackbone, which Wav2Vec2Backbone")


@pytest.mark.parametrize("content", ["[1]", "{", '"text"'])
@pytest.mark.parametrize("file", ["preprocessor_config.json", "processor_config.json"])
def test_feature_extractor_that_is_none(checkpoint: Path, content: str, file: str) -> None:
    (checkpoint / file).write_text(content)
    assert_refused(SpeechAudioConverter.from_preset, checkpoint, f"{file}: ")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ('{"sampling_rate": null}', "sampling_rate: must be a whole number, got null"),
        ('{"do_normalize": null}', "do_normalize: must be true or false, got null"),
    ],
)
def test_null_in_place_of_a_value(checkpoint: Path, content: str, says: str) -> None:
    (checkpoint / "preprocessor_config.json").write_text(content)
    assert_refused(SpeechAudioConverter.from_preset, checkpoint, f"preprocessor_config.json: {says}")
    (checkpoint / "processor_config.json").write_text(f'{{"feature_extractor": {content}}}')
    assert_refused(
        SpeechAudioConverter.from_preset, checkpoint, f"processor_config.json: feature_extractor: {says}"
    )


@pytest.mark.parametrize(
    ("preset", "says"),
    [
        ("missing", "folder not found, and not a Hugging Face id of the form owner/name"),
        ("/missing/folder", "folder not found, and not a Hugging Face id"),
        ("./missing", "folder not found, and not a Hugging Face id"),
        ("kser/no model", "folder not found, and not a Hugging Face id"),
    ],
)
@pytest.mark.parametrize("cls", [Wav2Vec2Backbone, SpeechAudioConverter])
def test_folder_that_is_not_there(cls, preset: str, says: str) -> None:
    assert_refused(cls.from_preset, preset, says)


@pytest.mark.parametrize("preset", ["kser-tests/no-model", "hf://kser-tests/no-model"])
def test_hub_without_a_network(preset: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # huggingface_hub reads HF_HUB_OFFLINE when it is imported
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    assert_refused(SpeechBackbone.from_preset, preset, "download kser-tests/no-model where")
