"""Gradients of a loss with respect to every weight are those of `transformers` and PyTorch."""

import json
from pathlib import Path

import numpy as np
import pytest

from kser.models import SpeechBackbone
from tests.golden import VARIANTS, expected, golden_folder
from tests.parity.comparison import hidden_states_model
from tests.parity.gradients import gradients

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from safetensors.torch import save_file  # noqa: E402
from transformers import AutoModel, PreTrainedModel  # noqa: E402

SAMPLES = 3000
TOLERANCE = 1e-4


# Seconds each: by default one for each kind of layer.
KINDS = ("group_norm_stable", "hubert_batch_norm", "wavlm", "data2vec_audio")
VARIANTS_TO_TEST = [
    variant if variant in KINDS else pytest.param(variant, marks=pytest.mark.slow) for variant in VARIANTS
]


@pytest.mark.parametrize("variant", VARIANTS_TO_TEST)
def test_gradients_are_those_of_pytorch(variant: str, tmp_path: Path) -> None:
    folder = golden_folder(variant)
    values = np.ascontiguousarray(expected(variant)["features_alone"][:2, :SAMPLES])
    backbone = SpeechBackbone.from_preset(folder)
    model = hidden_states_model(backbone)
    shapes = [(2, backbone_frames(backbone), backbone.hidden_dim)] * len(backbone.hidden_states)
    # the last hidden state alone reaches the final norm of some: all states have a part in the loss
    weighting = np.random.default_rng(1).normal(size=(len(shapes), *shapes[0])).astype(np.float32)
    ours = gradients(model, {"waveform": values, "padding_mask": np.ones(values.shape, bool)}, weighting)
    theirs = converted(theirs_as_tensors(folder, values, weighting), folder, tmp_path)
    largest = max(np.abs(gradient).max() for gradient in theirs)
    for variable, actual, desired in zip(backbone.trainable_variables, ours, theirs, strict=True):
        assert np.isfinite(actual).all()
        # of some biases, which a norm or the softmax takes out again, the gradient is zero
        scale = max(np.abs(desired).max(), 1e-3 * largest)
        assert np.abs(actual - desired).max() <= TOLERANCE * scale, variable.path


def backbone_frames(backbone: SpeechBackbone) -> int:
    return backbone.compute_output_shape({"waveform": (2, SAMPLES), "padding_mask": (2, SAMPLES)})[
        "sequence_output"
    ][1]


def theirs_as_tensors(folder: Path, values: np.ndarray, weighting: np.ndarray) -> dict[str, "torch.Tensor"]:
    """The gradient of each parameter under the parameter's name."""
    model: PreTrainedModel = AutoModel.from_pretrained(folder, attn_implementation="eager").eval().double()
    output = model(torch.from_numpy(values).double(), output_hidden_states=True)
    states = [*output.hidden_states[:-1], output.last_hidden_state]
    weights = torch.from_numpy(weighting).double()
    sum((weight * state).sum() for weight, state in zip(weights, states, strict=True)).backward()
    found = {
        name: torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
        for name, parameter in model.named_parameters()
    }
    return {
        name: tensor.float().contiguous() for name, tensor in {**dict(model.named_buffers()), **found}.items()
    }


def converted(tensors: dict[str, "torch.Tensor"], folder: Path, scratch: Path) -> list[np.ndarray]:
    """Gradients in the order and the layout of kser's weights.

    Converting only rearranges tensors, so that a checkpoint of gradients gives a backbone of gradients.
    """
    save_file(tensors, scratch / "model.safetensors")
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (scratch / "config.json").write_text(json.dumps(config), encoding="utf-8")
    backbone = SpeechBackbone.from_preset(scratch)
    return [np.asarray(variable.numpy()) for variable in backbone.trainable_variables]
