"""No field of a JSON is without effect in silence: each is refused, or told, where its switch is off."""

from typing import Annotated

import pytest
from pydantic import Field, ValidationError

from kser.experiment.config.definition import ExperimentDefinition
from kser.experiment.config.experiment_config import ExperimentConfig
from kser.experiment.config.explaining import explain
from kser.experiment.config.field_types import Config
from kser.experiment.config.head_argument import HeadArgument, head_fields
from kser.experiment.config.loading import load_experiment
from kser.experiment.config.model_config import ModelConfig
from kser.experiment.config.needs import Needs, requirements
from kser.experiment.config.search_space import with_values
from kser.experiment.tasks import task_types
from tests.experiment.config.test_loading import EXPERIMENT, MODEL, write

# Each field that has no effect by itself: a value, what turns it on, and what turns it off.
SWITCHED = {
    "too_long": ("skip", {"max_seconds": 9.0}, {}),
    "layerwise_lr_decay": (0.9, {}, {"freeze_layers": "all"}),
    "gradual_unfreezing_epochs": (2.0, {}, {"freeze_layers": "all"}),
    "keep_states_every": (20, {}, {"freeze_layers": "all"}),
    "freeze_feature_encoder": (False, {}, {"lora_rank": 2}),
    "dropout_rate": (0.3, {"use_dropout": True}, {"use_dropout": False}),
    "weight_decay": (0.3, {"use_l2_reg": True}, {"use_l2_reg": False}),
    "hidden_state": (0, {}, {"use_weight_encoder_layers": True}),
    "probe_layers": ("all", {"freeze_layers": "all", "head_solver": "logistic_regression"}, {}),
    "lora_alpha": (2.0, {"lora_rank": 2}, {"lora_rank": None}),
    "lora_targets": (["key"], {"lora_rank": 2}, {}),
    "projection_activation": ("relu", {"projection_dim": 4}, {"projection_dim": None}),
    "layer_weighting": ("softmax", {"use_weight_encoder_layers": True}, {"use_weight_encoder_layers": False}),
    "pool_position": ("before", {"use_weight_encoder_layers": True}, {}),
    "early_stopping_threshold": (0.1, {"early_stopping_patience": 2}, {}),
    "hp_search_method": ("bayesian", {"skip_hp_search": False}, {"skip_hp_search": True}),
    "hp_search_space": ({"use_relu": {"values": [True, False]}}, {"skip_hp_search": False}, {}),
    "augmentation_mode": ("compose", {"augmentations": {"a": {"module": "m", "class": "c"}}}, {}),
    "augmentation_draws": ("frozen", {"augmentations": {"a": {"module": "m", "class": "c"}}}, {}),
}
SWITCHED["head_solver"] = ("logistic_regression", {"freeze_layers": "all"}, {})
# What only a head that is trained by gradients has: a value of each.
BY_GRADIENT = {
    "gradient_accumulation_steps": 2,
    "learning_rate": 0.1,
    "lr_scheduler": "cosine",
    "warmup_ratio": 0.1,
    "max_grad_norm": 2.0,
    "optimizer_weight_decay": 0.1,
    "ema_momentum": 0.9,
    "use_batch_norm": True,
    "use_dropout": True,
    "use_l2_reg": True,
    "use_standardization": True,
    "use_relu": False,
    "label_smoothing": 0.1,
    "focal_gamma": 2.0,
    "projection_dim": 4,
    "use_weight_encoder_layers": True,
    "number_of_training_epochs": 3,
    "best_metric": "uar",
    "early_stopping_patience": 2,
    "continue_model_training": True,
    "skip_hp_search": False,
}
# What describes a trained head, or asks for it, and has its effect without any training.
OF_A_TRAINED_HEAD = {
    "use_batch_norm",
    "use_standardization",
    "use_relu",
    "projection_dim",
    "use_weight_encoder_layers",
    "number_of_training_epochs",
    "continue_model_training",
    "skip_hp_search",
}
# What else has none without training: a value of each.
IN_TRAINING = {
    "per_device_batch_size": 2,
    "layerwise_lr_decay": 0.9,
    "eval_steps": 5,
    "keep_states_every": 20,
    "logging_steps": 5,
    "use_class_weights": False,
    "freeze_feature_encoder": False,
    "freeze_layers": 2,
    "lora_rank": 2,
    "feature_cache": "features",
    "regression_loss": "mse",
    "regression_weight": 2.0,
    "use_positive_weights": True,
    **{name: value for name, value in BY_GRADIENT.items() if name not in OF_A_TRAINED_HEAD},
}
BY_REGRESSION = {"head_solver": "logistic_regression", "freeze_layers": "all"}
# Those that mean something for some tasks only are refused by the others, see `kser.experiment.tasks`.
OF_A_TASK = {
    "use_class_weights": (True, {"is_regression": True, "output_column": ["arousal"]}),
    "label_smoothing": (0.1, {"is_multi_label": True, "output_column": ["joy", "anger"]}),
    "focal_gamma": (2.0, {"is_regression": True, "output_column": ["arousal"]}),
    "regression_loss": ("mse", {}),
    "regression_weight": (2.0, {"is_regression": True, "output_column": ["arousal"]}),
    "use_positive_weights": (True, {}),
}
# What is told, and not refused: files of the original have it.
TOLD = ("dropout_rate", "weight_decay")


def config_of(field: str, **fields) -> Config:
    """A config that has the field, built in Python."""
    if field in ExperimentConfig.model_fields:
        return ExperimentConfig(**{**EXPERIMENT, **fields})
    return ModelConfig(**{**MODEL, **fields})


def lines_of(field: str, **fields) -> list[str]:
    with pytest.raises(ValidationError) as error:
        config_of(field, **fields)
    return explain(error.value, ModelConfig)


def definition_of(model: dict | None = None, **experiment) -> ExperimentDefinition:
    config = ExperimentConfig(**{**EXPERIMENT, **experiment})
    return ExperimentDefinition(config, (ModelConfig(**{**MODEL, **(model or {})}),), "e", ("m",), None)


def test_every_field_with_a_switch_is_in_the_table():
    assert {*requirements(ModelConfig), *requirements(ExperimentConfig)} == {
        *SWITCHED,
        *BY_GRADIENT,
        *IN_TRAINING,
    }


@pytest.mark.parametrize("field", BY_GRADIENT)
def test_a_field_of_training_by_gradients_is_refused_by_another_solver(field):
    value = BY_GRADIENT[field]
    lines = lines_of(field, **{field: value}, **BY_REGRESSION)
    assert f"{field}: has no effect where head_solver is logistic_regression" in lines


@pytest.mark.parametrize("field", IN_TRAINING)
def test_a_field_of_training_is_refused_where_nothing_is_trained(field):
    fields = {"number_of_training_epochs": 0, "continue_model_training": True, field: IN_TRAINING[field]}
    with pytest.raises(ValidationError) as error:
        ModelConfig(**MODEL, **fields)
    line = f"{field}: has no effect where number_of_training_epochs is 0"
    assert line in explain(error.value, ModelConfig)


@pytest.mark.parametrize("field", SWITCHED)
def test_a_field_without_effect_is_refused_or_told(field):
    value, on, off = SWITCHED[field]
    assert getattr(config_of(field, **{field: value}, **on), field) == value
    assert config_of(field, **{field: value}, **on).notes() == []
    if field in TOLD:
        (line,) = config_of(field, **{field: value}, **off).notes()
    else:
        (line,) = lines_of(field, **{field: value}, **off)
    assert line.startswith(f"{field}: has no effect ")
    assert any(name in line for name in {**on, **off})


def test_every_field_of_some_tasks_is_in_the_table():
    fields = {field for task in task_types() if task.__module__.startswith("kser.") for field in task.fields}
    assert fields == set(OF_A_TASK)


@pytest.mark.parametrize("field", OF_A_TASK)
def test_a_field_of_another_task_is_refused(field):
    value, fields = OF_A_TASK[field]
    (line,) = lines_of(field, **{field: value}, **fields)
    assert line.startswith(f"{field}: ")


def test_the_default_is_no_claim_where_the_switch_is_off():
    ModelConfig(**MODEL, use_weight_encoder_layers=False, layer_weighting="free")
    (line,) = lines_of("layer_weighting", layer_weighting="free")
    assert line == "layer_weighting: has no effect unless use_weight_encoder_layers is true"
    numbers = {"is_regression": True, "output_column": ["arousal"]}
    noise = {"module": "audiomentations", "class": "AddGaussianSNR", "p": 1.0}
    for config in (
        ModelConfig(**MODEL),
        ModelConfig(**MODEL, **numbers),
        ExperimentConfig(**EXPERIMENT),
        ExperimentConfig(**EXPERIMENT, augmentations={"noise": noise}, trim=40.0),
    ):
        assert type(config).model_validate(config.model_dump()) == config


def test_all_that_does_not_go_together_is_told_at_once(tmp_path):
    fields = {"pool_position": "before", "lora_alpha": 2.0, "best_metric": "ccc", "dropout_rate": 0.2}
    assert [line.split(":")[0] for line in lines_of("lora_alpha", **fields)] == [
        "lora_alpha",
        "pool_position",
        "best_metric",
    ]
    with pytest.raises(ValidationError) as error:
        ModelConfig(**MODEL, **fields)
    assert [details["loc"] for details in error.value.errors()] == [
        ("lora_alpha",),
        ("pool_position",),
        ("best_metric",),
    ]


def test_candidates_of_a_search_may_have_fields_without_effect():
    model = ModelConfig(**MODEL, use_weight_encoder_layers=True, layer_weighting="softmax")
    candidate = with_values(model, {"use_weight_encoder_layers": False})
    assert candidate.head_arguments["layer_weighting"] is None


@pytest.mark.parametrize(
    ("model", "experiment", "note"),
    [
        ({"dropout_rate": 0.2}, {}, "m: dropout_rate: has no effect unless use_dropout is true"),
        (
            {"weight_decay": 0.2},
            {},
            "m: weight_decay: has no effect unless use_l2_reg is true; that of AdamW is "
            "optimizer_weight_decay",
        ),
        ({}, {"hp_num_trials": 9}, "e: hp_num_trials: has no effect: no model has skip_hp_search: false"),
        (
            {"skip_hp_search": False, "hp_search_method": "hyperband"},
            {"hp_num_trials": 9},
            "e: hp_num_trials: has no effect: the trials of hyperband follow from the epochs",
        ),
        ({"eval_steps": 5}, {"eval_steps": 10}, "e: eval_steps: has no effect: every model has its own"),
        (
            {"train_test_split": 0.7},
            {
                "training_dataset": {
                    **EXPERIMENT["training_dataset"],
                    "split": {"scheme": "fixed", "test_csv": "t", "validation_csv": "v"},
                }
            },
            "m: train_test_split: has no effect: the split of training_dataset names all parts",
        ),
        ({"skip_hp_search": False, "eval_steps": 5, "train_test_split": 0.7}, {"hp_num_trials": 9}, None),
    ],
)
def test_what_experiment_and_models_leave_without_effect_together_is_told(model, experiment, note):
    assert definition_of(model, **experiment).notes() == ([] if note is None else [note])


@pytest.mark.parametrize("field", ["folds", "folds_seed", "column", "min_per_class", "candidates"])
def test_parts_in_files_leave_nothing_to_split(field):
    value = "part" if field == "column" else 3
    split = {"scheme": "fixed", "test_csv": "test.csv", field: value}
    with pytest.raises(ValidationError, match="has no effect: the parts are in files of their own"):
        ExperimentConfig(**{**EXPERIMENT, "training_dataset": {"name": "c", "data_csv": "d", "split": split}})


class FurtherModelConfig(ModelConfig):
    """A model JSON with further fields of the head."""

    use_gate: bool = Field(False, description="Whether there is a gate.")
    gate_size: Annotated[int, Needs("use_gate"), HeadArgument("gate", off=None)] = Field(4)


def test_a_further_field_of_the_head_is_declared_in_one_place(tmp_path):
    path = write(tmp_path, tiny={"use_gate": True, "gate_size": 9})
    (model,) = load_experiment(path, model_schema=FurtherModelConfig).models
    assert model.head_arguments == {**ModelConfig(**MODEL).head_arguments, "gate": 9}
    assert FurtherModelConfig(**MODEL).head_arguments["gate"] is None
    with pytest.raises(ValidationError, match="has no effect unless use_gate is true"):
        FurtherModelConfig(**MODEL, gate_size=9)
    space = {"gate_size": {"min": 1, "max": 8}}
    searched = FurtherModelConfig(**MODEL, use_gate=True, skip_hp_search=False, hp_search_space=space)
    assert with_values(searched, {"gate_size": 2}).head_arguments["gate"] == 2


def test_arguments_of_the_head_follow_from_the_fields():
    fields = {"use_dropout": True, "dropout_rate": 0.2, "pooling_mode": "max", "projection_dim": 3}
    assert ModelConfig(**MODEL, **fields).head_arguments == {
        "pooling": "max",
        "pooling_arguments": {},
        "use_batch_norm": False,
        "dropout": 0.2,
        "l2": 0.0,
        "use_standardization": False,
        "use_relu": True,
        "projection_dim": 3,
        "projection_activation": "tanh",
        "layer_weighting": None,
        "pool_position": "after",
        "hidden_state": None,
    }
    assert {field.name: field.switches for field in head_fields(ModelConfig) if field.switches} == {
        **dict.fromkeys(("use_batch_norm", "use_standardization", "use_relu"), ("head_solver",)),
        "projection_dim": ("head_solver",),
        "dropout_rate": ("use_dropout",),
        "weight_decay": ("use_l2_reg",),
        "projection_activation": ("projection_dim",),
        "hidden_state": ("use_weight_encoder_layers",),
        "layer_weighting": ("use_weight_encoder_layers",),
        "pool_position": ("use_weight_encoder_layers",),
    }
