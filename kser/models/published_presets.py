"""The published checkpoints by short name, in the form in which KerasHub lists presets."""

from collections.abc import Sequence
from typing import Any

from kser.checkpoints.named_checkpoints import NAMED_CHECKPOINTS, NamedCheckpoint


def published_presets(model_types: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Names with their metadata, in the form of KerasHub's tables.

    Args:
        model_types: architectures, e.g. `("wav2vec2",)`.

    Returns:
        For each name `{"metadata": {…}, "kaggle_handle": "hf://OWNER/NAME"}`; `kaggle_handle` is KerasHub's
        word for where the files are.
    """
    return {
        name: _entry(checkpoint)
        for name, checkpoint in NAMED_CHECKPOINTS.items()
        if checkpoint.model_type in model_types
    }


def _entry(checkpoint: NamedCheckpoint) -> dict[str, Any]:
    return {
        "metadata": {
            "description": f"{checkpoint.repository}, arXiv {checkpoint.paper}",
            "params": checkpoint.parameters,
            "path": checkpoint.model_type,
            "repository": checkpoint.repository,
            "revision": checkpoint.revision,
            "licence": checkpoint.licence,
            "sampling_rate": checkpoint.sampling_rate_hz,
            "paper": f"https://arxiv.org/abs/{checkpoint.paper}",
        },
        "kaggle_handle": f"hf://{checkpoint.repository}",
    }
