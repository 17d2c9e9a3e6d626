"""What an experiment asks for that does not fit the task of a model."""

from kser.experiment.config.experiment_config import ExperimentConfig
from kser.experiment.config.model_config import ModelConfig
from kser.experiment.tasks import metric_mistakes


def experiment_mistakes(config: ExperimentConfig, model: ModelConfig) -> list[str]:
    """What an experiment asks for that does not fit a model's task, a line each.

    Args:
        config: the experiment.
        model: the model; it makes no mistakes by itself.
    """
    mistakes = []
    if config.eval_metric is not None:
        shown = [name for name in model.task.metrics if not name.endswith("loss")]
        mistakes += metric_mistakes("eval_metric", config.eval_metric, shown, f" for {model.name}")
    if model.task.class_column is None:
        mistakes += [
            f"{field}: is for classes, and {model.name} learns none" for field in _class_fields(config)
        ]
    return mistakes


def _class_fields(config: ExperimentConfig) -> list[str]:
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
