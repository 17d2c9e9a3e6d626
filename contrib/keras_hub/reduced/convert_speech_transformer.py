import numpy as np
from keras_hub.src.utils.preset_utils import check_file_exists, load_json

FEATURE_EXTRACTOR_FILE = "preprocessor_config.json"


def load_audio_converter_config(preset, normalizes_audio=True):
    """Arguments of the audio converter, by the fields of the checkpoint's feature extractor.

    Args:
        preset: string.
        normalizes_audio: bool, whether the model takes audio of zero mean and unit variance, where the
            checkpoint has no feature extractor.
    """
    if not check_file_exists(preset, FEATURE_EXTRACTOR_FILE):
        return {"do_normalize": normalizes_audio}
    config = load_json(preset, FEATURE_EXTRACTOR_FILE)
    return {
        "sampling_rate": config.get("sampling_rate", 16000),
        "do_normalize": config.get("do_normalize", True),
    }


def has_tensor(loader, name):
    """Whether the checkpoint has a tensor of that name."""
    try:
        loader.get_tensor(name)
    except Exception:  # of another type for one file than for shards
        return False
    return True


def convert_kernel(variable, loader, name):
    """Assign the kernel of a convolution over time."""
    loader.port_weight(variable, name, hook_fn=lambda x, _: np.transpose(x, (2, 1, 0)))


def convert_dense(layer, loader, name):
    """Assign kernel and bias of a dense layer."""
    loader.port_weight(layer.kernel, f"{name}.weight", hook_fn=lambda x, _: np.transpose(x))
    convert_tensor(layer.bias, loader, f"{name}.bias")


def convert_tensor(variable, loader, name):
    """Assign a tensor as it is."""
    loader.port_weight(variable, name)


def _convert_mask_embedding(layer, loader):
    if has_tensor(loader, "masked_spec_embed"):
        convert_tensor(layer.mask_embedding, loader, "masked_spec_embed")
