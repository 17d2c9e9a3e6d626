"""Write the golden checkpoints of Whisper and Moonshine, and what `transformers`' encoders make of audio.

Run by hand where the `torch` extra is installed: `python -m tests.golden.make_encoder_golden`.
"""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import (
    MoonshineConfig,
    MoonshineForConditionalGeneration,
    PreTrainedModel,
    Wav2Vec2FeatureExtractor,
    WhisperConfig,
    WhisperFeatureExtractor,
    WhisperForConditionalGeneration,
    logging,
)

from kser.models.transformers_reference import transformers_states
from tests.golden import ENCODERS, golden_folder, inputs_of_encoders
from tests.golden.make_golden import LENGTHS, SAMPLING_RATE, check, randomise, unpadded, write_arrays

# One second in place of thirty.
WHISPER: dict[str, Any] = {
    "d_model": 16,
    "encoder_layers": 2,
    "encoder_attention_heads": 2,
    "encoder_ffn_dim": 24,
    "decoder_layers": 1,
    "decoder_attention_heads": 2,
    "decoder_ffn_dim": 16,
    "max_source_positions": 50,
    "max_target_positions": 8,
    "vocab_size": 12,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "decoder_start_token_id": 1,
}
# A quarter of each head's channels is not turned; heads are padded, which changes nothing.
MOONSHINE: dict[str, Any] = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "encoder_num_hidden_layers": 2,
    "encoder_num_attention_heads": 2,
    "decoder_num_hidden_layers": 1,
    "decoder_num_attention_heads": 2,
    "partial_rotary_factor": 0.75,
    "pad_head_dim_to_multiple_of": 3,
    "max_position_embeddings": 32,
    "vocab_size": 12,
}


def main() -> None:
    """Write a folder for each, in place of an older one."""
    torch.set_num_threads(1)  # sums in one order, whatever the machine's number of cores
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    waveforms, _ = inputs_of_encoders()
    # Seeds whose states pass `check`.
    for seed, name, make in zip((0, 5), ENCODERS, (whisper, moonshine), strict=True):
        folder = golden_folder(name)
        shutil.rmtree(folder, ignore_errors=True)
        results = make(folder, waveforms, torch.Generator().manual_seed(seed))
        check(name, results)
        write_arrays(folder / "expected.npz", results)


def whisper(folder: Path, waveforms: np.ndarray, generator: torch.Generator) -> dict[str, np.ndarray]:
    """The encoder hears the published log-mel frames of each utterance, padded to a second."""
    model = written(WhisperForConditionalGeneration(WhisperConfig(**WHISPER)), folder, generator)
    extract = WhisperFeatureExtractor(chunk_length=1)
    extract.save_pretrained(folder)
    features = extract(unpadded(waveforms), sampling_rate=SAMPLING_RATE, return_tensors="pt")
    states = encoder_states(model, features["input_features"].double())
    return {f"hidden_states_unpadded_{i}": states[:, i] for i in range(len(LENGTHS))}


def moonshine(folder: Path, waveforms: np.ndarray, generator: torch.Generator) -> dict[str, np.ndarray]:
    """The encoder hears each utterance alone, and all of them padded, with an attention mask."""
    model = written(MoonshineForConditionalGeneration(MoonshineConfig(**MOONSHINE)), folder, generator)
    Wav2Vec2FeatureExtractor(do_normalize=False, return_attention_mask=True).save_pretrained(folder)
    alone = [torch.from_numpy(waveform[None]).double() for waveform in unpadded(waveforms)]
    mask = torch.arange(waveforms.shape[1]) < torch.tensor(LENGTHS)[:, None]
    padded = encoder_states(model, torch.from_numpy(waveforms).double(), mask.long())
    states = {f"hidden_states_unpadded_{i}": encoder_states(model, x)[:, 0] for i, x in enumerate(alone)}
    return {**states, "hidden_states_padded": padded}


def written(model: Any, folder: Path, generator: torch.Generator) -> Any:
    """Save a model with weights of that generator."""
    randomise(model, generator)
    model.save_pretrained(folder)
    model.set_attn_implementation("eager")
    return model.eval().double()


def encoder_states(model: PreTrainedModel, values: torch.Tensor, mask: Any = None) -> np.ndarray:
    """(layers + 1, utterances, frames, channels), computed in float64."""
    return transformers_states(model.get_encoder(), values, mask)


if __name__ == "__main__":
    main()
