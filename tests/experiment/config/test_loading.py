"""Experiment and model files: what they may hold, and that every mistake in them is told at once."""

import json
from pathlib import Path

import pytest

from kser.errors import UserError
from kser.experiment.config.dataset_config import EvaluationDataset, SplitConfig, TrainingDataset
from kser.experiment.config.experiment_config import ExperimentConfig
from kser.experiment.config.field_hints import NAMES_ELSEWHERE
from kser.experiment.config.loading import load_config, load_experiment
from kser.experiment.config.model_config import ModelConfig
from kser.experiment.runs.planning import plan_runs

REPOSITORY = Path(__file__).resolve().parents[3]
SHIPPED = sorted(
    path
    for folder in ("configs", "kser/experiment/quickstart")
    for path in (REPOSITORY / folder).rglob("*.json")
    if path.parent.name != "schemas"
)

EXPERIMENT = {
    "experiment_name": "study",
    "model_files": "models",
    "training_dataset": {"name": "corpus", "data_csv": "metadata.csv"},
}
MODEL = {"model_path_or_name": "scratch:log_mel", "name": "tiny"}


def write(folder: Path, experiment: dict | None = None, **models: dict) -> Path:
    """Write an experiment and its models, `tiny.json` alone if none is given."""
    (folder / "models").mkdir(exist_ok=True)
    for name, fields in (models or {"tiny": {}}).items():
        (folder / "models" / f"{name}.json").write_text(json.dumps({**MODEL, "name": name, **fields}))
    path = folder / "experiment.json"
    path.write_text(json.dumps({**EXPERIMENT, **(experiment or {})}))
    return path


def refusals(path: Path) -> list[str]:
    """The lines that loading is refused with, the folder's name left out."""
    with pytest.raises(UserError) as error:
        load_experiment(path)
    return str(error.value).replace(f"{path.parent}/", "").splitlines()


def test_defaults_of_an_experiment(tmp_path):
    config = load_experiment(write(tmp_path)).config.model_dump()
    assert config == {
        "experiment_name": "study",
        "description": "",
        "output_path": "runs",
        "experiment_results_output_path": "results",
        "model_files": "models",
        "cross_validation": 1,
        "augmentations": {},
        "augmentation_mode": "union",
        "augmentation_draws": "online",
        "loudness_lufs": None,
        "trim_db": None,
        "min_seconds": None,
        "max_seconds": None,
        "too_long": None,
        "on_bad_audio": "error",
        "audio_cache": None,
        "data_workers": 0,
        "devices": 1,
        "datasets": [],
        "hp_amount_of_training_data": 0.3,
        "hp_num_trials": 5,
        "hp_number_of_training_epochs": None,
        "training_dataset": {
            "name": "corpus",
            "data_csv": "metadata.csv",
            "columns": {},
            "label_map": None,
            "classes": None,
            "split": {
                "scheme": "speaker",
                "folds": None,
                "folds_seed": 0,
                "column": None,
                "parts": None,
                "test_csv": None,
                "validation_csv": None,
                "min_per_class": 0,
                "candidates": 32,
                "corpus": None,
            },
        },
        "normalize_metadata": True,
        "save_steps": None,
        "save_total_limit": 1,
        "eval_steps": 10,
        "logging_steps": 10,
        "eval_metric": None,
        "run_eval": True,
        "run_grapher": False,
        "tensorboard": False,
        "mlflow": None,
        "checkpoint_save_folder": None,
        "length_buckets": 4,
    }


def test_defaults_of_a_model(tmp_path):
    (model,) = load_experiment(write(tmp_path)).models
    assert model.model_dump() == {
        "model_path_or_name": "scratch:log_mel",
        "name": "tiny",
        "factors": {},
        "backbone_arguments": {},
        "batch_size": 8,
        "per_device_batch_size": 8,
        "gradient_accumulation_steps": 8,
        "learning_rate": 5e-5,
        "lr_scheduler": "linear",
        "warmup_ratio": 0.0,
        "layerwise_lr_decay": 1.0,
        "max_grad_norm": 1.0,
        "optimizer_weight_decay": 0.0,
        "ema_momentum": None,
        "precision": "float32",
        "pooling_mode": "mean",
        "pooling_arguments": {},
        "speaker_independent_scenario": True,
        "train_test_split": 0.8,
        "seed": 0,
        "input_column": "path",
        "task_name": None,
        "output_column": "class_id",
        "is_regression": False,
        "is_multi_label": False,
        "regression_columns": [],
        "regression_loss": "ccc",
        "regression_weight": 1.0,
        "use_positive_weights": False,
        "eval_steps": None,
        "keep_states_every": None,
        "logging_steps": None,
        "use_batch_norm": False,
        "use_dropout": False,
        "dropout_rate": 0.5,
        "use_l2_reg": False,
        "weight_decay": 0.01,
        "use_relu": True,
        "use_standardization": False,
        "use_class_weights": True,
        "label_smoothing": 0.0,
        "focal_gamma": 0.0,
        "freeze_feature_encoder": True,
        "freeze_layers": 0,
        "lora_rank": None,
        "lora_alpha": None,
        "lora_targets": ["query", "value"],
        "feature_cache": None,
        "head_solver": "gradient",
        "hidden_state": None,
        "probe_layers": None,
        "layer_curve": None,
        "projection_dim": None,
        "projection_activation": "tanh",
        "use_weight_encoder_layers": False,
        "layer_weighting": "free",
        "pool_position": "after",
        "gradual_unfreezing_epochs": None,
        "number_of_training_epochs": 50,
        "best_metric": "loss",
        "early_stopping_patience": None,
        "early_stopping_threshold": 0.0,
        "continue_model_training": False,
        "skip_hp_search": True,
        "hp_search_method": "random",
        "hp_search_space": None,
        "num_cpus": None,
        "num_gpus": None,
    }


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_every_shipped_config_parses(path):
    schema = ModelConfig if "model_path_or_name" in json.loads(path.read_text()) else ExperimentConfig
    load_config(path, schema)


def test_there_are_shipped_configs_of_both_kinds():
    kinds = {"model_path_or_name" in json.loads(path.read_text()) for path in SHIPPED}
    assert kinds == {True, False}


@pytest.mark.parametrize(
    ("older", "name"),
    [
        ("model_input_files", "model_files"),
        ("path_to_model_files", "model_files"),
        ("experiment_artifacts_output_path", "output_path"),
        ("model_save_folder", "experiment_results_output_path"),
    ],
)
class TestOlderSpellings:
    def test_mean_the_same(self, tmp_path, older, name):
        fields = {**EXPERIMENT, name: "somewhere"}
        new, old = tmp_path / "new.json", tmp_path / "old.json"
        new.write_text(json.dumps(fields))
        old.write_text(json.dumps({older if field == name else field: fields[field] for field in fields}))
        assert getattr(load_config(old, ExperimentConfig), name) == "somewhere"
        assert load_config(old, ExperimentConfig) == load_config(new, ExperimentConfig)

    def test_beside_the_new_one_are_refused(self, tmp_path, older, name):
        path = write(tmp_path, {name: "a", older: "a", "cross_validation": 0})
        assert refusals(path) == [
            "experiment.json: cross_validation: should be greater than or equal to 1, not 0",
            f"experiment.json: {older}: is another spelling of {name}, which is given as well; keep one",
        ]

    def test_are_named_as_the_user_wrote_them(self, tmp_path, older, name):
        fields = {field: value for field, value in EXPERIMENT.items() if field != name}
        path = tmp_path / "experiment.json"
        path.write_text(json.dumps({**fields, older: 5}))
        assert refusals(path) == [f"experiment.json: {older}: should be a valid string, not 5"]


def test_a_field_given_twice_is_refused(tmp_path):
    path = write(tmp_path)
    path.write_text('{"eval_steps": 5, "datasets": [{"name": "a"}], "eval_steps": 50}')
    assert refusals(path) == ["experiment.json: eval_steps: given more than once; keep one"]


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"eval_step": 5}, "eval_step: unknown field; did you mean eval_steps?"),
        ({"Cross_Validation": 5}, "Cross_Validation: unknown field; did you mean cross_validation?"),
        ({"model_input_file": "m"}, "model_input_file: unknown field; did you mean model_input_files?"),
        ({"learning_rate": 0.1}, "learning_rate: unknown field; it belongs in a model's JSON"),
        (
            {"training_dataset": {"name": "a", "data_csv": "b", "dat_csv": "c"}},
            "training_dataset.dat_csv: unknown field; did you mean data_csv?",
        ),
        (
            {"datasets": [{"name": "a", "eval_csv_path": "b"}, {"name": "c", "eval_csv_path": "d", "x": 1}]},
            "datasets.1.x: unknown field; known are name, eval_csv_path, columns, label_map, classes",
        ),
    ],
)
def test_an_unknown_field_is_refused_with_what_would_be_right(tmp_path, fields, line):
    assert refusals(write(tmp_path, fields)) == [f"experiment.json: {line}"]


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"lr": 1e-3}, "lr: unknown field; it is called learning_rate here"),
        ({"epochs": 5}, "epochs: unknown field; it is called number_of_training_epochs here"),
        (
            {"num_train_epochs": 5},
            "num_train_epochs: unknown field; it is called number_of_training_epochs here",
        ),
        (
            {"per_device_train_batch_size": 5},
            "per_device_train_batch_size: unknown field; it is called per_device_batch_size here",
        ),
        (
            {"n_trials": 5},
            "n_trials: unknown field; it is called hp_num_trials here, in the experiment's JSON",
        ),
        (
            {"output_dir": "o"},
            "output_dir: unknown field; it is called output_path here, in the experiment's JSON",
        ),
        ({"pooling": "mean"}, "pooling: unknown field; did you mean pooling_mode?"),
        ({"run_eval": True}, "run_eval: unknown field; it belongs in the experiment's JSON"),
    ],
)
def test_an_unknown_field_of_a_model_is_refused_with_what_would_be_right(tmp_path, fields, line):
    assert refusals(write(tmp_path, tiny=fields)) == [f"models/tiny.json: {line}"]


def test_every_name_of_another_toolkit_leads_to_a_field():
    schemas = (ExperimentConfig, ModelConfig, TrainingDataset, EvaluationDataset, SplitConfig)
    fields = {name for schema in schemas for name in schema.model_fields}
    assert set(NAMES_ELSEWHERE.values()) <= fields
    assert not set(NAMES_ELSEWHERE) & fields


def test_an_unknown_field_like_no_other_is_refused_with_all_there_are(tmp_path):
    (line,) = refusals(write(tmp_path, {"zzz": 1}))
    assert line.startswith("experiment.json: zzz: unknown field; known are experiment_name, description, ")
    assert "path_to_model_files" not in line


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"cross_validation": "3"}, 'cross_validation: should be a valid integer, not "3"'),
        ({"cross_validation": True}, "cross_validation: should be a valid integer, not true"),
        ({"eval_steps": 0}, "eval_steps: should be greater than or equal to 1, not 0"),
        ({"run_eval": "no"}, 'run_eval: should be a valid boolean, not "no"'),
        (
            {"hp_amount_of_training_data": 1.5},
            "hp_amount_of_training_data: should be less than or equal to 1, not 1.5",
        ),
        (
            {"eval_metric": "loss"},
            "eval_metric: should be 'accuracy', 'uar' or 'f1score' for tiny, not \"loss\"",
        ),
        (
            {"eval_metric": "ccc"},
            "eval_metric: should be 'accuracy', 'uar' or 'f1score' for tiny, not \"ccc\"",
        ),
        ({"datasets": {"name": "a"}}, 'datasets: should be a valid list, not {"name": "a"}'),
        ({"datasets": [5]}, "datasets.0: should be a JSON object, {…}, with name, eval_csv_path, not 5"),
        (
            {"training_dataset": "metadata.csv"},
            'training_dataset: should be a JSON object, {…}, with name, data_csv, not "metadata.csv"',
        ),
        (
            {"augmentations": {"noise": "audiomentations"}},
            'augmentations.noise: should be a JSON object, {…}, with module, class, not "audiomentations"',
        ),
        ({"augmentations": {"noise": {"module": "a"}}}, "augmentations.noise.class: is missing"),
        (
            {"augmentation_mode": "all"},
            "augmentation_mode: should be 'union', 'compose' or 'one_of', not \"all\"",
        ),
        ({"loudness_lufs": 23.0}, "loudness_lufs: should be less than or equal to 0, not 23.0"),
        ({"trim": 0.0}, "trim: should be greater than 0, not 0.0"),
        ({"on_bad_audio": "ignore"}, "on_bad_audio: should be 'error' or 'skip', not \"ignore\""),
        ({"output_path": ["x" * 100]}, f'output_path: should be a valid string, not ["{"x" * 58}…'),
    ],
)
def test_a_wrong_value_is_refused_with_what_would_be_right(tmp_path, fields, line):
    assert refusals(write(tmp_path, fields)) == [f"experiment.json: {line}"]


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"learning_rate": 0}, "learning_rate: should be greater than 0, not 0"),
        ({"learning_rate": float("nan")}, "learning_rate: should be a finite number, not NaN"),
        ({"max_grad_norm": float("inf")}, "max_grad_norm: should be a finite number, not Infinity"),
        ({"train_test_split": 1}, "train_test_split: should be less than 1, not 1"),
        ({"seed": -1}, "seed: should be greater than or equal to 0, not -1"),
        ({"seed": 2**32}, f"seed: should be less than or equal to {2**32 - 1}, not {2**32}"),
        (
            {"output_column": 5},
            "output_column: should be the name of a column, or a list of names for regression, not 5",
        ),
        (
            {"output_column": ["a", 5]},
            'output_column: should be the name of a column, or a list of names for regression, not ["a", 5]',
        ),
        (
            {"pooling_mode": "men"},
            "pooling_mode: should be 'mean', 'sum', 'max', 'first_last', 'attention', "
            "'multi_head_attention', 'att_stats' or 'ecapa', not \"men\"",
        ),
    ],
)
def test_a_wrong_value_in_a_model_is_refused_with_what_would_be_right(tmp_path, fields, line):
    assert refusals(write(tmp_path, tiny=fields)) == [f"models/tiny.json: {line}"]


def test_a_whole_number_stands_for_a_fraction(tmp_path):
    (model,) = load_experiment(write(tmp_path, tiny={"learning_rate": 1, "dropout_rate": 0})).models
    assert (model.learning_rate, model.dropout_rate) == (1.0, 0.0)


@pytest.mark.parametrize(
    "name",
    ["../x", "a/b", "a\\b", "", ".", "..", ".hidden", " a", "a ", "a\tb", "a\nb", "x" * 121, "ä" * 61],
)
def test_names_that_make_no_folder_of_their_own_are_refused(tmp_path, name):
    path = write(tmp_path, {"experiment_name": name, "training_dataset": {"name": name, "data_csv": "a"}})
    fields = [line.split(": ")[1] for line in refusals(path)]
    assert fields == ["experiment_name", "training_dataset.name"]
    path = write(tmp_path, {"datasets": [{"name": name, "eval_csv_path": "a"}]})
    assert [line.split(": ")[1] for line in refusals(path)] == ["datasets.0.name"]
    assert [line.split(": ")[1] for line in refusals(write(tmp_path, tiny={"name": name}))] == ["name"]


@pytest.mark.parametrize("name", ["x" * 120, "wav2vec 2.0", "Übung_1", "a..b", "[a]"])
def test_other_names_are_taken(tmp_path, name):
    experiment = load_experiment(write(tmp_path, {"experiment_name": name}, tiny={"name": name}))
    assert (experiment.config.experiment_name, experiment.models[0].name) == (name, name)


def test_all_mistakes_of_a_file_are_told_at_once(tmp_path):
    path = write(tmp_path, {"eval_steps": "a", "run_evall": True, "datasets": [{"name": "b"}]})
    assert refusals(path) == [
        "experiment.json: datasets.0.eval_csv_path: is missing",
        'experiment.json: eval_steps: should be a valid integer, not "a"',
        "experiment.json: run_evall: unknown field; did you mean run_eval?",
    ]


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"split": {"scheme": "k_fold"}}, "split: k_fold needs folds"),
        ({"split": {"scheme": "emobox"}}, "split: emobox needs corpus"),
        (
            {"split": {"scheme": "emobox", "corpus": "emodb"}},
            "split.corpus: EmoBox's folds of emodb have the same speakers in training and test",
        ),
        ({"split": {"scheme": "speaker", "folds": 5}}, "split.folds: has no effect with speaker"),
        ({"split": {"scheme": "fixed"}}, "split: fixed needs column"),
        (
            {"split": {"scheme": "fixed", "validation_csv": "v"}},
            "split.validation_csv: requires test_csv",
        ),
        (
            {"split": {"scheme": "speaker", "test_csv": "v"}},
            "split.scheme: must be fixed for parts in files of their own, got speaker",
        ),
        ({"split": {"scheme": "loso"}}, "split.scheme: should be 'speaker', 'random', "),
        (
            {"label_map": {"joy": 1}},
            "label_map: should be an object from classes of the corpus to new names or null, or a name such "
            'as "canonical", not {"joy": 1}',
        ),
        ({"classes": []}, "classes: list should have at least 1 item"),
    ],
)
def test_what_is_wrong_with_the_training_data_set_is_told_in_one_line(tmp_path, fields, line):
    dataset = {"name": "corpus", "data_csv": "metadata.csv", **fields}
    (message,) = refusals(write(tmp_path, {"training_dataset": dataset}))
    assert message.startswith(f"experiment.json: training_dataset.{line}")


def test_all_mistakes_of_all_models_are_told_at_once(tmp_path):
    path = write(
        tmp_path, a={"batch_size": 0, "sed": 1}, b={"output_column": ["a", "b"]}, c={}, d={"seed": "x"}
    )
    (tmp_path / "models" / "e.json").write_text("{")
    assert refusals(path) == [
        "models/a.json: batch_size: should be greater than or equal to 1, not 0",
        "models/a.json: sed: unknown field; did you mean seed?",
        "models/b.json: output_column: a list of columns requires is_regression: true (numbers) or "
        "is_multi_label: true (0 and 1); a class is in one column, and numbers beside it in "
        "regression_columns",
        'models/d.json: seed: should be a valid integer, not "x"',
        "models/e.json: not valid JSON: Expecting property name enclosed in double quotes, line 1 column 2",
    ]


NUMBERS = {"is_regression": True, "output_column": ["arousal", "valence"]}
LABELS = {"is_multi_label": True, "output_column": ["joy", "anger"]}
BESIDE = {"regression_columns": ["arousal"]}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {**NUMBERS, "is_multi_label": True},
            "is_regression, is_multi_label: ask for different tasks",
        ),
        (
            {**NUMBERS, **BESIDE},
            "is_regression, regression_columns: ask for different tasks",
        ),
        ({**NUMBERS, "output_column": []}, "output_column: names no column"),
        ({**NUMBERS, "output_column": ["a", "b", "a"]}, "output_column: 'a' more than once"),
        ({"regression_columns": ["class_id"]}, "regression_columns: 'class_id' more than once"),
        ({"regression_columns": ["path"]}, "regression_columns: 'path' is the column with the audio files"),
        ({**LABELS, "output_column": ["a/b"]}, "output_column: 'a/b': should be a name without slash"),
        (
            {**NUMBERS, "use_class_weights": True},
            "use_class_weights: has no effect on regression; it is for ",
        ),
        (
            {**LABELS, "label_smoothing": 0.1},
            "label_smoothing: has no effect on tagging; it is for classification ",
        ),
        ({"regression_loss": "mse"}, "regression_loss: has no effect on classification; it is for "),
        (
            {**NUMBERS, "regression_weight": 2.0},
            "regression_weight: has no effect on regression; it is for multi-task (regression_columns)",
        ),
        (
            {**BESIDE, "use_positive_weights": True},
            "use_positive_weights: has no effect on multi-task; it is ",
        ),
        (
            {**NUMBERS, "per_device_batch_size": 1},
            "per_device_batch_size: 1: the regression_loss ccc compares",
        ),
        (
            {"best_metric": "ccc"},
            "best_metric: should be 'loss', 'accuracy', 'uar' or 'f1score', not \"ccc\"",
        ),
        (
            {**NUMBERS, "best_metric": "ccc_joy"},
            "best_metric: should be 'loss', 'ccc', 'mse', 'ccc_arousal', 'mse_arousal', 'ccc_valence' or "
            "'mse_valence', not \"ccc_joy\"",
        ),
        ({**LABELS, "best_metric": "uar"}, "best_metric: should be 'loss', 'f1score' or 'f1_micro', not "),
        (
            {"task_name": "clasification"},
            "task_name: 'clasification' not found (did you mean 'classification'?)",
        ),
        ({"task_name": "multi-task"}, "regression_columns: names no column"),
        (
            {"task_name": "tagging", "is_regression": True},
            "is_regression: has no effect on tagging; it is for ",
        ),
        (
            {"task_name": "classification", "is_regression": True, "output_column": ["arousal"]},
            "is_regression: has no effect on classification; it is for ",
        ),
    ],
)
def test_what_contradicts_the_kind_of_target_is_told_in_one_line(tmp_path, fields, message):
    (line,) = refusals(write(tmp_path, tiny=fields))
    assert line.startswith(f"models/tiny.json: {message}")


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({}, "accuracy"),
        (NUMBERS, "ccc"),
        ({"is_regression": True, "output_column": "arousal"}, "ccc"),
        (LABELS, "f1score"),
        (BESIDE, "accuracy"),
        ({**NUMBERS, "best_metric": "ccc_valence", "regression_loss": "mse"}, "ccc"),
        (
            {**BESIDE, "best_metric": "class_loss", "regression_weight": 0.5, "use_class_weights": True},
            "accuracy",
        ),
        (
            {**LABELS, "use_positive_weights": True, "best_metric": "f1_micro", "use_class_weights": False},
            "f1score",
        ),
        ({**NUMBERS, "per_device_batch_size": 1, "regression_loss": "mse"}, "ccc"),
    ],
)
def test_every_kind_of_target_needs_no_more_than_its_columns(tmp_path, fields, shown):
    experiment = load_experiment(write(tmp_path, tiny=fields))
    assert plan_runs(experiment)[0].shown_metric == shown


def test_progress_may_show_the_number_of_one_column(tmp_path):
    experiment = load_experiment(write(tmp_path, {"eval_metric": "ccc_valence"}, tiny=NUMBERS))
    assert plan_runs(experiment)[0].shown_metric == "ccc_valence"


@pytest.mark.parametrize(("fields", "learns"), [(NUMBERS, "numbers"), (LABELS, "labels")])
def test_fields_about_classes_want_classes(tmp_path, fields, learns):
    dataset = {**EXPERIMENT["training_dataset"], "label_map": "canonical", "classes": ["anger"]}
    experiment = {
        "training_dataset": {**dataset, "split": {"min_per_class": 2}},
        "datasets": [{"name": "other", "eval_csv_path": "other", "classes": ["joy"]}],
    }
    assert refusals(write(tmp_path, experiment, a={}, b={"name": learns, **fields})) == [
        f"experiment.json: {field}: is for classes, and {learns} learns none"
        for field in (
            "training_dataset: label_map",
            "training_dataset: classes",
            "training_dataset: split: min_per_class",
            "datasets: other: classes",
        )
    ]


def test_the_misspelling_epaca_is_read_as_ecapa_with_a_notice(caplog):
    assert ModelConfig(**MODEL, pooling_mode="epaca").pooling_mode == "ecapa"
    assert caplog.messages == ["pooling_mode: 'epaca' is taken for 'ecapa'"]


def test_two_models_of_one_name_are_refused(tmp_path):
    path = write(tmp_path, a={"name": "same"}, b={}, c={"name": "same"})
    assert refusals(path) == [
        "models/c.json: name: 'same' is also the name in models/a.json; "
        "one would overwrite the other's results"
    ]


@pytest.mark.parametrize("names", [["corpus"], ["other", "other"]])
def test_two_test_sets_of_one_name_are_refused(tmp_path, names):
    datasets = [{"name": name, "eval_csv_path": f"folder{i}"} for i, name in enumerate(names)]
    (line,) = refusals(write(tmp_path, {"datasets": datasets}))
    assert line.startswith(f"experiment.json: datasets: two test sets have the name {names[-1]!r}")


def test_save_steps_that_meet_no_evaluation_are_refused(tmp_path):
    path = write(
        tmp_path, {"save_steps": 15, "eval_steps": 10}, a={}, b={}, c={"eval_steps": 6}, d={"eval_steps": 5}
    )
    assert refusals(path) == [
        "experiment.json: save_steps: must be a multiple of eval_steps (10, experiment.json), got 15: "
        "states are saved after evaluations",
        "experiment.json: save_steps: must be a multiple of eval_steps (6, models/c.json), got 15: "
        "states are saved after evaluations",
    ]


@pytest.mark.parametrize(
    ("model_files", "line"),
    [
        ("nowhere", "model_files: file or folder not found: "),
        ("empty", "model_files: the folder empty holds no .json file"),
    ],
)
def test_models_that_are_not_found_are_refused(tmp_path, model_files, line):
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "._tiny.json").write_bytes(b"\0")
    (message,) = refusals(write(tmp_path, {"model_files": model_files}))
    assert message.startswith(f"experiment.json: {line}")


def test_one_model_file_is_taken_as_well_as_a_folder(tmp_path):
    path = write(tmp_path, {"model_files": "models/b.json"}, a={}, b={})
    experiment = load_experiment(path)
    assert [model.name for model in experiment.models] == ["b"]
    assert experiment.model_sources == (str(tmp_path / "models" / "b.json"),)


def test_models_come_by_the_names_of_their_files(tmp_path):
    experiment = load_experiment(write(tmp_path, c={"name": "first"}, a={}, b={}))
    assert [model.name for model in experiment.models] == ["a", "b", "first"]


@pytest.mark.parametrize("text", ["[1, 2]", '"text"', "null"])
def test_json_that_is_no_object_is_refused(tmp_path, text):
    path = write(tmp_path)
    path.write_text(text)
    assert refusals(path) == [
        "experiment.json: should be a JSON object, {…}, with experiment_name, model_files, training_dataset"
    ]
