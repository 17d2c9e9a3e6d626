"""From JSON files to a validated experiment, with every mistake of a file told at once."""

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from kser.errors import UserError
from kser.experiment.not_yet import not_yet_in_experiment, not_yet_in_model
from kser.experiment.schema import EXPERIMENT_OLDER_SPELLINGS, ExperimentConfig, ModelConfig
from kser.files import read_json, resolve_input

Config = TypeVar("Config", bound=BaseModel)


@dataclass(frozen=True)
class Experiment:
    """An experiment file and the model files it names.

    Attributes:
        config: the experiment's fields.
        models: the models, in the order of their files' names.
        folder: the experiment file's folder, where relative input paths are looked for first.
    """

    config: ExperimentConfig
    models: tuple[ModelConfig, ...]
    folder: Path


def load_experiment(path: str | Path) -> Experiment:
    """Read an experiment and its models.

    Raises:
        UserError: a line for each mistake in each file.
    """
    path = Path(path)
    config = load_config(path, ExperimentConfig)
    models_path = resolve_input(config.model_files, beside=path.parent)
    model_files = _model_files(models_path, f"{path}: model_files")
    models: list[ModelConfig] = []
    mistakes = [f"{path}: {line}" for line in not_yet_in_experiment(config)]
    for model_file in model_files:
        try:
            model = load_config(model_file, ModelConfig)
        except UserError as error:
            mistakes.append(str(error))
            continue
        models.append(model)
        mistakes += [f"{model_file}: {line}" for line in not_yet_in_model(model)]
        mistakes += _inconsistencies(config, model, str(path), str(model_file))
    for name in sorted({model.name for model in models if [m.name for m in models].count(model.name) > 1}):
        mistakes.append(
            f"{models_path}: two models have the name {name!r}; their results would overwrite each other"
        )
    if mistakes:
        raise UserError("\n".join(mistakes))
    return Experiment(config, tuple(models), path.absolute().parent)


def load_config(path: Path, schema: type[Config]) -> Config:
    """Read one JSON file into its schema.

    Raises:
        UserError: a line for each mistake, naming file and field, for an unknown field the nearest known.
    """
    data = read_json(path)
    if not isinstance(data, dict):
        raise UserError(f"{path}: holds no JSON object with the fields of {schema.__name__}")
    try:
        return schema.model_validate(data)
    except ValidationError as error:
        lines = [f"{path}: {_explain(details, schema)}" for details in error.errors()]
        raise UserError("\n".join(lines)) from None


def _model_files(path: Path, source: str) -> list[Path]:
    if path.is_dir():
        files = sorted(path.glob("*.json"))
        if not files:
            raise UserError(f"{source}: the folder {path} holds no .json file")
        return files
    if not path.is_file():
        raise UserError(f"{source}: no such file or folder: {path}")
    return [path]


def _inconsistencies(config: ExperimentConfig, model: ModelConfig, path: str, model_file: str) -> list[str]:
    eval_steps = model.eval_steps or config.eval_steps
    if config.save_steps is not None and config.save_steps % eval_steps:
        where = model_file if model.eval_steps else path
        return [
            f"{path}: save_steps: {config.save_steps} is no multiple of eval_steps ({eval_steps}, {where}): "
            "states are saved after evaluations"
        ]
    return []


def _explain(details: Any, schema: type[BaseModel]) -> str:
    field = ".".join(str(part) for part in details["loc"])
    kind = details["type"]
    if kind == "extra_forbidden":
        known = _known_fields(schema, details["loc"])
        nearest = difflib.get_close_matches(str(details["loc"][-1]), known, n=1)
        return f"{field}: unknown field" + (f"; did you mean {nearest[0]}?" if nearest else "")
    if kind == "missing":
        return f"{field}: is missing"
    message = details["msg"].removeprefix("Value error, ")
    if not field:
        return message
    return f"{field}: {message[0].lower()}{message[1:]}, not {details['input']!r}"


def _known_fields(schema: type[BaseModel], location: tuple[Any, ...]) -> list[str]:
    """Names of the fields at the place in the file where the unknown one stands."""
    fields: Any = schema.model_fields
    for part in location[:-1]:
        if isinstance(part, int):
            continue
        annotation = fields[part].annotation
        nested = [annotation, *getattr(annotation, "__args__", ())]
        fields = next(t.model_fields for t in nested if hasattr(t, "model_fields"))
    known = list(fields)
    return (
        [*known, *EXPERIMENT_OLDER_SPELLINGS] if schema is ExperimentConfig and len(location) == 1 else known
    )
