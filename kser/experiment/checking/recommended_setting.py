"""Which backend and precision to train with on a machine, by what was measured of kser."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL

_CPUINFO = Path("/proc/cpuinfo")
_BFLOAT16_FEATURES = ("amx_bf16", "avx512_bf16")
_FIRST_CAPABILITY_WITH_BFLOAT16 = 8.0  # NVIDIA's Ampere
_ANSWER_WITHIN_S = 10


@dataclass(frozen=True)
class Gpu:
    """An NVIDIA GPU.

    Attributes:
        name: by its maker.
        compute_capability: of NVIDIA's numbering, 9.0 for an H100.
    """

    name: str
    compute_capability: float


@dataclass(frozen=True)
class Machine:
    """What a machine computes with.

    Attributes:
        cpu_features: as Linux names them, `avx2` for example; empty where they are unknown.
        gpus: that a program may use.
    """

    cpu_features: frozenset[str] = frozenset()
    gpus: tuple[Gpu, ...] = ()


@dataclass(frozen=True)
class RecommendedSetting:
    """A backend and a precision.

    Attributes:
        backends: values of KERAS_BACKEND, the one to take first; more than one where they are about as fast.
        precision: of a model's configuration.
        reason: why, in a line.
    """

    backends: tuple[str, ...]
    precision: str
    reason: str

    def __str__(self) -> str:
        backends = " or ".join(f"KERAS_BACKEND={backend}" for backend in self.backends)
        return f'{backends}, "precision": "{self.precision}"; {self.reason}'


def recommended_setting(machine: Machine) -> RecommendedSetting:
    """The backend and precision to train with.

    The figures on CPUs are those of eval/results/2026-11-26_backbone_speed.md (float32) and
    2026-11-28_export.md (bfloat16 that is emulated); on a GPU nothing was measured yet.

    Args:
        machine: that trains.

    Examples:
        >>> recommended_setting(Machine(cpu_features=frozenset({"avx512_bf16"}))).backends
        ('torch',)
    """
    if machine.gpus:
        return _on_gpu(machine.gpus[0])
    found = [feature for feature in _BFLOAT16_FEATURES if feature in machine.cpu_features]
    if found:
        reason = f"this processor multiplies in bfloat16 ({found[0]}), which PyTorch uses and XLA does not"
        return RecommendedSetting(("torch",), "mixed_bfloat16", reason)
    reason = (
        "backends are about as fast, JAX with less memory, large models train faster on PyTorch (by a tenth)"
    )
    if machine.cpu_features:
        reason = (
            "without bfloat16 in the processor PyTorch took 14 times as long in it as in float32; " + reason
        )
    return RecommendedSetting(("jax", "torch"), "float32", reason)


def _on_gpu(gpu: Gpu) -> RecommendedSetting:
    if gpu.compute_capability < _FIRST_CAPABILITY_WITH_BFLOAT16:
        reason = f"{gpu.name} has no bfloat16; not measured on a GPU yet"
        return RecommendedSetting(("jax",), "float32", reason)
    reason = f"{gpu.name} multiplies fastest in bfloat16; not measured on a GPU yet"
    return RecommendedSetting(("jax",), "mixed_bfloat16", reason)


def this_machine() -> Machine:
    """The machine that this program runs on; what cannot be found out is left empty."""
    text = _CPUINFO.read_text() if _CPUINFO.is_file() else ""
    return Machine(cpu_features(text), _visible_gpus())


def cpu_features(cpuinfo: str) -> frozenset[str]:
    """The features of the first processor.

    Args:
        cpuinfo: what /proc/cpuinfo says.
    """
    lines = (line.partition(":") for line in cpuinfo.splitlines())
    features = (value for name, _, value in lines if name.strip() == "flags")
    return frozenset(next(features, "").split())


def gpus_listed(listing: str) -> tuple[Gpu, ...]:
    """GPUs by lines of name and compute capability, as `nvidia-smi` writes them.

    Args:
        listing: a GPU a line; lines of another form are left out.
    """
    gpus = []
    for line in listing.splitlines():
        name, _, capability = line.rpartition(",")
        try:
            gpus.append(Gpu(name.strip(), float(capability)))
        except ValueError:  # "[N/A]", or a message in place of the list
            continue
    return tuple(gpus)


def _visible_gpus() -> tuple[Gpu, ...]:
    if os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        return ()
    command = ["nvidia-smi", "--query-gpu=name,compute_cap", "--format=csv,noheader"]
    try:
        return gpus_listed(
            subprocess.check_output(command, text=True, timeout=_ANSWER_WITHIN_S, stderr=DEVNULL)
        )
    except (OSError, subprocess.SubprocessError):
        return ()
