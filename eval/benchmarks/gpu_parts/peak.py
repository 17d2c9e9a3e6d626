"""How many operations a device's matrix units can make in a second, in bfloat16 without sparsity."""

import time

from gpu_parts.part import Findings, Setting

# Teraflops by the makers' data sheets; the first name that is part of the device's counts.
# https://www.nvidia.com/en-us/data-center/h100/, …/h200/, …/a100/, …/l4/, …/l40s/: half of what they print
# "with sparsity".
PEAK_TFLOPS = {
    "H200": 989.0,
    "H100 NVL": 835.0,
    "H100 PCIe": 756.0,
    "H100": 989.0,
    "A100": 312.0,
    "L40S": 362.0,
    "L40": 181.0,
    "L4": 121.0,
}
_REPETITIONS = 10


def known_peak(device: str) -> float | None:
    """Teraflops of a device by its maker; `None` for one that is not in the table."""
    return next((peak for name, peak in PEAK_TFLOPS.items() if name in device), None)


def measured_peak(size: int) -> float:
    """Teraflops of the best of several products of two bfloat16 matrices on JAX's first device.

    Args:
        size: rows and columns.
    """
    import jax
    import jax.numpy as jnp

    left, right = (jax.random.normal(jax.random.key(seed), (size, size), jnp.bfloat16) for seed in (0, 1))
    product = jax.jit(jnp.matmul)
    product(left, right).block_until_ready()
    seconds = []
    for _ in range(_REPETITIONS):
        started = time.perf_counter()
        product(left, right).block_until_ready()
        seconds.append(time.perf_counter() - started)
    return 2 * size**3 / min(seconds) / 1e12


def report_device(setting: Setting, findings: Findings) -> None:
    """The device, its peak as its maker has it and as a large product reaches it."""
    import jax

    name = jax.devices()[0].device_kind
    known = setting.peak_tflops or known_peak(name)
    measured = measured_peak(512 if setting.small else 8192)
    findings.figures |= {
        "device": name,
        "platform": jax.default_backend(),
        "peak of a measured product, TFLOP/s": measured,
        "peak, TFLOP/s": known or measured,
        "the peak is": "as given" if setting.peak_tflops else "by its maker" if known else "measured",
    }
    findings.keep()
