"""Fields of a model JSON that contradict each other, beyond those that have no effect."""

from typing import TYPE_CHECKING

from kser.errors import UserError
from kser.experiment.config.search_space import space_of
from kser.experiment.tasks import task_mistakes

if TYPE_CHECKING:
    from kser.experiment.config.model_config import ModelConfig


def model_mistakes(model: "ModelConfig") -> list[str]:
    """What does not go together in a model JSON, a line each that begins with the field."""
    return [
        *_freezing_mistakes(model),
        *_unfreezing_mistakes(model),
        *_solver_mistakes(model),
        *_layer_mistakes(model),
        *_start_mistakes(model),
        *_untrained_mistakes(model),
        *_batch_norm_mistakes(model),
        *task_mistakes(model),
        *_search_space_mistakes(model),
    ]


def _freezing_mistakes(model: "ModelConfig") -> list[str]:
    mistakes = []
    has_adapters = model.lora_rank is not None
    if repeated := sorted({name for name in model.lora_targets if model.lora_targets.count(name) > 1}):
        mistakes.append(f"lora_targets: {', '.join(repeated)} more than once")
    if has_adapters and model.freeze_layers == "all":
        mistakes.append(
            'freeze_layers: "all" leaves no layer for lora_rank, which freezes the others by itself'
        )
    keeps_encoder = model.freeze_feature_encoder or model.freeze_layers or has_adapters
    if model.feature_cache is not None and not keeps_encoder:
        mistakes.append(
            "feature_cache: requires freeze_feature_encoder: true; training would change the features"
        )
    return mistakes


def _unfreezing_mistakes(model: "ModelConfig") -> list[str]:
    epochs = model.gradual_unfreezing_epochs
    if epochs is None or epochs < model.number_of_training_epochs:
        return []
    return [
        f"gradual_unfreezing_epochs: must be less than number_of_training_epochs "
        f"({model.number_of_training_epochs}), got {epochs:g}: only the head would be trained, for which "
        'freeze_layers: "all" is right'
    ]


def _solver_mistakes(model: "ModelConfig") -> list[str]:
    # Another task has other mistakes as well, if none is asked for rightly.
    if model.head_solver == "gradient" or task_mistakes(model) or model.task.name == "classification":
        return []
    return [f"head_solver: logistic_regression finds classes, and the task is {model.task.name}"]


def _layer_mistakes(model: "ModelConfig") -> list[str]:
    mistakes = []
    if model.probe_layers is not None:
        mistakes += [
            f"{field}: is what probe_layers gives each of its models; leave it out"
            for field in ("hidden_state", "layer_curve")
            if getattr(model, field) is not None
        ]
    elif model.layer_curve is not None and model.hidden_state is None:
        mistakes.append("layer_curve: requires hidden_state: a place on the curve")
    return mistakes


def _start_mistakes(model: "ModelConfig") -> list[str]:
    if model.continue_model_training and model.model_path_or_name.startswith("scratch:"):
        return [
            f"continue_model_training: model_path_or_name: {model.model_path_or_name} begins with random "
            "weights; give the folder of a model that kser trained"
        ]
    return []


def _untrained_mistakes(model: "ModelConfig") -> list[str]:
    """Of a model that is evaluated as it is."""
    if model.is_trained:
        return []
    field = "number_of_training_epochs: must be at least 1"
    if not model.continue_model_training:
        return [
            f"{field} for a new head, got 0; continue_model_training: true evaluates a model with a trained "
            "head as it is"
        ]
    return [] if model.skip_hp_search else [f"{field} with skip_hp_search: false, got 0"]


def _batch_norm_mistakes(model: "ModelConfig") -> list[str]:
    if model.use_batch_norm and model.per_device_batch_size == 1:
        return [
            "per_device_batch_size: must be at least 2 with use_batch_norm, got 1: one utterance has no "
            "variance to be normalised by"
        ]
    return []


def _search_space_mistakes(model: "ModelConfig") -> list[str]:
    if not model.skip_hp_search:
        try:
            space_of(model)
        except UserError as error:
            return str(error).splitlines()
    return []
