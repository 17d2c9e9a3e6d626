"""What a model JSON asks of optimisation that contradicts itself, told before anything is trained."""

from kser.experiment.config.model_config import ModelConfig


def training_mistakes(model: ModelConfig) -> list[str]:
    """What a model asks of its training that does not fit together, a line each."""
    return [
        *_stopping_mistakes(model),
        *_layer_mistakes(model),
        *_objective_mistakes(model),
        *_start_mistakes(model),
    ]


def _stopping_mistakes(model: ModelConfig) -> list[str]:
    if model.early_stopping_patience is None and "early_stopping_threshold" in model.model_fields_set:
        return ["early_stopping_threshold: without effect unless early_stopping_patience is given"]
    return []


def _layer_mistakes(model: ModelConfig) -> list[str]:
    """The layers of the backbone: rates of their own, joining one by one."""
    asked = [
        name
        for name, given in (
            ("layerwise_lr_decay", model.layerwise_lr_decay < 1.0),
            ("gradual_unfreezing_epochs", model.gradual_unfreezing_epochs is not None),
        )
        if given
    ]
    if asked and model.freeze_layers == "all":
        return [f'{", ".join(asked)}: without effect: freeze_layers: "all" leaves no layer of the backbone']
    epochs = model.gradual_unfreezing_epochs
    if epochs is not None and epochs >= model.number_of_training_epochs:
        return [
            f"gradual_unfreezing_epochs: {epochs:g} is no less than number_of_training_epochs "
            f"({model.number_of_training_epochs}), so that the head alone would ever be trained, for which "
            'freeze_layers: "all" is right'
        ]
    return []


def _objective_mistakes(model: ModelConfig) -> list[str]:
    """What is for classes alone."""
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


def _start_mistakes(model: ModelConfig) -> list[str]:
    if model.continue_model_training and model.model_path_or_name.startswith("scratch:"):
        return [
            f"continue_model_training: model_path_or_name: {model.model_path_or_name} begins with random "
            "weights; give the folder of a model that kser trained"
        ]
    return []
