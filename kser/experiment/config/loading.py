"""From JSON files to a validated experiment, with every mistake of a file told at once."""

import difflib
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import AliasChoices, BaseModel, ValidationError
from pydantic.fields import FieldInfo

from kser.errors import UserError
from kser.experiment.config.experiment_config import ExperimentConfig
from kser.experiment.config.frozen_parts import frozen_parts_mistakes
from kser.experiment.config.model_config import ModelConfig
from kser.experiment.config.search_rules import search_mistakes
from kser.experiment.config.target_rules import experiment_mistakes, target_mistakes
from kser.experiment.config.training_rules import training_mistakes
from kser.files import read_json, resolve_input, visible_files

Config = TypeVar("Config", bound=BaseModel)

_SHOWN_OF_A_VALUE = 60


@dataclass(frozen=True)
class ExperimentDefinition:
    """The validated fields of an experiment and of its models.

    Attributes:
        config: the experiment's fields.
        models: the models, in the order of their files' names.
        source: what messages call the experiment: its file.
        model_sources: likewise of `models`.
        folder: where relative input paths are looked for first: the file's.
    """

    config: ExperimentConfig
    models: tuple[ModelConfig, ...]
    source: str
    model_sources: tuple[str, ...]
    folder: Path


def load_experiment(path: str | Path) -> ExperimentDefinition:
    """Read an experiment and its models.

    Raises:
        UserError: a line for each mistake in each file.
    """
    path = Path(path)
    config = load_config(path, ExperimentConfig)
    mistakes = [f"{path}: {line}" for line in _repeated_test_sets(config)]
    model_files = []
    try:
        model_files = _model_files(resolve_input(config.model_files, beside=path.parent))
    except UserError as error:
        mistakes.append(f"{path}: model_files: {error}")
    models: dict[Path, ModelConfig] = {}
    for file in model_files:
        try:
            models[file] = load_config(file, ModelConfig)
        except UserError as error:
            mistakes.append(str(error))
            continue
        of_model = [
            *frozen_parts_mistakes(config, models[file]),
            *training_mistakes(models[file]),
            *target_mistakes(models[file]),
        ]
        # Candidates would repeat what is wrong of the model itself.
        of_model = of_model or search_mistakes(config, models[file])
        mistakes += [f"{file}: {line}" for line in of_model]
        mistakes += [f"{path}: {line}" for line in experiment_mistakes(config, models[file])]
        mistakes += _inconsistencies(config, models[file], path, file)
    mistakes += _repeated_model_names(models)
    if mistakes:
        raise UserError("\n".join(dict.fromkeys(mistakes)))
    return ExperimentDefinition(
        config, tuple(models.values()), str(path), tuple(map(str, models)), path.absolute().parent
    )


def load_config(path: Path, schema: type[Config]) -> Config:
    """Read one JSON file into its schema.

    Raises:
        UserError: a line for each mistake, naming file and field; for an unknown field, the nearest one.
    """
    data = read_json(path)
    if not isinstance(data, dict):
        raise UserError(f"{path}: should be a JSON object, {{…}}, with {_required_fields(schema)}")
    data.pop("$schema", None)  # where editors find the JSON Schema
    try:
        return schema.model_validate(data)
    except ValidationError as error:
        lines = [f"{path}: {_explain(details, schema)}" for details in error.errors()]
        raise UserError("\n".join(lines)) from None


def _model_files(path: Path) -> list[Path]:
    if path.is_dir():
        files = visible_files(path, "*.json")
        if not files:
            raise UserError(f"the folder {path} holds no .json file")
        return files
    if not path.is_file():
        raise UserError(f"no such file or folder: {path}")
    return [path]


def _repeated_test_sets(config: ExperimentConfig) -> list[str]:
    names = Counter([config.training_dataset.name, *(dataset.name for dataset in config.datasets)])
    return [
        f"datasets: two test sets have the name {name!r} (training_dataset gives its name to its own test "
        "part); their results would overwrite each other"
        for name, count in names.items()
        if count > 1
    ]


def _repeated_model_names(models: dict[Path, ModelConfig]) -> list[str]:
    files_of: dict[str, list[Path]] = {}
    for file, model in models.items():
        files_of.setdefault(model.name, []).append(file)
    return [
        f"{files[-1]}: name: {name!r} is the name in {files[0]}, too; one would overwrite the other's results"
        for name, files in files_of.items()
        if len(files) > 1
    ]


def _inconsistencies(config: ExperimentConfig, model: ModelConfig, path: Path, model_file: Path) -> list[str]:
    eval_steps = model.eval_steps or config.eval_steps
    if model.pool_position == "before" and not model.use_weight_encoder_layers:
        return [
            f"{model_file}: pool_position: 'before' is before the weighting of the layers, which "
            "use_weight_encoder_layers: true asks for"
        ]
    if config.save_steps is not None and config.save_steps % eval_steps:
        where = model_file if model.eval_steps else path
        return [
            f"{path}: save_steps: {config.save_steps} is no multiple of eval_steps ({eval_steps}, {where}): "
            "states are saved after evaluations"
        ]
    return []


def _explain(details: Any, schema: type[BaseModel]) -> str:
    *outer, name = details["loc"]
    field = ".".join(map(str, details["loc"]))
    kind = details["type"]
    if kind == "extra_forbidden":
        return f"{field}: {_explain_unknown(name, _schema_at(schema, outer))}"
    if kind == "missing":
        return f"{field}: is missing"
    if kind == "model_type":
        fields = _required_fields(_schema_at(schema, details["loc"]))
        wanted = f"should be a JSON object, {{…}}{f', with {fields}' if fields else ''}"
    else:
        message = details["msg"].removeprefix("Value error, ").removeprefix("Input ")
        wanted = message[0].lower() + message[1:]
    value = json.dumps(details["input"], ensure_ascii=False)
    shown = value if len(value) <= _SHOWN_OF_A_VALUE else f"{value[:_SHOWN_OF_A_VALUE]}…"
    return f"{field}: {wanted}, not {shown}"


def _explain_unknown(name: str, schema: type[BaseModel]) -> str:
    spellings = _spellings(schema)
    if name in spellings:
        field = spellings[name]
        another = next(of for of in _written(field, schema.model_fields[field]) if of != name)
        return f"is another spelling of {another}, which is given as well; keep one"
    for other, other_file in ((ExperimentConfig, "the experiment's JSON"), (ModelConfig, "a model's JSON")):
        if schema in (ExperimentConfig, ModelConfig) and name in _spellings(other):
            return f"unknown field; it belongs into {other_file}"
    nearest = difflib.get_close_matches(name.lower(), spellings, n=1)
    if nearest:
        return f"unknown field; did you mean {nearest[0]}?"
    return (
        f"unknown field; known are {', '.join(_written(*field)[0] for field in schema.model_fields.items())}"
    )


def _schema_at(schema: type[BaseModel], location: Any) -> type[BaseModel]:
    """The schema of the object at a place in the file."""
    for part in location:
        # A position in a list or the name of an augmentation leads to no other schema.
        if name := _spellings(schema).get(part):
            annotation = schema.model_fields[name].annotation
            nested = [t for t in (annotation, *get_args(annotation)) if hasattr(t, "model_fields")]
            schema = nested[0] if nested else schema
    return schema


def _required_fields(schema: type[BaseModel]) -> str:
    fields = schema.model_fields.items()
    return ", ".join(_written(name, field)[0] for name, field in fields if field.is_required())


def _spellings(schema: type[BaseModel]) -> dict[str, str]:
    """Each spelling of each field, with the field's name."""
    fields = schema.model_fields.items()
    return {spelling: name for name, field in fields for spelling in _written(name, field)}


def _written(name: str, field: FieldInfo) -> list[str]:
    """How a field may be written, the documented way first."""
    alias = field.validation_alias
    if isinstance(alias, AliasChoices):
        return [str(choice) for choice in alias.choices]
    return [str(alias or name)]
