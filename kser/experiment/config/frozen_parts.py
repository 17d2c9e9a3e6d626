"""Which parts of a model a run leaves as they are, as the model JSON says it."""

from typing import Any

from kser.experiment.config.experiment_config import ExperimentConfig
from kser.experiment.config.model_config import ModelConfig


def frozen_parts_mistakes(config: ExperimentConfig, model: ModelConfig) -> list[str]:
    """What a model asks of freezing, LoRA and kept features that does not fit together, a line each."""
    mistakes = []
    adapts = model.lora_rank is not None
    if not adapts and (given := sorted({"lora_alpha", "lora_targets"} & model.model_fields_set)):
        mistakes.append(f"{', '.join(given)}: without effect unless lora_rank is given")
    if len(set(model.lora_targets)) < len(model.lora_targets):
        mistakes.append(f"lora_targets: a layer stands there twice: {', '.join(model.lora_targets)}")
    if adapts and model.freeze_layers == "all":
        mistakes.append(
            'freeze_layers: "all" leaves no layer to lora_rank, which freezes the others by itself'
        )
    if model.feature_cache is not None:
        if not (model.freeze_feature_encoder or model.freeze_layers or adapts):
            mistakes.append(
                "feature_cache: wants freeze_feature_encoder: true; training changes the features"
            )
        if config.augmentations:
            mistakes.append(
                "feature_cache: keeps what the model makes of each recording once, but the experiment's "
                "augmentations change the audio; leave one of them out"
            )
    return mistakes


def freeze(backbone: Any, model: ModelConfig) -> None:
    """Exclude from training what the model JSON says, and add the matrices of LoRA.

    Raises:
        UserError: the backbone has fewer layers, or not those that LoRA is asked for.
    """
    if model.freeze_feature_encoder:
        backbone.freeze_feature_encoder()
    backbone.freeze_layers(model.freeze_layers)
    if model.lora_rank is not None:
        backbone.enable_lora(model.lora_rank, model.lora_targets, model.lora_alpha)
