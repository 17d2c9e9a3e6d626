"""The table of a family's published checkpoints, in the form of keras-hub's presets."""

from contrib.keras_hub.parts import PRESETS
from kser.checkpoints.named_checkpoints import NAMED_CHECKPOINTS

LICENCES = ("apache-2.0", "mit")
"""Those that keras-hub takes, besides Llama's and Gemma's."""


def presets_module(family: str) -> str:
    """The source text of `FAMILY_presets.py`.

    Raises:
        ValueError: a checkpoint has a licence that keras-hub does not take.
    """
    presets = {}
    for name, preset in PRESETS[family].items():
        checkpoint = NAMED_CHECKPOINTS[name]
        if checkpoint.licence not in LICENCES:
            raise ValueError(f"{name}: keras-hub takes no presets of licence {checkpoint.licence}")
        presets[preset] = {
            "metadata": {
                "description": f"{checkpoint.repository} (https://arxiv.org/abs/{checkpoint.paper}).",
                "params": checkpoint.parameters,
                "path": family,
            },
            "kaggle_handle": f"hf://{checkpoint.repository}",
        }
    return f"# Metadata for loading pretrained model weights.\nbackbone_presets = {presets!r}\n"
