"""ONNX: for ONNX Runtime, on servers, phones and in browsers, and what else reads it."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from kser.serving.export.formats.base import LENGTHS, WAVEFORM, Computed, ExportFormat
from kser.serving.export.subprocesses import run_module

OPSET = 18
FEWEST_WEIGHTS = 4096  # of a tensor that is worth integers
_BLOCK = 32


class OnnxFormat(ExportFormat):
    """One file; the facts are in its metadata too, under "kser"."""

    name: ClassVar[str] = "onnx"
    suffix: ClassVar[str] = ".onnx"
    packages: ClassVar[tuple[str, ...]] = ("tf2onnx", "onnx", "onnxruntime")
    extra: ClassVar[str] = "export"
    takes_int8: ClassVar[bool] = True

    def write(self, saved_model: Path, target: Path, facts: Mapping[str, Any]) -> None:
        import onnx

        run_module("tf2onnx.convert", "--saved-model", saved_model, "--output", target, "--opset", OPSET)
        _fold_constants(target)
        model = onnx.load(str(target))
        onnx.helper.set_model_props(model, {"kser": json.dumps(facts, ensure_ascii=False)})
        for value in (*model.graph.input, *model.graph.output):
            for axis, name in zip(value.type.tensor_type.shape.dim, ("batch", "samples"), strict=False):
                if not axis.dim_value:
                    axis.dim_param = name
        onnx.save(model, str(target))
        self.write_facts(target, facts)

    def write_int8(self, saved_model: Path, float32: Path, target: Path, facts: Mapping[str, Any]) -> None:
        import onnx

        model = onnx.load(str(float32))
        _quantize(model.graph)
        onnx.save(model, str(target))
        self.write_facts(target, facts)

    def load(self, path: Path) -> Computed:
        import onnxruntime

        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        names = [output.name for output in session.get_outputs()]

        def compute(waveform: np.ndarray, lengths: np.ndarray) -> dict[str, np.ndarray]:
            outputs = session.run(names, {WAVEFORM: waveform, LENGTHS: lengths})
            return dict(zip(names, outputs, strict=True))

        return compute


def _fold_constants(path: Path) -> None:
    """Compute what follows from weights alone, by ONNX Runtime's basic optimisations, which are plain ONNX.

    The converter keeps weights a second time for their shape.
    """
    import onnx
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(path)
    onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    model = onnx.load(str(path))
    used = {node.domain for node in model.graph.node}
    needed = [opset for opset in model.opset_import if opset.domain in used]
    del model.opset_import[:]
    model.opset_import.extend(needed)
    onnx.save(model, str(path))


def _quantize(graph: Any) -> None:
    """Keep weights of matrix products as integers, −127 to 127 with a scale for each 32 inputs of an output.

    Runtimes make floats of them when they load the file. Convolutions stay: front ends take logarithms of
    what theirs leave nearly nothing of. So do activations: those of trained speech encoders reach hundreds in
    a few channels, and as integers lose the others.
    """
    import onnx

    axes = _input_axes(graph)
    nodes: list[Any] = []
    for tensor in list(graph.initializer):
        weights = onnx.numpy_helper.to_array(tensor)
        if tensor.name in axes and weights.size >= FEWEST_WEIGHTS:
            arrays = _in_blocks(weights, axes[tensor.name] % weights.ndim)
            names = [f"{tensor.name}_{part}" for part in ("int8", "scales", "shape")]
            graph.initializer.remove(tensor)
            graph.initializer.extend(map(onnx.numpy_helper.from_array, arrays, names))
            nodes += _dequantization(names, tensor.name)
    nodes += graph.node
    del graph.node[:]
    graph.node.extend(nodes)


def _input_axes(graph: Any) -> dict[str, int]:
    """The axis of the inputs of every weight of a matrix product."""
    axes = {}
    for node in graph.node:
        if node.op_type == "MatMul":
            axes[node.input[1]] = -2
        elif node.op_type == "Gemm":
            is_transposed = any(each.name == "transB" and each.i for each in node.attribute)
            axes[node.input[1]] = 1 if is_transposed else 0
    return axes


def _in_blocks(weights: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weights as integers, an axis as blocks and their places; the scales of blocks; the shape without."""
    size = weights.shape[axis]
    block = _BLOCK if size % _BLOCK == 0 else size
    blocks = weights.reshape(*weights.shape[:axis], size // block, block, *weights.shape[axis + 1 :])
    largest = np.abs(blocks).max(axis=axis + 1, keepdims=True)
    scales = (np.maximum(largest, np.finfo(np.float32).tiny * 127) / 127).astype(np.float32)
    return np.rint(blocks / scales).astype(np.int8), scales, np.array(weights.shape, np.int64)


def _dequantization(names: Sequence[str], weights: str) -> list[Any]:
    import onnx

    integers, scales, shape = names
    as_floats, scaled = f"{weights}_floats", f"{weights}_scaled"
    return [
        onnx.helper.make_node("Cast", [integers], [as_floats], to=onnx.TensorProto.FLOAT),
        onnx.helper.make_node("Mul", [as_floats, scales], [scaled]),
        onnx.helper.make_node("Reshape", [scaled, shape], [weights]),
    ]
