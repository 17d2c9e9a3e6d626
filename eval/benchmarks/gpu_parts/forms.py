"""Forms of the layers that may suit a device or not: the position convolution and attention, in bfloat16.

On a CPU the forms were chosen by measurement (`kser/models/computing_device.py`). What the training step
becomes for a GPU (its StableHLO for CUDA) leaves two questions: the gradient of the position convolution's
kernel is a convolution in groups of the batch, for which there may be no fast kernel, and attention writes
its scores to memory, which cuDNN's fused kernel does not.
"""

import time
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np

from gpu_parts.part import Findings, Setting

ATTENTION = ("kser", "jax.nn, xla", "jax.nn, cudnn")


def compare(setting: Setting, findings: Findings) -> None:
    """Time each form forward and backward, and how far it is from the first."""
    compare_forms("position convolution", *position_convolutions(setting.small), setting, findings)
    compare_forms("attention", *attentions(setting.small), setting, findings)


def position_convolutions(small: bool) -> tuple[dict[str, Callable], list[np.ndarray]]:
    """Forms of the large models' grouped convolution, and their arguments for 16 × 4 s."""
    from kser.models.wav2vec2 import position_convolution as forms

    batch, frames, channels, kernel_size, groups = (2, 12, 8, 4, 2) if small else (16, 199, 1024, 128, 16)

    def padded(form: Callable) -> Callable:
        return lambda x, kernel: form(forms.pad_around(x, kernel_size), kernel, groups)

    def by_frequencies(x: Any, kernel: Any) -> Any:
        # Its sums over a period need float32.
        y = forms.convolve_by_frequencies(x.astype("float32"), kernel.astype("float32"), groups)
        return y.astype(x.dtype)

    arguments = [drawn(batch, frames, channels), drawn(kernel_size, channels // groups, channels)]
    return {
        "grouped": padded(forms.grouped_convolution),
        "split": padded(forms.split_convolution),
        "frequencies": by_frequencies,
    }, arguments


def attentions(small: bool) -> tuple[dict[str, Callable], list[np.ndarray]]:
    """Forms of the large models' attention without dropout, and query, key and value for 16 × 4 s."""
    import jax

    from kser.models.wav2vec2.transformer_layer import unnormalised_softmax

    shape = (2, 12, 2, 8) if small else (16, 199, 16, 64)  # batch, frames, heads, channels
    scale = shape[-1] ** -0.5

    def of_kser(query: Any, key: Any, value: Any) -> Any:
        query, key, value = (x.transpose(0, 2, 1, 3) for x in (query, key, value))
        weights, total = unnormalised_softmax((query * scale) @ key.transpose(0, 1, 3, 2))
        return ((weights @ value) / total).transpose(0, 2, 1, 3)

    def of_jax(implementation: Any) -> Callable:
        return lambda *given: jax.nn.dot_product_attention(*given, scale=scale, implementation=implementation)

    forms = (of_kser, of_jax("xla"), of_jax("cudnn"))
    return dict(zip(ATTENTION, forms, strict=True)), [drawn(*shape) for _ in range(3)]


def compare_forms(
    layer: str, forms: dict[str, Callable], arguments: list[np.ndarray], setting: Setting, findings: Findings
) -> None:
    """A table of the forms of a layer; one that the device lacks is named."""
    import jax.numpy as jnp

    tensors = [jnp.asarray(argument, jnp.bfloat16) for argument in arguments]
    rows = findings.tables.setdefault(layer, [["form", "forward, ms", "with gradients, ms", "difference"]])
    first: np.ndarray | None = None
    for name, form in forms.items():
        try:
            forward, backward, output = timed(form, tensors, setting.rounds)
        except Exception as error:  # whatever a backend raises for what it does not have
            findings.missing.append(f"{layer}, {name}: {first_line(error)}")
        else:
            first = output if first is None else first
            difference = np.linalg.norm(output - first) / np.linalg.norm(first)
            rows.append([name, f"{forward:.3f}", f"{backward:.3f}", f"{difference:.1e}"])
        findings.keep()


def timed(form: Callable, tensors: list[Any], rounds: int) -> tuple[float, float, np.ndarray]:
    """Milliseconds of the output and of the gradients of its sum of squares, and the output."""
    import jax

    def loss(*given: Any) -> Any:
        return (form(*given).astype("float32") ** 2).sum()

    forward = jax.jit(form)
    gradients = jax.jit(jax.grad(loss, argnums=tuple(range(len(tensors)))))
    output = np.asarray(forward(*tensors).astype("float32"))
    return milliseconds(forward, tensors, rounds), milliseconds(gradients, tensors, rounds), output


def milliseconds(program: Callable, tensors: list[Any], rounds: int) -> float:
    """Of the median call, after one that compiles."""
    import jax

    jax.block_until_ready(program(*tensors))
    seconds = []
    for _ in range(rounds):
        started = time.perf_counter()
        jax.block_until_ready(program(*tensors))
        seconds.append(time.perf_counter() - started)
    return 1e3 * median(seconds)


def first_line(error: Exception) -> str:
    """What an error says first."""
    return f"{type(error).__name__}: {error}".splitlines()[0]


def drawn(*shape: int) -> np.ndarray:
    """Normal numbers, float32, the same in every run."""
    return np.random.default_rng(sum(shape)).normal(size=shape).astype(np.float32)
