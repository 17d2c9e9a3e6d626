"""What a training step in bfloat16 becomes for a GPU, found out on a machine without one.

    KERAS_BACKEND=jax JAX_PLATFORMS=cpu python eval/benchmarks/cuda_step.py [--layers 2] [--small]

lowers loss and gradients of a Wav2Vec 2.0 classifier (large, 16 × 4 s, convolutions over the waveform frozen)
to StableHLO for CUDA, with the forms that kser chooses on a GPU, and counts its matrix products and
convolutions by shapes and types. What XLA's compiler for GPUs makes of them is not seen here.
"""

import argparse
import os
import re
from collections import Counter
from unittest.mock import patch

os.environ.setdefault("KERAS_BACKEND", "jax")

import jax

from kser.models import EmotionClassifier, Wav2Vec2Backbone, separate_program
from kser.models.wav2vec2 import position_convolution

LARGE = {"num_heads": 16, "hidden_dim": 1024, "intermediate_dim": 4096, "filters": (512,) * 7}
SMALL = {
    "num_heads": 2,
    "hidden_dim": 32,
    "intermediate_dim": 64,
    "filters": (16,) * 7,
    "position_kernel_size": 16,
    "position_groups": 4,
}
OPERATION = re.compile(r"stablehlo\.(dot_general|convolution)\b.*: \((.*)\) -> (.*)$")
GROUPS = re.compile(r"(batch|feature)_group_count = (\d+)")


def main() -> None:
    """Print the counts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--small", action="store_true", help="2 × 1 s and a tiny model")
    arguments = parser.parse_args()
    found = operations(lowered_step(arguments.layers, arguments.small))
    print("\n".join(f"{count:3} {operation}" for operation, count in sorted(found.items())))


def lowered_step(layers: int, small: bool = False) -> str:
    """StableHLO for CUDA of loss and gradients.

    Args:
        layers: of the transformer.
        small: a tiny model and batch.
    """
    backbone = Wav2Vec2Backbone(
        num_layers=layers,
        use_conv_bias=True,
        feature_norm="layer",
        norm_first=True,
        dtype="mixed_bfloat16",
        **(SMALL if small else LARGE),
    )
    model = EmotionClassifier(backbone, ["a", "b", "c", "d"], use_relu=False)
    backbone.freeze_feature_encoder()
    shape = (2, 16_000) if small else (16, 64_000)
    inputs = {
        "waveform": jax.ShapeDtypeStruct(shape, "float32"),
        "padding_mask": jax.ShapeDtypeStruct(shape, "bool"),
    }
    trained = [variable.value for variable in model.trainable_variables]
    others = [variable.value for variable in model.non_trainable_variables]

    def loss(trained: list, others: list, inputs: dict) -> tuple:
        logits, others = model.stateless_call(trained, others, inputs, training=True)
        return jax.nn.logsumexp(logits.astype("float32"), -1).sum(), others

    step = jax.jit(jax.value_and_grad(loss, has_aux=True))
    with (
        patch.object(position_convolution, "xla_on_cpu", lambda: False),
        patch.object(separate_program, "xla_on_cpu", lambda: False),
    ):
        traced = step.trace(trained, others, inputs)
    return traced.lower(lowering_platforms=("cuda",)).as_text()


def operations(stablehlo: str) -> Counter[str]:
    """How often each kind of product and convolution occurs."""
    found: Counter[str] = Counter()
    for line in stablehlo.splitlines():
        if operation := OPERATION.search(line):
            name, operands, result = operation.groups()
            groups = "".join(f" {kind} groups {n}" for kind, n in GROUPS.findall(line) if n != "1")
            found[f"{name}{groups}: {operands} -> {result}".replace("tensor", "")] += 1
    return found


if __name__ == "__main__":
    main()
