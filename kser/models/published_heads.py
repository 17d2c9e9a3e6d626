"""The trained heads of published checkpoints, in the terms of kser's tasks.

A head is recognised by its tensors. `architectures` in `config.json` does not tell: it has the names of
classes that others have copied and changed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from kser.checkpoints.config_fields import ConfigFields
from kser.checkpoints.published_checkpoint import PublishedCheckpoint
from kser.errors import UserError
from kser.models.conversion import assign

PROBLEM_TYPES = ("single_label_classification", "multi_label_classification", "regression")
"""What a head can be for, as `problem_type` in `config.json` has it."""

_X_VECTOR = "tdnn.0.kernel.weight"  # of heads that also have a projector and a classifier
_LAYER_WEIGHTS = "layer_weights"
_POOLING_MODES = ("mean", "sum", "max")
# What none of these heads has: given, it would be an argument for another one.
_LACKING = {"hidden_state": None, "use_standardization": False, "use_batch_norm": False}


@dataclass(frozen=True)
class HeadLayout:
    """A kind of head: pooled frames → projection → activation → output.

    Args:
        projection: name of the tensors of the first linear layer, without `.weight`.
        output: of the last one.
        arguments: of `EmotionTask`, by the fields of `config.json`.
    """

    projection: str
    output: str
    arguments: Callable[[ConfigFields], dict[str, Any]]


def _of_transformers(config: ConfigFields) -> dict[str, Any]:
    """`…ForSequenceClassification`, `WhisperForAudioClassification`: frames are projected, then averaged."""
    weighted = config.get("use_weighted_layer_sum", False)
    return {
        "use_relu": False,
        "projection_dim": config.get("classifier_proj_size", 256),
        "projection_activation": "linear",
        "layer_weighting": "softmax" if weighted else None,
        "pooling": "mean",
    }


def _with_tanh(config: ConfigFields) -> dict[str, Any]:
    """RoBERTa's head on pooled frames, in the code that audEERING and others publish with their models.

    Raises:
        UserError: frames are pooled in a way that this code does not know.
    """
    pooling = config.get("pooling_mode", "mean")
    if pooling not in _POOLING_MODES:
        raise UserError(
            f"{config.source}: pooling_mode: must be one of {', '.join(_POOLING_MODES)}, got {pooling!r}"
        )
    return {
        "use_relu": False,
        "dropout": config.get("final_dropout", 0.1),
        "projection_dim": config.get("hidden_size", 768),
        "projection_activation": "tanh",
        "pooling": pooling,
    }


HEAD_LAYOUTS = (
    HeadLayout("projector", "classifier", _of_transformers),
    HeadLayout("classifier.dense", "classifier.out_proj", _with_tanh),
    HeadLayout("classifier.dense", "classifier.output", _with_tanh),
)
"""The first of these whose tensors a checkpoint has is its head."""


@dataclass(frozen=True)
class PublishedHead:
    """The head of a checkpoint.

    Args:
        problem_type: what it is for, one of `PROBLEM_TYPES`; tasks say which of them they are for.
        names: of its outputs in their order: classes, labels or targets.
        arguments: of the task.
        layout: where its tensors are.
    """

    problem_type: str
    names: list[str]
    arguments: dict[str, Any]
    layout: HeadLayout

    def convert_weights(self, task: Any, checkpoint: PublishedCheckpoint) -> None:
        """Assign the weights of a task that was built with `arguments`.

        Raises:
            UserError: a tensor is missing, or has another shape than `config.json` says.
        """
        _convert_dense(task.get_layer("projection"), checkpoint, self.layout.projection)
        _convert_dense(task.get_layer(task.output_layer), checkpoint, self.layout.output)
        if self.arguments.get("layer_weighting"):
            weights = task.get_layer("layer_weighting").layer_weights
            _convert_tensor(weights, checkpoint, _LAYER_WEIGHTS)

    def refuse_other(self, arguments: dict[str, Any], source: str) -> None:
        """Refuse arguments that ask for another head than the trained one, whose dropout only may change.

        Raises:
            UserError: there are such.
        """
        for name, trained in self.arguments.items():
            if name != "dropout" and arguments.get(name, trained) != trained:
                raise UserError(
                    f"{source}: its trained head has {name}={trained!r}, not {arguments[name]!r}; leave that "
                    "out, or say what a new head is for"
                )


def published_head(
    checkpoint: PublishedCheckpoint, pooling_arguments: dict[str, Any]
) -> PublishedHead | None:
    """The trained head of a checkpoint; `None` where it has none that kser knows.

    Args:
        checkpoint: its tensors' names and its configuration are read.
        pooling_arguments: of the mean over frames, in the architecture's published heads.

    Raises:
        UserError: the configuration does not say what the head is for.
    """
    layout = next((layout for layout in HEAD_LAYOUTS if _has(checkpoint, layout)), None)
    if layout is None or checkpoint.has_head_tensor(_X_VECTOR):
        return None
    names = _names(checkpoint.config)
    arguments = {**_LACKING, **layout.arguments(checkpoint.config)}
    if pooling_arguments:
        arguments["pooling_arguments"] = pooling_arguments
    return PublishedHead(_problem_type(checkpoint.config, names), names, arguments, layout)


def _has(checkpoint: PublishedCheckpoint, layout: HeadLayout) -> bool:
    return all(checkpoint.has_head_tensor(f"{name}.weight") for name in (layout.projection, layout.output))


def _names(config: ConfigFields) -> list[str]:
    """What the outputs are called, in their order; numbered, as by `transformers`, where nothing says it."""
    given = config.get("id2label")
    if given is None:
        return [f"LABEL_{index}" for index in range(config.get("num_labels", 2))]
    try:
        names = [given[key] for key in sorted(given, key=int)]
    except (TypeError, ValueError):
        names = []
    if not names or not all(isinstance(name, str) and name for name in names) or len(set(names)) < len(names):
        raise UserError(f"{config.source}: id2label: must be different names by number, got {given!r}")
    return names


def _problem_type(config: ConfigFields, names: list[str]) -> str:
    """What the head is for; without the field as `transformers` takes it."""
    given = config.get("problem_type")
    if given is None:
        return "regression" if len(names) == 1 else "single_label_classification"
    if given not in PROBLEM_TYPES:
        raise UserError(
            f"{config.source}: problem_type: must be one of {', '.join(PROBLEM_TYPES)}, got {given!r}"
        )
    return str(given)


def _convert_dense(layer: Any, checkpoint: PublishedCheckpoint, name: str) -> None:
    kernel = np.transpose(checkpoint.head_tensor(f"{name}.weight"))
    assign(layer.kernel, kernel, f"{checkpoint.name}: {name}.weight")
    _convert_tensor(layer.bias, checkpoint, f"{name}.bias")


def _convert_tensor(variable: Any, checkpoint: PublishedCheckpoint, name: str) -> None:
    assign(variable, checkpoint.head_tensor(name), f"{checkpoint.name}: {name}")
