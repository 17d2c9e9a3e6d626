"""Fresh random Whisper and Moonshine checkpoints, written and computed by the installed `transformers`."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kser.models import SpeechBackbone
from kser.models.transformers_reference import transformers_states
from tests.parity.comparison import assert_equal_states, hidden_states, hidden_states_model, mask_of
from tests.parity.gradients import gradients

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from safetensors.torch import save_file  # noqa: E402

from tests.golden import inputs_of_encoders, make_golden  # noqa: E402
from tests.golden.make_encoder_golden import MOONSHINE, WHISPER  # noqa: E402

LENGTHS = (8000, 5600, 3217)
# Prefixes, layouts and sizes that the golden checkpoints do not have.
WHISPERS: dict[str, tuple[str, dict[str, Any]]] = {
    "with a classifier, 128 bands": (
        "ForAudioClassification",
        {"num_mel_bins": 128, "classifier_proj_size": 8},
    ),
    "without an output layer, one head": ("Model", {"encoder_attention_heads": 1, "encoder_layers": 1}),
}


def whisper(model_class: str, fields: dict[str, Any], folder: Path) -> tuple[Any, np.ndarray]:
    """A checkpoint in the folder; its encoder in float64, and the published features of the utterances."""
    config = transformers.WhisperConfig(**{**WHISPER, **fields})
    model = getattr(transformers, f"Whisper{model_class}")(config)
    make_golden.randomise(model, torch.Generator().manual_seed(3))
    model.save_pretrained(folder)
    seconds = config.max_source_positions // 50
    extract = transformers.WhisperFeatureExtractor(feature_size=config.num_mel_bins, chunk_length=seconds)
    utterances = make_golden.unpadded(inputs_of_encoders()[0])
    features = extract(utterances, sampling_rate=16000, return_tensors="np")["input_features"]
    model.set_attn_implementation("eager")
    return getattr(model, "encoder", None) or model.get_encoder(), features


def moonshine(folder: Path, **fields: Any) -> Any:
    """A checkpoint in the folder; its encoder in float64."""
    model = transformers.MoonshineModel(transformers.MoonshineConfig(**{**MOONSHINE, **fields}))
    make_golden.randomise(model, torch.Generator().manual_seed(3))
    model.save_pretrained(folder)
    model.set_attn_implementation("eager")
    return model.encoder.eval().double()


def batch() -> tuple[np.ndarray, np.ndarray]:
    waveforms, lengths = inputs_of_encoders()
    return waveforms, mask_of(lengths, waveforms.shape[1])


@pytest.mark.parametrize(("model_class", "fields"), WHISPERS.values(), ids=WHISPERS)
def test_whisper(model_class: str, fields: dict[str, Any], tmp_path: Path) -> None:
    encoder, features = whisper(model_class, fields, tmp_path)
    theirs = transformers_states(encoder.eval().double(), torch.from_numpy(features).double())
    ours = hidden_states_model(SpeechBackbone.from_preset(tmp_path))
    assert_equal_states(hidden_states(ours, *batch()), theirs)


@pytest.mark.slow
def test_whisper_of_full_size_with_audio_beyond_30_s(tmp_path: Path) -> None:
    size = {"d_model": 512, "encoder_layers": 6, "encoder_attention_heads": 8, "encoder_ffn_dim": 2048}
    torch.manual_seed(0)
    model = transformers.WhisperModel(
        transformers.WhisperConfig(**{**WHISPER, **size, "max_source_positions": 1500})
    )
    model.save_pretrained(tmp_path)
    waveform = np.tile(inputs_of_encoders()[0][:1], (1, 64))
    extract = transformers.WhisperFeatureExtractor()
    features = extract(waveform[0], sampling_rate=16000, return_tensors="pt")["input_features"].double()
    theirs = transformers_states(model.encoder.eval().double(), features)
    ours = hidden_states_model(SpeechBackbone.from_preset(tmp_path))
    assert_equal_states(hidden_states(ours, waveform), theirs)


@pytest.mark.parametrize("fields", [{"encoder_num_attention_heads": 1}, {"partial_rotary_factor": 1.0}])
def test_moonshine(fields: dict[str, Any], tmp_path: Path) -> None:
    encoder = moonshine(tmp_path, **fields)
    ours = hidden_states(hidden_states_model(SpeechBackbone.from_preset(tmp_path)), *batch())
    for i, length in enumerate(LENGTHS):
        alone = torch.from_numpy(batch()[0][i : i + 1, :length]).double()
        theirs = transformers_states(encoder, alone)
        assert_equal_states(ours[:, i : i + 1, : theirs.shape[2]], theirs)


@pytest.mark.slow
def test_moonshine_of_full_size(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = transformers.MoonshineModel(transformers.MoonshineConfig(decoder_num_hidden_layers=1))
    model.save_pretrained(tmp_path)
    waveform = np.tile(inputs_of_encoders()[0][:1], (1, 20))
    theirs = transformers_states(model.encoder.eval().double(), torch.from_numpy(waveform).double())
    ours = hidden_states_model(SpeechBackbone.from_preset(tmp_path))
    assert_equal_states(hidden_states(ours, waveform), theirs)


@pytest.mark.parametrize("name", ["whisper", "moonshine"])
def test_gradients_are_those_of_pytorch(name: str, tmp_path: Path) -> None:
    waveform = np.ascontiguousarray(batch()[0][:1])
    if name == "whisper":
        encoder, features = whisper("Model", {}, tmp_path)
        values = torch.from_numpy(features[:1]).double()
    else:
        encoder, values = moonshine(tmp_path), torch.from_numpy(waveform).double()
    backbone = SpeechBackbone.from_preset(tmp_path)
    encoder.eval().double()
    output = encoder(values, output_hidden_states=True)
    states = [*output.hidden_states[:-1], output.last_hidden_state]
    weighting = np.random.default_rng(1).normal(size=(len(states), *states[0].shape)).astype(np.float32)
    sum((torch.from_numpy(w).double() * s).sum() for w, s in zip(weighting, states, strict=True)).backward()
    inputs = {"waveform": waveform, "padding_mask": np.ones(waveform.shape, bool)}
    ours = gradients(hidden_states_model(backbone), inputs, weighting)
    theirs = converted(encoder, tmp_path)
    largest = max(np.abs(gradient).max() for gradient in theirs)
    for variable, actual, desired in zip(backbone.trainable_variables, ours, theirs, strict=True):
        scale = max(np.abs(desired).max(), 1e-3 * largest)
        assert np.abs(actual - desired).max() <= 1e-4 * scale, variable.path


def converted(encoder: Any, folder: Path) -> list[np.ndarray]:
    """Gradients in the order and layout of kser's weights: converting a checkpoint only rearranges it."""
    tensors = {
        f"encoder.{name}": torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
        for name, parameter in encoder.named_parameters()
    }
    found = {name: tensor.float().contiguous() for name, tensor in tensors.items()}
    save_file(found, folder / "model.safetensors")
    backbone = SpeechBackbone.from_preset(folder)
    return [np.asarray(variable.numpy()) for variable in backbone.trainable_variables]
