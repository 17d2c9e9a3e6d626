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


REQUIRED = {
    "ModelConfig": {"name": "wavlm", "model_path_or_name": "wavlm_base_plus"},
    "ExperimentConfig": {
        "experiment_name": "my_study",
        "model_files": "models",
        "training_dataset": {"name": "EmoDB", "data_csv": "data/emodb/metadata.csv"},
    },
    "TrainingDataset": {"name": "EmoDB", "data_csv": "data/emodb/metadata.csv"},
    "EvaluationDataset": {"name": "EMOVO", "eval_csv_path": "data/emovo"},
    "SplitConfig": {},
    "Augmentation": {"module": "audiomentations", "class": "Gain"},
}
COMPANIONS = {
    "regression_loss": {"is_regression": True},
    "regression_weight": {"regression_columns": ["arousal"]},
    "use_positive_weights": {"is_multi_label": True},
    "lora_alpha": {"lora_rank": 8},
    "lora_targets": {"lora_rank": 8},
    "head_solver": {"freeze_layers": "all"},
    "probe_layers": {"freeze_layers": "all"},
    "layer_curve": {"hidden_state": 9},
    "projection_activation": {"projection_dim": 256},
    "layer_weighting": {"use_weight_encoder_layers": True},
    "pool_position": {"use_weight_encoder_layers": True},
    "hp_search_method": {"skip_hp_search": False},
    "hp_search_space": {"skip_hp_search": False},
    "augmentation_draws": {"augmentations": EXAMPLES["augmentations"]},
    "too_long": {"max_seconds": 10.0},
    "folds_seed": {"scheme": "k_fold", "folds": 5},
    "parts": {"scheme": "fixed", "column": "session"},
    "test_csv": {"scheme": "fixed"},
    "validation_csv": {"scheme": "fixed", "test_csv": "data/my_corpus/test.csv"},
    "corpus": {"scheme": "emobox"},
}
"""What an example needs beside it to have an effect."""


@pytest.mark.parametrize(
    ("config", "field"),
    [
        (name, field)
        for name, config in CONFIG_CLASSES.items()
        for field in config.model_json_schema(by_alias=True)["properties"]
        if field in EXAMPLES
    ],
)
def test_an_example_is_accepted_in_a_file(config: str, field: str) -> None:
    fields = {**REQUIRED[config], **COMPANIONS.get(field, {}), field: EXAMPLES[field]}
    load_config(fields, CONFIG_CLASSES[config], config)


def test_later_fields_are_fields() -> None:
    for name, config in CONFIG_CLASSES.items():
        assert set(later_fields(name)) <= set(config.model_fields), name
    assert since("ModelConfig", "head_solver") == "0.2.0"
    assert since("ModelConfig", "pooling_mode") == "0.1.0"
