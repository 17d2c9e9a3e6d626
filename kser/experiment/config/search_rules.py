"""Every candidate of a search must be a model that could be trained: told before anything is."""

import json
import math
from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import Any

from pydantic import ValidationError

from kser.errors import UserError
from kser.experiment.config.experiment_config import ExperimentConfig
from kser.experiment.config.frozen_parts import frozen_parts_mistakes
from kser.experiment.config.halving import fewest_epochs, first_draws
from kser.experiment.config.model_config import ModelConfig
from kser.experiment.config.search_space import SearchSpace, space_of, with_values
from kser.experiment.config.target_rules import target_mistakes
from kser.experiment.config.training_rules import training_mistakes
from kser.experiment.tasks.targets import Targets

# More combinations of corner values than these are tried field by field.
_COMBINATIONS = 256
# What a model that is continued brings with it, see `kser.experiment.runs.continuing`.
_OF_THE_EARLIER_MODEL = (
    "backbone_arguments",
    "pooling_mode",
    "pooling_arguments",
    "use_weight_encoder_layers",
    "layer_weighting",
    "pool_position",
    "use_relu",
    "use_batch_norm",
    "projection_dim",
    "projection_activation",
)
_SHAPE_THE_LOSS = ("use_class_weights", "use_positive_weights", "regression_loss", "regression_weight")
# Fields without effect unless another one says so: whether it does, and how.
_SWITCHES: dict[str, tuple[Callable[[ModelConfig], Any], str]] = {
    "dropout_rate": (lambda model: model.use_dropout, "use_dropout: true"),
    "weight_decay": (lambda model: model.use_l2_reg, "use_l2_reg: true"),
    "layer_weighting": (lambda model: model.use_weight_encoder_layers, "use_weight_encoder_layers: true"),
    "pool_position": (lambda model: model.use_weight_encoder_layers, "use_weight_encoder_layers: true"),
    "projection_activation": (lambda model: model.projection_dim, "projection_dim"),
    "lora_alpha": (lambda model: model.lora_rank, "lora_rank"),
    "lora_targets": (lambda model: model.lora_rank, "lora_rank"),
    "early_stopping_threshold": (lambda model: model.early_stopping_patience, "early_stopping_patience"),
    "regression_loss": (lambda model: Targets.of(model).number_columns, "is_regression: true"),
    "regression_weight": (lambda model: model.regression_columns, "regression_columns"),
    "use_positive_weights": (lambda model: model.is_multi_label, "is_multi_label: true"),
}


def search_mistakes(config: ExperimentConfig, model: ModelConfig) -> list[str]:
    """What a model JSON asks of the search that does not fit together, a line each.

    Args:
        config: the experiment.
        model: the model; it makes no mistakes by itself.
    """
    if model.skip_hp_search:
        given = [name for name in ("hp_search_space", "hp_search_method") if name in model.model_fields_set]
        return [f"{name}: without effect unless skip_hp_search is false" for name in given]
    try:
        space = space_of(model)
    except UserError as error:
        return str(error).splitlines()
    return (
        _field_mistakes(config, model, space)
        or _candidate_mistakes(config, model, space)
        or _method_mistakes(config, model, space)
    )


def search_epochs(config: ExperimentConfig, model: ModelConfig) -> int:
    """How many epochs a trial is trained for, of hyperband at most."""
    return config.hp_number_of_training_epochs or model.number_of_training_epochs


def in_words(values: Mapping[str, Any]) -> str:
    """Values of a candidate: "learning_rate 0.0002, pooling_mode max"."""
    return ", ".join(f"{field} {value_in_words(value)}" for field, value in values.items())


def value_in_words(value: Any) -> str:
    """One value of a candidate, numbers to four digits."""
    if isinstance(value, float):
        return f"{value:.4g}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _field_mistakes(config: ExperimentConfig, model: ModelConfig, space: SearchSpace) -> list[str]:
    """Fields that do not go with the rest."""
    mistakes = []
    for field in space.fields:
        name = field.partition(".")[0]
        if "." in field and name in space.fields:
            mistakes.append(f"{field}: is searched as a part of {name}, too; keep one of them")
        if model.continue_model_training and name in _OF_THE_EARLIER_MODEL:
            mistakes.append(f"{field}: is that of the model whose training is to be continued")
        if name in _SHAPE_THE_LOSS and model.best_metric.endswith("loss"):
            mistakes.append(
                f"{field}: changes what the validation loss means, so that the losses of two candidates say "
                "nothing of which is better; give another best_metric, e.g. uar or ccc"
            )
    if "number_of_training_epochs" in space.fields:
        if config.hp_number_of_training_epochs is not None:
            mistakes.append(
                "number_of_training_epochs: all trials have the experiment's hp_number_of_training_epochs"
            )
        elif model.hp_search_method == "hyperband":
            mistakes.append("number_of_training_epochs: is what hyperband varies by itself")
    return [f"hp_search_space: {line}" for line in mistakes]


def _candidate_mistakes(config: ExperimentConfig, model: ModelConfig, space: SearchSpace) -> list[str]:
    """Candidates that are no valid model, and fields that have no effect in any of them."""
    idle = {field: _SWITCHES[field] for field in space.fields if field in _SWITCHES}
    mistakes: dict[str, None] = {}
    for values in _corners(space):
        try:
            candidate = with_values(model, values)
        except ValidationError as error:
            for line in _explain(error, values):
                mistakes.setdefault(line)
            continue
        idle = {field: switch for field, switch in idle.items() if not switch[0](candidate)}
        for line in _model_mistakes(config, candidate):
            mistakes.setdefault(f"hp_search_space: with {in_words(values)}: {line}")
    told = [f"hp_search_space: {field}: without effect unless {what}" for field, (_, what) in idle.items()]
    return told or list(mistakes)[:1]


def _corners(space: SearchSpace) -> Iterator[dict[str, Any]]:
    """Candidates with corner values: all combinations, or too many of them field by field."""
    corners = {of.field: of.corners for of in space.dimensions}
    if math.prod(map(len, corners.values())) <= _COMBINATIONS:
        yield from (dict(zip(corners, values, strict=True)) for values in product(*corners.values()))
        return
    for field, values in corners.items():
        for value in values:
            yield {name: value if name == field else first[0] for name, first in corners.items()}


def _explain(error: ValidationError, values: Mapping[str, Any]) -> list[str]:
    """A value that its field does not take, as the file has it."""
    lines = []
    for details in error.errors():
        field = str(details["loc"][0])
        message = details["msg"].removeprefix("Value error, ").removeprefix("Input ")
        value = json.dumps(values.get(field), ensure_ascii=False)
        lines.append(f"hp_search_space: {field}: {message[0].lower()}{message[1:]}, not {value}")
    return lines


def _model_mistakes(config: ExperimentConfig, candidate: ModelConfig) -> list[str]:
    """Of a candidate: for the whole training, and for the shortest trial."""
    mistakes = [
        *frozen_parts_mistakes(config, candidate),
        *training_mistakes(candidate),
        *target_mistakes(candidate),
    ]
    if candidate.pool_position == "before" and not candidate.use_weight_encoder_layers:
        mistakes.append("pool_position: 'before' wants use_weight_encoder_layers: true")
    epochs = search_epochs(config, candidate)
    if candidate.hp_search_method == "hyperband":
        epochs = fewest_epochs(epochs)
    if not mistakes and epochs != candidate.number_of_training_epochs:
        trial = with_values(candidate, {"number_of_training_epochs": epochs})
        mistakes += [f"in a trial of {epochs} epochs: {line}" for line in training_mistakes(trial)]
    return mistakes


def _method_mistakes(config: ExperimentConfig, model: ModelConfig, space: SearchSpace) -> list[str]:
    """What hyperband wants."""
    if model.hp_search_method != "hyperband":
        return []
    epochs = search_epochs(config, model)
    if fewest_epochs(epochs) == epochs:
        return [f"hp_search_method: hyperband varies the number of epochs and wants 3 or more, not {epochs}"]
    if space.size < first_draws(epochs):
        return [
            f"hp_search_method: hyperband draws {first_draws(epochs)} different candidates for {epochs} "
            f"epochs, and hp_search_space has {space.size:.0f}; random does for so few"
        ]
    return []
