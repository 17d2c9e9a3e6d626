"""Fields that are read and validated before kser can do what they ask.

A run that asks for one stops with a line that says so: going on without would give a result under the wrong
name.
"""

from kser.experiment.schema import ExperimentConfig, ModelConfig


def not_yet_in_experiment(config: ExperimentConfig) -> list[str]:
    """What the experiment asks for that this version cannot do, a line each."""
    asked = []
    if config.eval_metric in ("ccc", "mse"):
        asked.append(
            f"eval_metric: {config.eval_metric!r} is for regression, which this version does not train"
        )
    return asked


def not_yet_in_model(config: ModelConfig) -> list[str]:
    """What the model asks for that this version cannot do, a line each."""
    asked = []
    if config.is_regression or isinstance(config.output_column, list):
        asked.append("is_regression, output_column: this version trains classifiers on one column")
    if config.continue_model_training:
        asked.append("continue_model_training: not there in this version; set it to false")
    if not config.skip_hp_search:
        asked.append("skip_hp_search: this version has no hyper-parameter search; set it to true")
    return asked
