"""The space of a hyper-parameter search: which fields of a model JSON, and which values of each."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

from kser.errors import UserError
from kser.words import did_you_mean

if TYPE_CHECKING:
    from kser.experiment.config.model_config import ModelConfig

Description = Mapping[str, Mapping[str, Any]]

# That of the original, and one for a head on a frozen backbone: model_config.py documents them.
_FINE_TUNING = {"learning_rate": {"min": 5e-5, "max": 1e-3, "sampling": "log"}}
_HEAD = {"learning_rate": {"min": 5e-4, "max": 3e-2, "sampling": "log"}}
_ARGUMENTS = ("backbone_arguments", "pooling_arguments")
_WHAT_IS_LEARNED = "says what is learned and from what, and is the same for all candidates"
_WITHOUT_EFFECT = "has no effect on what a trial gives"
_NOT_SEARCHED = {
    **dict.fromkeys(("name", "factors", "layer_curve"), _WITHOUT_EFFECT),
    **dict.fromkeys(("batch_size", "logging_steps", "feature_cache", "keep_states_every"), _WITHOUT_EFFECT),
    **dict.fromkeys(("seed", "train_test_split", "speaker_independent_scenario"), _WHAT_IS_LEARNED),
    **dict.fromkeys(("input_column", "output_column", "regression_columns"), _WHAT_IS_LEARNED),
    **dict.fromkeys(("task_name", "is_regression", "is_multi_label"), _WHAT_IS_LEARNED),
    **dict.fromkeys(("model_path_or_name", "continue_model_training"), "makes another model; give it a file"),
    "probe_layers": "makes several models, each with a search of its own; hidden_state can be searched",
    "head_solver": "makes another kind of training; give it a file",
    "best_metric": "is what candidates are compared by",
    "eval_steps": "gives some candidates more chances than others to be evaluated at their best",
    **dict.fromkeys(
        ("skip_hp_search", "hp_search_method", "hp_search_space"), "belongs to the search itself"
    ),
}
# A larger grid is a slip of the pen.
_LARGEST_GRID = 10_000


@dataclass(frozen=True)
class Choice:
    """Some values, each as likely as the others.

    Attributes:
        field: of the model JSON.
        values: as the field takes them.
        sampling: "log" where they lie on a logarithmic scale.
        is_grid: whether they are numbers by steps.
    """

    field: str
    values: tuple[Any, ...]
    sampling: str = "linear"
    is_grid: bool = False

    @property
    def corners(self) -> tuple[Any, ...]:
        """Values that must all be valid."""
        return self.values

    @property
    def size(self) -> float:
        """How many values there are."""
        return len(self.values)

    def value(self, drawn: Any) -> Any:
        """The value for what the oracle draws: its position."""
        return self.values[int(drawn)]


@dataclass(frozen=True)
class Range:
    """All numbers between two.

    Attributes:
        field: of the model JSON.
        minimum: the least, itself included.
        maximum: the largest, itself included.
        sampling: "linear" or "log": uniform in the number or in its logarithm.
        whole: whether they are whole numbers.
    """

    field: str
    minimum: float
    maximum: float
    sampling: str
    whole: bool

    @property
    def corners(self) -> tuple[Any, ...]:
        """Values that must all be valid: what is between two valid numbers is valid."""
        return (self.minimum, self.maximum)

    @property
    def size(self) -> float:
        """How many values there are."""
        return self.maximum - self.minimum + 1 if self.whole else math.inf

    def value(self, drawn: float) -> int | float:
        """The value for what the oracle draws, which the Bayesian one may do a little beyond the range."""
        within = min(max(drawn, self.minimum), self.maximum)
        return int(within) if self.whole else float(within)


Dimension = Choice | Range


@dataclass(frozen=True)
class SearchSpace:
    """What is searched.

    Attributes:
        dimensions: by field, in the order of the JSON.
    """

    dimensions: tuple[Dimension, ...]

    @property
    def fields(self) -> list[str]:
        """Names of what is searched."""
        return [dimension.field for dimension in self.dimensions]

    @property
    def size(self) -> float:
        """How many candidates there are; infinitely many with a range of numbers that are not whole."""
        return math.prod(dimension.size for dimension in self.dimensions)


def described_space(model: "ModelConfig") -> Description:
    """The description of what is searched: that of a model JSON, or the default."""
    return model.hp_search_space or (_HEAD if model.freeze_layers == "all" else _FINE_TUNING)


def space_of(model: "ModelConfig") -> SearchSpace:
    """The space of a model JSON, or the default.

    Raises:
        UserError: descriptions that make no space, a line each, beginning with the field.
    """
    dimensions, mistakes = [], []
    for field, description in described_space(model).items():
        try:
            _check_field(field, type(model))
            dimensions.append(_dimension(field, description, type(model)))
        except UserError as error:
            mistakes.append(f"hp_search_space: {field}: {error}")
    if mistakes:
        raise UserError("\n".join(mistakes))
    return SearchSpace(tuple(dimensions))


def with_values(model: "ModelConfig", values: Mapping[str, Any]) -> "ModelConfig":
    """A candidate: the model with these values in place of its own.

    Args:
        model: what is searched for.
        values: by field; with a dot for one argument, "backbone_arguments.dropout".

    Raises:
        pydantic.ValidationError: a field does not take its value, or fields do not go together; that one has
            no effect in some candidates is no mistake.
    """
    fields: dict[str, Any] = model.model_dump(exclude_unset=True)
    for field, value in values.items():
        name, _, argument = field.partition(".")
        fields[name] = {**fields.get(name, {}), argument: value} if argument else value
    return type(model).model_validate(fields, context={"is_candidate": True})


def _check_field(field: str, schema: type["ModelConfig"]) -> None:
    name, dot, argument = field.partition(".")
    known = schema.model_fields
    if name not in known:
        hint = did_you_mean(name, [known_name for known_name in known if known_name not in _NOT_SEARCHED])
        raise UserError(f"unknown field of a model{hint}")
    if name in _NOT_SEARCHED:
        raise UserError(f"cannot be searched: {_NOT_SEARCHED[name]}")
    if dot and (name not in _ARGUMENTS or not argument):
        raise UserError(f"a dot is for one of {' and '.join(_ARGUMENTS)}, e.g. pooling_arguments.num_heads")


def _dimension(field: str, description: Mapping[str, Any], schema: type["ModelConfig"]) -> Dimension:
    if "values" in description:
        if further := sorted(set(description) - {"values"}):
            raise UserError(f"{', '.join(further)}: cannot be combined with values")
        return Choice(field, _values(description["values"]))
    known = ("min", "max", "sampling", "step")
    if unknown := [name for name in description if name not in known]:
        hint = did_you_mean(unknown[0], [*known, "values"])
        raise UserError(f"{unknown[0]}: unknown{hint}; a range has min, max, sampling and step")
    if missing := [name for name in ("min", "max") if name not in description]:
        raise UserError(f"{' and '.join(missing)}: missing; give min and max, or values")
    return _range(field, description, schema)


def _values(values: Any) -> tuple[Any, ...]:
    if not isinstance(values, list) or not values:
        raise UserError(f"values: must be a list of at least one value, got {json.dumps(values)}")
    # By their JSON: 1 and true are the same to Python.
    if len({json.dumps(value, sort_keys=True) for value in values}) < len(values):
        raise UserError("values: a value is listed twice")
    return tuple(values)


def _range(field: str, description: Mapping[str, Any], schema: type["ModelConfig"]) -> Dimension:
    numbers = {name: description[name] for name in ("min", "max", "step") if name in description}
    for name, value in numbers.items():
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise UserError(f"{name}: must be a number, got {json.dumps(value)}")
    least, largest = numbers["min"], numbers["max"]
    sampling = description.get("sampling", "linear")
    if sampling not in ("linear", "log"):
        raise UserError(f'sampling: must be "linear" or "log", got {json.dumps(sampling)}')
    if least >= largest:
        raise UserError(f"min: must be less than max ({largest}), got {least}")
    if sampling == "log" and least <= 0:
        raise UserError(f"min: must be above 0 with log sampling, got {least}")
    whole = all(isinstance(value, int) for value in numbers.values()) and not _takes_fractions(field, schema)
    if "step" not in numbers:
        return Range(field, least, largest, sampling, whole)
    values = _grid(least, largest, numbers["step"], sampling)
    return Choice(
        field, tuple(map(int, values)) if whole else tuple(map(float, values)), sampling, is_grid=True
    )


def _takes_fractions(field: str, schema: type["ModelConfig"]) -> bool:
    """Whether a field takes numbers that are not whole; what arguments take is unknown here."""
    annotations: list[Any] = [] if "." in field else [schema.model_fields[field].annotation]
    for annotation in annotations:
        annotations += get_args(annotation)
    return float in annotations


def _grid(least: float, largest: float, step: float, sampling: str) -> Sequence[float]:
    """From the least number by steps, which are factors on a logarithmic scale."""
    if sampling == "log":
        if step <= 1:
            raise UserError(f"step: must be a factor above 1 with log sampling, e.g. 10, got {step}")
        count = math.log(largest / least) / math.log(step)
    elif step <= 0:
        raise UserError(f"step: must be above 0, got {step}")
    else:
        count = (largest - least) / step
    if count > _LARGEST_GRID:
        raise UserError(f"step: {step} makes more than {_LARGEST_GRID} values; leave step out")
    # 0.1, 0.2, 0.3 and not 0.30000000000000004.
    numbers = range(math.floor(count + 1e-9) + 1)
    return [float(f"{least * step**n if sampling == 'log' else least + n * step:.12g}") for n in numbers]
