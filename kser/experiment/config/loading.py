"""From JSON files, or the same fields in a Python program, to a validated experiment."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from kser.errors import UserError
from kser.experiment.config.definition import ExperimentDefinition
from kser.experiment.config.experiment_config import ExperimentConfig
from kser.experiment.config.explaining import explain, required_fields
from kser.experiment.config.layer_probes import layer_probes
from kser.experiment.config.model_config import ModelConfig
from kser.files import read_json, resolve_input, visible_files

Config = TypeVar("Config", bound=BaseModel)


def load_experiment(
    config: str | Path | Mapping[str, Any] | ExperimentConfig,
    models: Sequence[str | Path | Mapping[str, Any] | ModelConfig] | str | Path | None = None,
    model_schema: type[ModelConfig] = ModelConfig,
    start_keras: Callable[[], None] = lambda: None,
) -> ExperimentDefinition:
    """An experiment and its models.

    Args:
        config: an experiment JSON or its fields. Relative input paths are looked for beside the file first,
            then in the working folder.
        models: in place of those that `model_files` names, each a model JSON or its fields; or a model JSON
            or a folder of them, as `model_files` has it. One with `probe_layers` becomes several.
        model_schema: of the models; a subclass may have further fields.
        start_keras: called before Keras is needed, which only `probe_layers` does; commands start it in
            their own way, see `kser.startup.import_keras`.

    Raises:
        UserError: a line for each mistake in each file.
    """
    source, folder = "experiment", Path.cwd()
    if isinstance(config, (str, Path)):
        source, folder = str(Path(config)), Path(config).absolute().parent
    mistakes: list[str] = []
    fields: ExperimentConfig | None = None
    try:
        fields = load_config(config, ExperimentConfig, source)
    except UserError as error:
        mistakes.append(str(error))
    if models is None:
        try:
            models = _model_files(_named_models(config) if fields is None else fields.model_files, folder)
        except UserError as error:
            mistakes += [] if fields is None else [f"{source}: model_files: {error}"]
    elif isinstance(models, (str, Path)):
        try:
            models = _model_files(str(models), Path.cwd())
        except UserError as error:
            mistakes.append(f"models: {error}")
            models = []
    elif not models:
        mistakes.append("models: must hold at least one, got none")
    loaded: list[tuple[str, ModelConfig]] = []
    for number, model in enumerate(models or ()):
        model_source = str(model) if isinstance(model, (str, Path)) else f"models[{number}]"
        try:
            found = _load_models(model, model_schema, model_source, start_keras)
            loaded += [(model_source, each) for each in found]
        except UserError as error:
            mistakes.append(str(error))
    if fields is None:
        raise UserError("\n".join(mistakes))
    try:
        definition = ExperimentDefinition(
            fields,
            tuple(model for _, model in loaded),
            source,
            tuple(model_source for model_source, _ in loaded),
            folder,
        )
    except UserError as error:
        mistakes.append(str(error))
    if mistakes:
        raise UserError("\n".join(mistakes))
    return definition


def load_config(
    given: str | Path | Mapping[str, Any] | Config, schema: type[Config], source: str | None = None
) -> Config:
    """Validate the fields of one JSON.

    Args:
        given: the file, its fields, or fields that are validated already.
        schema: of the fields.
        source: what messages call them; `None` for the name of the file.

    Raises:
        UserError: a line for each mistake, with source and field; for an unknown field, what would be right.
    """
    if isinstance(given, schema):
        return given
    source = source or str(given)
    fields = read_json(given) if isinstance(given, (str, Path)) else given
    if not isinstance(fields, Mapping):
        raise UserError(f"{source}: should be a JSON object, {{…}}, with {required_fields(schema)}")
    # $schema is where editors find the JSON Schema.
    fields = {name: value for name, value in fields.items() if name != "$schema"}
    try:
        return schema.model_validate(fields)
    except ValidationError as error:
        raise UserError("\n".join(f"{source}: {line}" for line in explain(error, schema))) from None


def _load_models(
    given: str | Path | Mapping[str, Any] | ModelConfig,
    schema: type[ModelConfig],
    source: str,
    start_keras: Callable[[], None],
) -> list[ModelConfig]:
    """The model of a JSON, or those that its `probe_layers` ask for."""
    model = load_config(given, schema, source)
    if model.probe_layers is None:
        return [model]
    start_keras()
    return [load_config(fields, schema, source) for fields in layer_probes(model, source)]


def _named_models(config: Any) -> str | None:
    """What `model_files` says in an experiment that is wrong."""
    fields = read_json(config) if isinstance(config, (str, Path)) else config
    named = fields.get("model_files") if isinstance(fields, Mapping) else None
    return named if isinstance(named, str) else None


def _model_files(named: str | None, folder: Path) -> list[Path]:
    """The files that `model_files` names in an experiment of that folder."""
    if named is None:
        raise UserError("is missing")
    path = resolve_input(named, beside=folder)
    if path.is_dir():
        files = visible_files(path, "*.json")
        if not files:
            raise UserError(f"the folder {path} holds no .json file")
        return files
    if not path.is_file():
        raise UserError(f"file or folder not found: {path}")
    return [path]
