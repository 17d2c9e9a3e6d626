"""The JSON Schemas of experiments and models.

`python -m kser.experiment.config.json_schemas configs/schemas` writes them.
"""

import sys
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from kser.experiment.config.experiment_config import ExperimentConfig
from kser.experiment.config.field_examples import EXAMPLES
from kser.experiment.config.model_config import ModelConfig
from kser.files import write_json

SCHEMAS: dict[str, type[BaseModel]] = {
    "experiment.schema.json": ExperimentConfig,
    "model.schema.json": ModelConfig,
}


def json_schema(name: str) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a file, with the documented spelling of each field, and examples.

    Args:
        name: a key of `SCHEMAS`.
    """
    schema = SCHEMAS[name].model_json_schema(by_alias=True)
    for part in (schema, *schema.get("$defs", {}).values()):
        for field, described in part.get("properties", {}).items():
            if field in EXAMPLES:
                described["examples"] = [EXAMPLES[field]]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def write_json_schemas(folder: Path) -> None:
    """Write every schema into a folder, each whole or not at all."""
    for name in SCHEMAS:
        write_json(folder / name, json_schema(name))


if __name__ == "__main__":
    write_json_schemas(Path(sys.argv[1]))
