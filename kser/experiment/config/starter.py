"""A first experiment with one model, for a corpus or a metadata CSV, and what each of its fields means."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from kser.checkpoints.named_checkpoints import NAMED_CHECKPOINTS, named_checkpoint
from kser.corpora.headers import known_columns
from kser.corpora.metadata import TableFormat, read_metadata
from kser.corpora.recipes import recipe
from kser.delimited import header_of
from kser.errors import UserError
from kser.experiment.config.dataset_config import TrainingDataset
from kser.experiment.config.experiment_config import ExperimentConfig
from kser.experiment.config.loading import load_config
from kser.experiment.config.model_config import ModelConfig
from kser.experiment.config.shipped_configs import write_new
from kser.files import read_text, resolve_input
from kser.markdown import markdown_table
from kser.words import did_you_mean

BASELINE = "log_mel"
EXPERIMENT_FILE = "experiment.json"
_SEEDS = 3
_COLUMNS = ("path", "class_id", "actor")
_BASELINE_FIELDS = {
    "model_path_or_name": "scratch:log_mel",
    "use_dropout": True,
    "dropout_rate": 0.3,
    "per_device_batch_size": 16,
    "gradient_accumulation_steps": 1,
    "learning_rate": 0.003,
    "number_of_training_epochs": 30,
}
# Frozen, so that a machine without a GPU trains it in minutes.
_CHECKPOINT_FIELDS = {"freeze_layers": "all", "head_solver": "logistic_regression"}


def write_starter(
    folder: Path,
    *,
    corpus: str | None = None,
    data: Path | None = None,
    model: str = BASELINE,
    force: bool = False,
) -> list[Path]:
    """Write an experiment JSON, a model JSON and a README that explains them.

    Args:
        folder: for the files; it may be new.
        corpus: name of a corpus that kser has a recipe for.
        data: a metadata CSV, in place of a corpus.
        model: `BASELINE`, or the short name of a published checkpoint.
        force: whether files that are there are replaced.

    Returns:
        What was written, the experiment first.

    Raises:
        UserError: not one of corpus and data was given, one of them or the model cannot be used, or files
            would be overwritten.
    """
    if (corpus is None) == (data is None):
        raise UserError("give either a corpus or a metadata CSV")
    dataset = _of_csv(data) if data is not None else _of_corpus(str(corpus))
    model_fields = _model_fields(model)
    model_file = f"models/{model}.json"
    experiment: dict[str, Any] = {
        "experiment_name": f"{_as_name(dataset['name'])}_{model}",
        "model_files": model_file,
        "cross_validation": _SEEDS,
        "training_dataset": dataset,
        "eval_metric": "uar",
    }
    load_config(experiment, ExperimentConfig, EXPERIMENT_FILE)
    load_config(model_fields, ModelConfig, model_file)
    texts = {
        folder / EXPERIMENT_FILE: _json(experiment),
        folder / model_file: _json(model_fields),
        folder / "README.md": _readme(folder, experiment, model_fields, corpus),
    }
    write_new(texts, force)
    return list(texts)


def _of_corpus(name: str) -> dict[str, Any]:
    found = recipe(name)
    return {"name": found.short_title, "data_csv": f"data/{found.name}/metadata.csv"}


def _of_csv(path: Path) -> dict[str, Any]:
    """A CSV as a data set, with `columns` where all that it lacks has another name that is known."""
    found = resolve_input(path)
    header = header_of(read_text(found), _COLUMNS) if found.is_file() else []
    columns = known_columns(header, _COLUMNS)
    if not {*_COLUMNS} <= {*header, *columns.values()}:
        columns = {}
    read_metadata(found, check_files=False, table_format=TableFormat(tuple(columns.items())))
    name = found.stem if found.stem != "metadata" else found.parent.name
    dataset: dict[str, Any] = {"name": _as_name(name), "data_csv": str(found)}
    return {**dataset, "columns": columns} if columns else dataset


def _as_name(text: str) -> str:
    """As names of experiments and folders may be."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", text).strip("_") or "mine"


def _model_fields(name: str) -> dict[str, Any]:
    if name == BASELINE:
        return {"name": name, **_BASELINE_FIELDS}
    if name not in NAMED_CHECKPOINTS:
        raise UserError(
            f"--model: {name} not found{did_you_mean(name, [BASELINE, *NAMED_CHECKPOINTS])}; there are "
            f"{BASELINE} and the names of kser convert --list"
        )
    return {"name": name, "model_path_or_name": name, **_CHECKPOINT_FIELDS}


def _json(fields: Mapping[str, Any]) -> str:
    return json.dumps(fields, indent=2, ensure_ascii=False) + "\n"


def _readme(folder: Path, experiment: dict[str, Any], model: dict[str, Any], corpus: str | None) -> str:
    commands = [f"kser check {folder / EXPERIMENT_FILE}", f"kser train {folder / EXPERIMENT_FILE}"]
    commands.append(f"kser report results/{experiment['experiment_name']}")
    if corpus is not None:
        commands.insert(0, f"kser data prepare {recipe(corpus).name} --source FOLDER_OR_ZIP")
    checkpoint = named_checkpoint(model["model_path_or_name"])
    about = (
        "The model is a small baseline that needs no download."
        if checkpoint is None
        else f"The model is {checkpoint.repository} (licence: {checkpoint.licence}), downloaded when it is "
        "first used. Its backbone stays as published; without `freeze_layers` and `head_solver` it is "
        "fine-tuned, which takes a GPU."
    )
    shown = "\n".join(commands)
    return f"""\
# {experiment["experiment_name"]}

Run these in the folder in which `kser init` ran; relative paths start from it:

```sh
{shown}
```

{about} Every other field has its default; `kser check` prints the plan.

## {EXPERIMENT_FILE}

{_explained(experiment, ExperimentConfig)}
Of `training_dataset`:

{_explained(experiment["training_dataset"], TrainingDataset)}
## {experiment["model_files"]}

{_explained(model, ModelConfig)}"""


def _explained(fields: Mapping[str, Any], schema: type[BaseModel]) -> str:
    """A table of fields that are set: their values, and what the schema says of them."""
    rows = [
        (f"`{name}`", f"`{json.dumps(value, ensure_ascii=False)}`", schema.model_fields[name].description)
        for name, value in fields.items()
        if name != "training_dataset"
    ]
    return markdown_table(("field", "value", "meaning"), rows, text_columns=3)
