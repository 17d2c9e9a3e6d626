"""What the training step becomes for a GPU, by eval/benchmarks/cuda_step.py."""

from pathlib import Path

import keras
import pytest

BENCHMARKS = Path(__file__).parents[2] / "eval" / "benchmarks"

pytestmark = pytest.mark.skipif(keras.config.backend() != "jax", reason="a step of JAX")


@pytest.mark.thorough
def test_on_a_gpu_all_but_the_head_multiplies_in_bfloat16(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    from cuda_step import lowered_step, operations

    found = operations(lowered_step(layers=1, small=True))
    of_head = "<2x4xf32>", "<32x4xf32>"
    in_float32 = [name for name in found if "f32" in name]
    assert in_float32 and all(any(shape in name for shape in of_head) for name in in_float32)
    # The position convolution is one in groups, as are its gradients; the forms for CPUs are not taken.
    assert sum("groups 4" in name for name in found) == 3
