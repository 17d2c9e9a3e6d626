"""A model whose backbone is frozen has defaults that suit a head, and every reader is told."""

import json

import pytest

from kser.experiment.config.frozen_defaults import FrozenDefault, frozen_defaults
from kser.experiment.config.json_schemas import json_schema
from kser.experiment.config.loading import load_experiment
from kser.experiment.config.model_config import ModelConfig
from kser.experiment.config.search_space import space_of, with_values
from tests.experiment.config.test_loading import MODEL, write

FROZEN = {
    name: item.value
    for name, field in ModelConfig.model_fields.items()
    for item in field.metadata
    if isinstance(item, FrozenDefault)
}


def model(**fields) -> ModelConfig:
    return ModelConfig(**{**MODEL, **fields})


def test_they_are_chosen_for_fields_that_are_not_given() -> None:
    fine_tuned, frozen = model(), model(freeze_layers="all")
    assert set(FROZEN) == {"learning_rate", "use_standardization", "use_relu", "use_dropout"}
    for name, value in FROZEN.items():
        assert getattr(frozen, name) == value
        assert getattr(fine_tuned, name) == ModelConfig.model_fields[name].default != value
    given = {name: ModelConfig.model_fields[name].default for name in FROZEN}
    assert frozen_defaults(model(freeze_layers="all", **given)) == {}
    assert model(freeze_layers="all", use_relu=True).use_relu
    assert not model(freeze_layers=1).use_standardization
    assert not model(lora_rank=2).use_standardization


def test_a_copy_with_other_fields_chooses_anew() -> None:
    frozen = model(freeze_layers="all")
    assert frozen.model_fields_set == {*MODEL, "freeze_layers"}
    assert with_values(frozen, {"freeze_layers": 0}).learning_rate == 5e-5
    assert with_values(model(), {"freeze_layers": "all"}).learning_rate == FROZEN["learning_rate"]
    assert ModelConfig(**frozen.model_dump()) == frozen


def test_a_model_that_is_continued_keeps_its_head() -> None:
    continued = model(model_path_or_name="results/a/model", freeze_layers="all", continue_model_training=True)
    assert frozen_defaults(continued) == {name: FROZEN[name] for name in ("learning_rate", "use_dropout")}
    assert continued.use_relu
    assert not continued.use_standardization


def test_they_are_told_with_the_file(tmp_path) -> None:
    fields = {"freeze_layers": "all", "use_relu": True}
    (note,) = load_experiment(write(tmp_path, tiny=fields)).notes()
    assert note.endswith(
        'models/tiny.json: freeze_layers: "all": only the head is trained, so unless given: '
        "learning_rate 0.002, use_dropout true, use_standardization true"
    )
    assert load_experiment(write(tmp_path, tiny={})).notes() == []


def test_they_are_in_the_schema() -> None:
    properties = json_schema("model.schema.json")["properties"]
    for name, value in FROZEN.items():
        assert properties[name]["description"].endswith(
            f'With freeze_layers "all" the default is {json.dumps(value)}.'
        )


@pytest.mark.thorough
def test_a_search_for_a_learning_rate_is_that_of_a_head() -> None:
    searching = {"skip_hp_search": False}
    (fine_tuning,) = space_of(model(**searching)).dimensions
    (head,) = space_of(model(freeze_layers="all", **searching)).dimensions
    assert (fine_tuning.minimum, fine_tuning.maximum) == (5e-5, 1e-3)
    assert head.minimum < FROZEN["learning_rate"] < head.maximum
