"""From JSON files to a validated experiment."""

from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from kser.errors import UserError
from kser.experiment.config.definition import ExperimentDefinition
from kser.experiment.config.experiment_config import ExperimentConfig
from kser.experiment.config.explaining import explain, required_fields
from kser.experiment.config.model_config import ModelConfig
from kser.files import read_json, resolve_input, visible_files

Config = TypeVar("Config", bound=BaseModel)


def load_experiment(path: str | Path, model_schema: type[ModelConfig] = ModelConfig) -> ExperimentDefinition:
    """Read an experiment and its models.

    Args:
        path: of the experiment file.
        model_schema: of the model files; a subclass may have further fields.

    Raises:
        UserError: a line for each mistake in each file.
    """
    path = Path(path)
    try:
        config = load_config(path, ExperimentConfig)
    except UserError as error:
        raise UserError("\n".join([str(error), *_model_mistakes(path, model_schema)])) from error
    mistakes = []
    model_files = []
    try:
        model_files = _model_files(resolve_input(config.model_files, beside=path.parent))
    except UserError as error:
        mistakes.append(f"{path}: model_files: {error}")
    models: dict[Path, ModelConfig] = {}
    for file in model_files:
        try:
            models[file] = load_config(file, model_schema)
        except UserError as error:
            mistakes.append(str(error))
    try:
        definition = ExperimentDefinition(
            config, tuple(models.values()), str(path), tuple(map(str, models)), path.absolute().parent
        )
    except UserError as error:
        mistakes.append(str(error))
    if mistakes:
        raise UserError("\n".join(mistakes))
    return definition


def load_config(path: Path, schema: type[Config]) -> Config:
    """Read one JSON file into its schema.

    Raises:
        UserError: a line for each mistake, naming file and field; for an unknown field, what would be right.
    """
    data = read_json(path)
    if not isinstance(data, dict):
        raise UserError(f"{path}: should be a JSON object, {{…}}, with {required_fields(schema)}")
    data.pop("$schema", None)  # where editors find the JSON Schema
    try:
        return schema.model_validate(data)
    except ValidationError as error:
        raise UserError("\n".join(f"{path}: {line}" for line in explain(error, schema))) from None


def _model_mistakes(path: Path, model_schema: type[ModelConfig]) -> list[str]:
    """What is wrong with the models of an experiment file that is wrong itself."""
    fields = read_json(path)
    mistakes = []
    if isinstance(fields, dict) and isinstance(fields.get("model_files"), str):
        with suppress(UserError):
            for file in _model_files(resolve_input(fields["model_files"], beside=path.parent)):
                try:
                    load_config(file, model_schema)
                except UserError as error:
                    mistakes.append(str(error))
    return mistakes


def _model_files(path: Path) -> list[Path]:
    if path.is_dir():
        files = visible_files(path, "*.json")
        if not files:
            raise UserError(f"the folder {path} holds no .json file")
        return files
    if not path.is_file():
        raise UserError(f"file or folder not found: {path}")
    return [path]
