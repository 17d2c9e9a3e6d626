"""What a model JSON says of learning its targets: the objective, and fields that do not fit together."""

import json
from typing import TYPE_CHECKING

from kser.experiment.tasks.targets import Kind, Targets
from kser.training.multi_label_objective import MultiLabelObjective
from kser.training.multi_task_objective import MultiTaskObjective
from kser.training.objectives import ClassificationObjective, Objective
from kser.training.regression_objective import RegressionObjective

if TYPE_CHECKING:
    from kser.experiment.config.experiment_config import ExperimentConfig
    from kser.experiment.config.model_config import ModelConfig

# The validation metric that progress shows unless the experiment names one.
_SHOWN: dict[Kind, str] = {
    "class": "accuracy",
    "numbers": "ccc",
    "class and numbers": "accuracy",
    "labels": "f1score",
}
# What progress shows anyway, and its parts.
_LOSSES = ("loss", "class_loss", "regression_loss")
# Columns of the metadata with another meaning, see `kser.corpora.metadata.read_metadata`.
_NO_TARGETS = ("path", "utterance")


def objective_of(model: "ModelConfig") -> Objective:
    """The kind of target that a model learns, with the settings of its JSON."""
    targets = Targets.of(model)
    classification = ClassificationObjective(
        model.use_class_weights, model.label_smoothing, model.focal_gamma
    )
    regression = RegressionObjective(targets.number_columns, model.regression_loss)
    match targets.kind:
        case "class":
            return classification
        case "numbers":
            return regression
        case "class and numbers":
            return MultiTaskObjective(regression, classification, model.regression_weight)
        case "labels":
            return MultiLabelObjective(model.use_positive_weights)


def shown_metric(config: "ExperimentConfig", model: "ModelConfig") -> str:
    """The validation metric that progress shows of a model."""
    return config.eval_metric or _SHOWN[Targets.of(model).kind]


def target_mistakes(model: "ModelConfig") -> list[str]:
    """What a model asks of its targets that does not fit together, a line each."""
    return _kind_mistakes(model) or [
        *_column_mistakes(model),
        *_objective_mistakes(model),
        *_loss_mistakes(model),
        *_metric_mistakes("best_metric", model.best_metric, _metrics(model)),
    ]


def experiment_mistakes(config: "ExperimentConfig", model: "ModelConfig") -> list[str]:
    """What an experiment asks for that does not fit a model's kind of target, a line each."""
    if _kind_mistakes(model):
        return []
    mistakes = []
    if config.eval_metric is not None:
        shown = [name for name in _metrics(model) if name not in _LOSSES]
        mistakes += _metric_mistakes("eval_metric", config.eval_metric, shown, f" for {model.name}")
    if Targets.of(model).class_column is None:
        mistakes += [
            f"{field}: is for classes, and {model.name} learns none" for field in _of_classes(config)
        ]
    return mistakes


def _kind_mistakes(model: "ModelConfig") -> list[str]:
    """What makes it unclear what is learned."""
    if model.is_regression and model.is_multi_label:
        return ["is_regression, is_multi_label: the columns hold numbers or labels; keep one of the two"]
    if not model.output_column:
        return ["output_column: names no column"]
    if model.is_regression or model.is_multi_label:
        if model.regression_columns:
            return [
                "regression_columns: stand beside a class; with is_regression or is_multi_label all columns "
                "belong into output_column"
            ]
    elif isinstance(model.output_column, list):
        return [
            "output_column: a list of columns wants is_regression: true (numbers) or is_multi_label: true "
            "(0 and 1); a class is in one column, and numbers beside it in regression_columns"
        ]
    return []


def _column_mistakes(model: "ModelConfig") -> list[str]:
    columns = Targets.of(model).columns
    field = "regression_columns" if model.regression_columns else "output_column"
    mistakes = []
    if repeated := sorted({name for name in columns if columns.count(name) > 1}):
        mistakes.append(f"{field}: {', '.join(map(repr, repeated))} more than once")
    numbers_or_labels = [name for name in columns if name != Targets.of(model).class_column]
    mistakes += [
        f"{field}: {name!r} is the column with the audio files"
        for name in numbers_or_labels
        if name in (*_NO_TARGETS, model.input_column)
    ]
    # They become part of the names of metrics, which are paths to Keras.
    mistakes += [
        f"{field}: {name!r}: wants a name without slash, and not empty; rename the column"
        for name in numbers_or_labels
        if not name or "/" in name
    ]
    return mistakes


def _objective_mistakes(model: "ModelConfig") -> list[str]:
    """What is for classes only."""
    if not (model.is_regression or model.is_multi_label):
        return []
    what = "is_regression" if model.is_regression else "is_multi_label"
    of_classes = {
        "use_class_weights": "use_class_weights" in model.model_fields_set and model.use_class_weights,
        "label_smoothing": model.label_smoothing > 0.0,
        "focal_gamma": model.focal_gamma > 0.0,
    }
    return [
        f"{name}: is for one class of several, not for {what}" for name, given in of_classes.items() if given
    ]


def _loss_mistakes(model: "ModelConfig") -> list[str]:
    """Fields of one kind of target that are given for another."""
    targets, given = Targets.of(model), model.model_fields_set
    wanted = {
        "regression_loss": (bool(targets.number_columns), "is_regression or regression_columns"),
        "regression_weight": (targets.kind == "class and numbers", "regression_columns"),
        "use_positive_weights": (bool(targets.label_columns), "is_multi_label"),
    }
    mistakes = [
        f"{name}: without effect unless {what} is given"
        for name, (fits, what) in wanted.items()
        if name in given and not fits
    ]
    if targets.number_columns and model.regression_loss == "ccc" and model.per_device_batch_size == 1:
        mistakes.append(
            "per_device_batch_size: 1: the regression_loss ccc compares the utterances of a batch, so that "
            "it learns nothing from one; 2 at least, better 8 or more, or regression_loss: mse"
        )
    return mistakes


def _metrics(model: "ModelConfig") -> list[str]:
    return [metric.name for metric in objective_of(model).validation_metrics]


def _metric_mistakes(field: str, name: str, known: list[str], of_what: str = "") -> list[str]:
    if name in known:
        return []
    *others, last = map(repr, known)
    wanted = f"{', '.join(others)} or {last}" if others else last
    return [f"{field}: should be {wanted}{of_what}, not {json.dumps(name, ensure_ascii=False)}"]


def _of_classes(config: "ExperimentConfig") -> list[str]:
    """Fields about classes that are given."""
    training = config.training_dataset
    given = {
        "training_dataset: label_map": training.label_map,
        "training_dataset: classes": training.classes,
        "training_dataset: split: min_per_class": training.split.min_per_class or None,
    }
    for dataset in config.datasets:
        given[f"datasets: {dataset.name}: label_map"] = dataset.label_map
        given[f"datasets: {dataset.name}: classes"] = dataset.classes
    return [field for field, value in given.items() if value is not None]
