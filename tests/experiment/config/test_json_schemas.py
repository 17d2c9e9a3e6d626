"""The JSON Schemas in configs/ are those of the code, and the shipped configs obey them."""

import json
from pathlib import Path
from typing import Annotated

import pytest
from pydantic import TypeAdapter

from kser.experiment.config.dataset_config import EvaluationDataset, SplitConfig, TrainingDataset
from kser.experiment.config.experiment_config import Augmentation, ExperimentConfig
from kser.experiment.config.field_examples import EXAMPLES
from kser.experiment.config.field_versions import later_fields, since
from kser.experiment.config.json_schemas import SCHEMAS, json_schema
from kser.experiment.config.loading import load_config
from kser.experiment.config.model_config import ModelConfig

CONFIGS = Path(__file__).parents[3] / "configs"


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_schemas_are_fresh(name: str) -> None:
    written = json.loads((CONFIGS / "schemas" / name).read_text(encoding="utf-8"))
    assert written == json_schema(name), "run: python -m kser.experiment.config.json_schemas configs/schemas"


@pytest.mark.parametrize(
    ("name", "file"),
    [
        (f"{kind}.schema.json", file)
        for kind in ("experiment", "model")
        for file in sorted((CONFIGS / f"{kind}s").rglob("*.json"))
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_shipped_configs_have_the_documented_fields_alone(name: str, file: Path) -> None:
    schema, config = json_schema(name), json.loads(file.read_text(encoding="utf-8"))
    assert set(schema["required"]) <= set(config) <= {*schema["properties"], "$schema"}
    load_config(file, SCHEMAS[name])


def test_every_field_is_described() -> None:
    for name in SCHEMAS:
        schema = json_schema(name)
        for part in [schema, *schema["$defs"].values()] if "$defs" in schema else [schema]:
            for field, field_schema in part["properties"].items():
                described = "description" in field_schema or any(
                    "$ref" in option for option in [field_schema, *field_schema.get("allOf", [])]
                )
                assert described, f"{part['title']}.{field}"


def test_a_file_may_name_its_schema(tmp_path: Path) -> None:
    model = {"$schema": "model.schema.json", "name": "m", "model_path_or_name": "scratch:log_mel"}
    (tmp_path / "model.json").write_text(json.dumps(model))
    assert load_config(tmp_path / "model.json", ModelConfig).name == "m"


CONFIG_CLASSES = {
    each.__name__: each
    for each in (ModelConfig, ExperimentConfig, TrainingDataset, EvaluationDataset, SplitConfig, Augmentation)
}


def test_examples_are_values_of_their_fields() -> None:
    found = set()
    for config in CONFIG_CLASSES.values():
        spellings = config.model_json_schema(by_alias=True)["properties"]
        for name, field in zip(spellings, config.model_fields.values(), strict=True):
            if name in EXAMPLES:
                found.add(name)
                kind = TypeAdapter(Annotated[field.annotation, "of the field", *field.metadata])
                assert kind.validate_python(EXAMPLES[name]) != field.get_default(call_default_factory=True), (
                    name
                )
    assert found == set(EXAMPLES)


def test_later_fields_are_fields() -> None:
    for name, config in CONFIG_CLASSES.items():
        assert set(later_fields(name)) <= set(config.model_fields), name
    assert since("ModelConfig", "head_solver") == "0.2.0"
    assert since("ModelConfig", "pooling_mode") == "0.1.0"
