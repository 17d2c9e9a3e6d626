"""The criterion of parity lets a right conversion pass and catches every broken one."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras
import librosa
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from kser.files import read_json, write_json
from kser.keras_internals import layers_within
from kser.models import SpeechBackbone
from kser.models.parity import worst_of
from kser.models.verification import compare_states, hidden_states, hidden_states_model, load_reference

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from tests.golden import inputs_of_encoders, make_golden  # noqa: E402
from tests.parity.test_live_encoders import WHISPER  # noqa: E402

TRAINED = Path(os.environ.get("KSER_CHECKPOINTS", Path(__file__).parents[3] / "shared" / "checkpoints"))
TRAINED /= "openai__whisper-tiny.en-encoder"


@dataclass
class Published:
    """A checkpoint, and what transformers makes of an utterance in both precisions."""

    folder: Path
    waveform: np.ndarray
    exact: np.ndarray
    rounded: np.ndarray

    @classmethod
    def computed(cls, folder: Path) -> "Published":
        waveform = np.ascontiguousarray(inputs_of_encoders()[0][:1])
        reference = load_reference(folder)
        rounded = reference.states(waveform)
        reference.model.double()
        return cls(folder, waveform, reference.states(waveform), rounded)

    def excess(self, backbone: SpeechBackbone) -> float:
        """The largest error as a multiple of the allowed one."""
        ours = hidden_states(hidden_states_model(backbone), self.waveform)
        return worst_of(compare_states(ours, self.exact, self.rounded)).excess


@torch.no_grad()
def write_like_trained(folder: Path) -> None:
    """A small Whisper with a trained encoder's spread: 0.1 where norms begin, one channel that reaches 20."""
    sizes = {"d_model": 64, "encoder_attention_heads": 4, "encoder_ffn_dim": 96}
    model = transformers.WhisperModel(transformers.WhisperConfig(**{**WHISPER, **sizes}))
    make_golden.randomise(model, torch.Generator().manual_seed(3))
    for parameter in (*model.encoder.conv2.parameters(), model.encoder.embed_positions.weight):
        parameter.mul_(0.3)
    model.encoder.layers[0].fc2.bias[3] = 20.0
    model.save_pretrained(folder)


@pytest.fixture(scope="module", params=["like trained", pytest.param("trained", marks=pytest.mark.slow)])
def whisper(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Published:
    if request.param == "trained":
        if not TRAINED.is_dir():
            pytest.skip("needs the published encoder of Whisper tiny.en in the folder KSER_CHECKPOINTS")
        return Published.computed(TRAINED)
    folder = tmp_path_factory.mktemp("whisper")
    write_like_trained(folder)
    return Published.computed(folder)


@pytest.fixture(scope="module")
def wav2vec2(tmp_path_factory: pytest.TempPathFactory) -> Published:
    folder = tmp_path_factory.mktemp("wav2vec2")
    fields = {"num_hidden_layers": 2, "feat_extract_norm": "layer", "conv_bias": True}
    model = transformers.Wav2Vec2Model(make_golden.tiny_config(**fields))
    make_golden.randomise(model, torch.Generator().manual_seed(3))
    model.save_pretrained(folder)
    return Published.computed(folder)


def with_tensors(published: Published, folder: Path, change: Callable[[dict, str], None]) -> SpeechBackbone:
    """Convert a copy whose tensors of the first layer's attention, under a prefix, are changed."""
    shutil.copytree(published.folder, folder, dirs_exist_ok=True)
    (folder / "model.safetensors").chmod(0o644)
    tensors = load_file(folder / "model.safetensors")
    (prefix,) = (
        name.removesuffix("q_proj.weight")
        for name in tensors
        if name.endswith("encoder.layers.0.self_attn.q_proj.weight")
    )
    change(tensors, prefix)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    return SpeechBackbone.from_preset(folder)


def swap_queries_and_keys(tensors: dict, prefix: str) -> None:
    query, key = f"{prefix}q_proj.weight", f"{prefix}k_proj.weight"
    tensors[query], tensors[key] = tensors[key], tensors[query]


def move_the_values_of_heads(tensors: dict, prefix: str) -> None:
    """The values of the first two heads go to each other."""
    channels = 64 if len(tensors[f"{prefix}v_proj.bias"]) > 64 else 16
    for kind in ("weight", "bias"):
        tensor = tensors[f"{prefix}v_proj.{kind}"].copy()
        tensor[: 2 * channels] = np.roll(tensor[: 2 * channels], channels, axis=0)
        tensors[f"{prefix}v_proj.{kind}"] = tensor


def with_epsilon(backbone: SpeechBackbone, epsilon: float) -> SpeechBackbone:
    for layer in layers_within(backbone):
        if isinstance(layer, keras.layers.LayerNormalization):
            layer.epsilon = epsilon
    return backbone


def test_right_conversion(whisper: Published) -> None:
    assert whisper.excess(SpeechBackbone.from_preset(whisper.folder)) <= 1


@pytest.mark.parametrize("change", [swap_queries_and_keys, move_the_values_of_heads])
def test_misplaced_weights(whisper: Published, change: Callable[[dict, str], None], tmp_path: Path) -> None:
    assert whisper.excess(with_tensors(whisper, tmp_path, change)) > 100


@pytest.mark.parametrize("epsilon", [1e-6, 1e-3])
def test_other_epsilon(whisper: Published, epsilon: float) -> None:
    assert whisper.excess(with_epsilon(SpeechBackbone.from_preset(whisper.folder), epsilon)) > 3


def test_no_reflection_at_the_ends(whisper: Published, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keras.ops, "flip", lambda x, axis: keras.ops.zeros_like(x))
    assert whisper.excess(SpeechBackbone.from_preset(whisper.folder)) > 10


def test_other_mel_scale(whisper: Published, monkeypatch: pytest.MonkeyPatch) -> None:
    mel = librosa.filters.mel
    monkeypatch.setattr(librosa.filters, "mel", lambda **arguments: mel(**arguments, htk=True))
    assert whisper.excess(SpeechBackbone.from_preset(whisper.folder)) > 100


def test_group_norm_for_layer_norm(wav2vec2: Published, tmp_path: Path) -> None:
    assert wav2vec2.excess(SpeechBackbone.from_preset(wav2vec2.folder)) <= 1
    shutil.copytree(wav2vec2.folder, tmp_path, dirs_exist_ok=True)
    config = read_json(tmp_path / "config.json")
    write_json(tmp_path / "config.json", {**config, "feat_extract_norm": "group"})
    assert wav2vec2.excess(SpeechBackbone.from_preset(tmp_path)) > 100
