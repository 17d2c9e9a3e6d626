"""Write what SpeechBrain's attentive poolings make of frames.

Run by hand where the `torch` extra and SpeechBrain are installed:
`python -m tests.golden.make_pooling_golden`.
"""

import copy
from pathlib import Path

import numpy as np
import torch
from speechbrain.lobes.models.ECAPA_TDNN import ECAPA_TDNN, AttentiveStatisticsPooling

from tests.golden.pooling import MODULES

# A power of two: SpeechBrain takes lengths as shares of the batch's, and these are exact.
FRAMES = 32
LENGTHS = (32, 21, 9)
CHANNELS = 6


class Statistics(torch.nn.Module):
    """`AttentiveStatisticsPooling` with the face of `ECAPA_TDNN`: (batch, frames, channels)."""

    def __init__(self, global_context: bool):
        super().__init__()
        self.asp = AttentiveStatisticsPooling(CHANNELS, attention_channels=5, global_context=global_context)

    def forward(self, frames, lengths=None):
        return self.asp(frames.transpose(1, 2), lengths).transpose(1, 2)


def modules() -> dict[str, torch.nn.Module]:
    """The module of each file, with the weights that PyTorch gives it."""
    ecapa = ECAPA_TDNN(
        CHANNELS,
        lin_neurons=7,
        channels=[12, 16, 16, 16, 20],
        attention_channels=5,
        res2net_scale=4,
        se_channels=3,
    )
    return dict(zip(MODULES, (Statistics(True), Statistics(False), ecapa), strict=True))


def main() -> None:
    """Write every file anew."""
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    frames = torch.from_numpy(np.random.default_rng(0).normal(size=(len(LENGTHS), FRAMES, CHANNELS)))
    frames = frames.float().double()  # what is written, to the last digit
    for name, module in modules().items():
        randomise(module, generator)
        results = results_of(module.double().eval(), frames)
        check(name, results)
        np.savez_compressed(Path(__file__).parent / "pooling" / f"{name}.npz", **results)


@torch.no_grad()
def randomise(module: torch.nn.Module, generator: torch.Generator) -> None:
    """Draw norms and biases anew, so that none is at a value that hides a fault."""
    for name, tensor in module.state_dict().items():
        if tensor.ndim == 1:
            noise = torch.randn(tensor.shape, generator=generator)
            spread = name.endswith(("running_var", "norm.weight"))
            tensor.copy_(1.0 + 0.3 * noise.abs() if spread else 0.2 * noise)


@torch.no_grad()
def results_of(module: torch.nn.Module, frames: torch.Tensor) -> dict[str, np.ndarray]:
    """The arrays that `tests.golden.pooling.expected_pooling` describes."""
    lengths = torch.tensor(LENGTHS, dtype=torch.float64)
    alone = [module(frames[i : i + 1, :length]) for i, length in enumerate(LENGTHS)]
    trained = copy.deepcopy(module).train()
    results = {
        "frames": frames,
        "padded": module(frames, lengths / FRAMES)[:, 0],
        "alone": torch.cat(alone)[:, 0],
        "training": trained(frames)[:, 0],
    }
    results |= {f"weights/{name}": value for name, value in module.state_dict().items()}
    results |= {f"updated/{name}": value for name, value in trained.state_dict().items() if "_mean" in name}
    arrays = {name: value.numpy().astype(np.float32) for name, value in results.items() if value.ndim}
    return arrays | {"lengths": np.array(LENGTHS)}


def check(name: str, results: dict[str, np.ndarray]) -> None:
    """Fail where the results could not tell a right pooling from a wrong one."""
    differ = np.abs(results["padded"] - results["alone"]).max(axis=1) > 1e-3
    assert differ.tolist() == ([False, True, True] if name == "ecapa" else [False] * 3), name
    assert np.ptp(results["alone"], axis=0).min() > 5e-3, name
    assert np.abs(results["training"] - results["alone"]).max() > 1e-2, name


if __name__ == "__main__":
    main()
