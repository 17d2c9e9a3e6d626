"""Published heads as PyTorch computes them: the outputs that kser's are compared with."""

from pathlib import Path
from typing import Any

import numpy as np

from kser.checkpoints.published_checkpoint import PublishedCheckpoint
from kser.models.published_heads import PublishedHead
from kser.models.transformers_reference import TransformersReference


class HeadReference:
    """A published model with its head, in float32 until `double`. PyTorch is imported when one is made.

    `transformers` has the classes with a projector. Others, which their authors publish as code beside the
    weights, are written out here.

    Args:
        reference: the backbone in `transformers`.
        head: of the checkpoint.
        checkpoint: where both were read.
    """

    def __init__(
        self, reference: TransformersReference, head: PublishedHead, checkpoint: PublishedCheckpoint
    ):
        self._reference = reference
        self._model: Any = None
        self._tensors: dict[str, np.ndarray] = {}
        if head.layout.projection == "projector":
            self._model = _with_head(checkpoint.local_folder())
            return
        self._pooling = head.arguments["pooling"]
        for part, name in (("dense", head.layout.projection), ("output", head.layout.output)):
            for tensor in ("weight", "bias"):
                self._tensors[f"{part}.{tensor}"] = checkpoint.head_tensor(f"{name}.{tensor}")

    def double(self) -> None:
        """Compute in float64 from now on."""
        self._reference.model.double()
        if self._model is not None:
            self._model.double()

    def outputs(self, waveform: np.ndarray) -> np.ndarray:
        """Logits or values (batch, outputs) of waveforms (batch, samples) without padding."""
        import torch

        with torch.no_grad():
            if self._model is not None:
                values = self._reference.inputs(waveform).to(self._model.dtype)
                return np.asarray(self._model(values).logits)
            frames = torch.from_numpy(self._reference.states(waveform)[-1])
            vectors = frames.amax(dim=1) if self._pooling == "max" else getattr(frames, self._pooling)(dim=1)
            for part in ("dense", "output"):
                weight, bias = (
                    torch.from_numpy(self._tensors[f"{part}.{tensor}"]) for tensor in ("weight", "bias")
                )
                vectors = torch.nn.functional.linear(vectors, weight, bias)
                vectors = torch.tanh(vectors) if part == "dense" else vectors
            return vectors.numpy()


def _with_head(folder: Path) -> Any:
    from transformers import AutoModelForAudioClassification

    model = AutoModelForAudioClassification.from_pretrained(
        folder, attn_implementation="eager", local_files_only=True
    )
    base = getattr(model, model.base_model_prefix, None)
    if base is not None:
        base.register_forward_hook(_last_state_as_version_4)
    return model.eval().float()


def _last_state_as_version_4(module: Any, arguments: Any, output: Any) -> Any:
    """The output with what leaves the final layer norm as its last hidden state, see `transformers_states`.

    Heads that weight the layers were trained on that.
    """
    if getattr(output, "hidden_states", None) is not None:
        output.hidden_states = (*output.hidden_states[:-1], output.last_hidden_state)
    return output
