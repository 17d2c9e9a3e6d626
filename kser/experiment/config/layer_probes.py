"""From a model JSON with `probe_layers` to one model for each hidden state of its backbone."""

from typing import Any

from kser.errors import UserError
from kser.experiment.config.model_config import ModelConfig

# Digits of a number in names, so that they sort.
_FEWEST_DIGITS = 2


def layer_probes(model: ModelConfig, source: str) -> list[dict[str, Any]]:
    """The fields of the models that a model JSON becomes, in the order of the hidden states.

    The configuration of its checkpoint says how many there are; weights are not read.

    Args:
        model: with `probe_layers`.
        source: what messages call it.

    Raises:
        UserError: the checkpoint is not found, or the backbone lacks a hidden state that is listed.
    """
    from kser.models.building import count_layers

    try:
        num_layers = count_layers(model.model_path_or_name, model.backbone_arguments)
    except UserError as error:
        raise UserError(f"{source}: probe_layers: the layers cannot be counted: {error}") from error
    listed = model.probe_layers
    states = listed if isinstance(listed, list) else range(num_layers + 1)
    if missing := [state for state in states if state > num_layers]:
        raise UserError(
            f"{source}: probe_layers: must be from 0 to {num_layers}, the layers of the backbone, got "
            f"{missing[0]}"
        )
    digits = max(_FEWEST_DIGITS, len(str(num_layers)))
    shared = model.model_dump(exclude_unset=True, exclude={"probe_layers"})
    return [
        {
            **shared,
            "name": f"{model.name}_layer_{state:0{digits}}",
            "factors": {"layer": str(state), **model.factors},
            "hidden_state": state,
            "layer_curve": model.name,
        }
        for state in states
    ]
