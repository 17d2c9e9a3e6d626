"""Every candidate of a search must be a model that could be trained: told before anything is."""

import json
import math
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

from pydantic import ValidationError

from kser.errors import UserError
from kser.experiment.config.experiment_config import ExperimentConfig
from kser.experiment.config.explaining import explain, reason_and_value
from kser.experiment.config.field_types import INCONSISTENT
from kser.experiment.config.halving import fewest_epochs, first_draws
from kser.experiment.config.head_argument import head_fields
from kser.experiment.config.model_config import ModelConfig
from kser.experiment.config.needs import why_idle
from kser.experiment.config.search_space import SearchSpace, space_of, with_values

# More combinations of corner values than these are tried field by field.
_COMBINATIONS = 256
_SHAPE_THE_LOSS = ("use_class_weights", "use_positive_weights", "regression_loss", "regression_weight")


def search_mistakes(config: ExperimentConfig, model: ModelConfig) -> list[str]:
    """What a model JSON asks of the search that does not fit together, a line each.

    Args:
        config: the experiment.
        model: the model; it makes no mistakes by itself.
    """
    if model.skip_hp_search:
        return []
    space = space_of(model)
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
    fixed = _fields_of_the_earlier_model(model) if model.continue_model_training else set()
    for field in space.fields:
        name = field.partition(".")[0]
        if "." in field and name in space.fields:
            mistakes.append(f"{field}: is searched as a part of {name}, too; keep one of them")
        if name in fixed:
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


def _fields_of_the_earlier_model(model: ModelConfig) -> set[str]:
    """What a model that is continued brings with it, see `kser.experiment.runs.continuing`."""
    fields = {"backbone_arguments"}
    for field in head_fields(type(model)):
        if field.argument.may_change is None:
            fields |= {field.name, *field.switches}
    return fields


def _candidate_mistakes(config: ExperimentConfig, model: ModelConfig, space: SearchSpace) -> list[str]:
    """Candidates that are no valid model, and fields that have no effect in any of them."""
    idle: dict[str, str] = {}
    effective: set[str] = set()
    mistakes: dict[str, None] = {}
    for values in _corners(space):
        try:
            candidate = with_values(model, values)
            _check_shortest_trial(config, candidate)
        except ValidationError as error:
            mistakes |= dict.fromkeys(_explain(error, values))
            continue
        except UserError as error:
            mistakes[f"hp_search_space: with {in_words(values)}: {error}"] = None
        for field in space.fields:
            reason = why_idle(candidate, field)
            if reason is None:
                effective.add(field)
            else:
                idle.setdefault(field, reason)
    in_vain = [f"hp_search_space: {field}: {why}" for field, why in idle.items() if field not in effective]
    return in_vain or list(mistakes)[:1]


def _corners(space: SearchSpace) -> Iterator[dict[str, Any]]:
    """Candidates with corner values: all combinations, or too many of them field by field."""
    corners = {dimension.field: dimension.corners for dimension in space.dimensions}
    if math.prod(map(len, corners.values())) <= _COMBINATIONS:
        yield from (dict(zip(corners, values, strict=True)) for values in product(*corners.values()))
        return
    for field, values in corners.items():
        for value in values:
            yield {name: value if name == field else first[0] for name, first in corners.items()}


def _explain(error: ValidationError, values: Mapping[str, Any]) -> list[str]:
    """Why values make no model: one that its field does not take, or that do not go together."""
    lines = []
    for details in error.errors():
        field = ".".join(map(str, details["loc"]))
        shown = json.dumps(values.get(field.partition(".")[0]), ensure_ascii=False)
        reason = f"{field}: {reason_and_value(details, shown)}"
        together = details["type"] == INCONSISTENT
        lines.append(f"hp_search_space: {f'with {in_words(values)}: ' if together else ''}{reason}")
    return lines


def _check_shortest_trial(config: ExperimentConfig, candidate: ModelConfig) -> None:
    """Raise `UserError` where a candidate goes together as a whole and in the shortest trial does not."""
    epochs = search_epochs(config, candidate)
    if candidate.hp_search_method == "hyperband":
        epochs = fewest_epochs(epochs)
    try:
        with_values(candidate, {"number_of_training_epochs": epochs})
    except ValidationError as error:
        (first, *_) = explain(error, type(candidate))
        raise UserError(f"in a trial of {epochs} epochs: {first}") from error


def _method_mistakes(config: ExperimentConfig, model: ModelConfig, space: SearchSpace) -> list[str]:
    """What hyperband requires."""
    if model.hp_search_method != "hyperband":
        return []
    epochs = search_epochs(config, model)
    if fewest_epochs(epochs) == epochs:
        return [f"hp_search_method: hyperband varies the epochs, which must be at least 3, got {epochs}"]
    if space.size < first_draws(epochs):
        return [
            f"hp_search_method: hyperband draws {first_draws(epochs)} different candidates for {epochs} "
            f"epochs, and hp_search_space has {space.size:.0f}; random does for so few"
        ]
    return []
