"""The space of a search: which values there are, and what is refused before anything is trained."""

import pytest
from pydantic import ValidationError

from kser.errors import UserError
from kser.experiment.config.experiment_config import ExperimentConfig
from kser.experiment.config.explaining import explain
from kser.experiment.config.model_config import ModelConfig
from kser.experiment.config.search_rules import in_words, search_mistakes
from kser.experiment.config.search_space import Choice, Range, space_of, with_values
from tests.experiment.searching_runs import run_of

EXPERIMENT = {
    "experiment_name": "e",
    "model_files": "models",
    "training_dataset": {"name": "c", "data_csv": "metadata.csv"},
}
RATE = {"learning_rate": {"min": 5e-5, "max": 1e-3, "sampling": "log"}}


def model_of(space: dict | None = None, **fields) -> ModelConfig:
    given = {} if space is None else {"hp_search_space": space}
    fields = {
        "skip_hp_search": False,
        "name": "m",
        "model_path_or_name": "scratch:log_mel",
        **given,
        **fields,
    }
    return ModelConfig.model_validate(fields)


def mistakes(space: dict | None, experiment: dict | None = None, **fields) -> list[str]:
    config = ExperimentConfig.model_validate({**EXPERIMENT, **(experiment or {})})
    try:
        model = model_of(space, **fields)
    except ValidationError as error:
        return explain(error, ModelConfig)
    return search_mistakes(config, model)


def test_the_original_space_by_default():
    assert space_of(model_of()).dimensions == (Range("learning_rate", 5e-5, 1e-3, "log", whole=False),)
    assert mistakes(None) == []


def test_grids_and_whole_numbers():
    space = space_of(
        model_of(
            {
                "dropout_rate": {"min": 0.1, "max": 0.6, "step": 0.1},
                "warmup_ratio": {"min": 0, "max": 0.5},
                "freeze_layers": {"min": 0, "max": 4},
                "lora_rank": {"min": 1, "max": 16, "step": 2, "sampling": "log"},
            }
        )
    )
    assert space.dimensions == (
        Choice("dropout_rate", (0.1, 0.2, 0.3, 0.4, 0.5, 0.6), "linear", is_grid=True),
        Range("warmup_ratio", 0, 0.5, "linear", whole=False),
        Range("freeze_layers", 0, 4, "linear", whole=True),
        Choice("lora_rank", (1, 2, 4, 8, 16), "log", is_grid=True),
    )
    draw = {"dropout_rate": 5, "warmup_ratio": 0.5, "freeze_layers": 5, "lora_rank": 0}
    values = {dimension.field: dimension.value(draw[dimension.field]) for dimension in space.dimensions}
    assert values == {"dropout_rate": 0.6, "warmup_ratio": 0.5, "freeze_layers": 4, "lora_rank": 1}
    assert in_words(values) == "dropout_rate 0.6, warmup_ratio 0.5, freeze_layers 4, lora_rank 1"


def test_values_take_the_place_of_those_of_the_model():
    model = model_of(backbone_arguments={"filters": [8]}, weight_decay=0.1)
    candidate = with_values(
        model, {"backbone_arguments.dropout": 0.2, "lora_rank": None, "learning_rate": 0.01}
    )
    assert candidate.backbone_arguments == {"filters": [8], "dropout": 0.2}
    assert (candidate.learning_rate, candidate.lora_rank, candidate.weight_decay) == (0.01, None, 0.1)
    assert model.learning_rate == 5e-5


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ({"learning_rat": {}}, "learning_rat: unknown field of a model (did you mean 'learning_rate'?)"),
        ({"seed": {"values": [1]}}, "seed: cannot be searched: says what is learned"),
        ({"name": {"values": ["a"]}}, "name: cannot be searched: has no effect"),
        ({"train_test_split": {"min": 0.1, "max": 0.9}}, "train_test_split: cannot be searched: says what"),
        ({"output_column": {"values": ["a"]}}, "output_column: cannot be searched"),
        ({"skip_hp_search": {"values": [True]}}, "skip_hp_search: cannot be searched: belongs to the search"),
        ({"head_solver": {"values": ["gradient"]}}, "head_solver: cannot be searched: makes another kind of"),
        ({"best_metric": {"values": ["uar"]}}, "best_metric: cannot be searched: is what candidates are"),
        ({"dropout.rate": {}}, "dropout.rate: unknown field of a model"),
        ({"learning_rate.x": {}}, "learning_rate.x: a dot is for one of backbone_arguments and pooling_"),
        ({"learning_rate": {"min": 1e-4}}, "learning_rate: max: missing; give min and max, or values"),
        (
            {"learning_rate": {"min": 1, "max": 2, "stp": 1}},
            "stp: unknown (did you mean 'step'?); a range has",
        ),
        ({"learning_rate": {"min": 2e-4, "max": 1e-4}}, "min: must be less than max (0.0001), got 0.0002"),
        (
            {"learning_rate": {"min": 0, "max": 1, "sampling": "log"}},
            "min: must be above 0 with log sampling, got 0",
        ),
        ({"learning_rate": {"min": "a", "max": 1}}, 'min: must be a number, got "a"'),
        (
            {"learning_rate": {"min": 1, "max": 2, "sampling": "cubic"}},
            'sampling: must be "linear" or "log", got "cubic"',
        ),
        ({"learning_rate": {"min": 1, "max": 2, "step": 0}}, "step: must be above 0, got 0"),
        (
            {"learning_rate": {"min": 1, "max": 2, "step": 1, "sampling": "log"}},
            "step: must be a factor above 1 with log sampling",
        ),
        (
            {"learning_rate": {"min": 0.1, "max": 1, "step": 1e-9}},
            "step: 1e-09 makes more than 10000 values",
        ),
        ({"learning_rate": {"values": []}}, "values: must be a list of at least one value, got []"),
        ({"use_relu": {"values": [True, True]}}, "values: a value is listed twice"),
        ({"use_relu": {"values": [True], "min": 0}}, "min: cannot be combined with values"),
        ({"learning_rate": {"min": -1.0, "max": 1}}, "learning_rate: should be greater than 0, not -1.0"),
        ({"use_relu": {"values": [True, 2]}}, "use_relu: should be a valid boolean, not 2"),
        ({"pooling_mode": {"values": ["mean", "median"]}}, "pooling_mode: should be 'mean', 'sum'"),
        ({"freeze_layers": {"min": 0.5, "max": 3}}, "freeze_layers: should be a whole number from 0, or"),
        ({"dropout_rate": {"min": 0.1, "max": 0.5}}, "dropout_rate: has no effect unless use_dropout is tr"),
        ({"weight_decay": {"min": 0.1, "max": 0.5}}, "weight_decay: has no effect unless use_l2_reg is true"),
        ({"lora_alpha": {"min": 1.0, "max": 5.0}}, "lora_alpha: has no effect unless lora_rank"),
        ({"early_stopping_threshold": {"min": 0.0, "max": 1.0}}, "has no effect unless early_stopping_pat"),
        (
            {"pooling_arguments": {"values": [{}]}, "pooling_arguments.x": {"values": [1]}},
            "as a part of pooling",
        ),
        ({"use_class_weights": {"values": [True, False]}}, "changes what the validation loss means"),
    ],
)
def test_what_makes_no_space_is_refused_in_a_line(space, message):
    (line,) = mistakes(space)
    assert line.startswith("hp_search_space: ")
    assert message in line


def test_what_belongs_to_other_fields():
    assert mistakes(RATE, skip_hp_search=True) == [
        "hp_search_space: has no effect unless skip_hp_search is false"
    ]
    assert mistakes({"dropout_rate": {"min": 0.1, "max": 0.5}}, use_dropout=True) == []
    some = {"freeze_layers": {"values": [0, "all"]}, "layerwise_lr_decay": {"min": 0.5, "max": 0.9}}
    assert mistakes(some) == []
    both = {"dropout_rate": {"min": 0.1, "max": 0.5}, "use_dropout": {"values": [True, False]}}
    assert mistakes(both) == []
    assert mistakes({"use_class_weights": {"values": [True, False]}}, best_metric="uar") == []
    for field, values in {
        "pooling_mode": ["max", "mean"],
        "use_weight_encoder_layers": [True, False],
    }.items():
        (line,) = mistakes(
            {field: {"values": values}}, continue_model_training=True, model_path_or_name="earlier/model"
        )
        assert f"{field}: is that of the model whose training is to be continued" in line
    epochs = {"number_of_training_epochs": {"min": 3, "max": 9}}
    assert mistakes(epochs) == []
    assert "hp_number_of_training_epochs" in mistakes(epochs, {"hp_number_of_training_epochs": 2})[0]
    assert "hyperband varies" in mistakes(epochs, hp_search_method="hyperband")[0]


def test_hyperband_needs_epochs_and_candidates():
    assert mistakes(None, hp_search_method="hyperband") == []
    assert (
        "which must be at least 3, got 2"
        in mistakes(None, hp_search_method="hyperband", number_of_training_epochs=2)[0]
    )
    (line,) = mistakes({"use_relu": {"values": [True, False]}}, hp_search_method="hyperband")
    assert "different candidates for 50 epochs, and hp_search_space has 2; random does" in line


def test_a_trial_too_short_for_gradual_unfreezing():
    (line,) = mistakes(None, {"hp_number_of_training_epochs": 2}, gradual_unfreezing_epochs=3)
    assert "in a trial of 2 epochs: gradual_unfreezing_epochs: must be less than" in line


def test_the_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"log_mel\.json: hp_search_space: nam: unknown field"):
        run_of(tmp_path, tmp_path / "metadata.csv", {"hp_search_space": {"nam": {"values": [1]}}})
