"""Small published-format checkpoints with the results that `transformers` gives for them (see README.md)."""

import json
from pathlib import Path

import numpy as np

VARIANTS = (
    "group_norm",
    "group_norm_stable",
    "layer_norm",
    "layer_norm_post",
    "no_mask_embedding",
    "old_weight_norm",
    "with_head",
    "hubert",
    "hubert_large",
    "hubert_without_projection_norm",
    "hubert_batch_norm",
    "wavlm",
    "wavlm_large",
    "data2vec_audio",
    "unispeech",
    "unispeech_sat",
)
"""Names of the checkpoints; README.md says what each of them stands for."""

ENCODERS = ("whisper", "moonshine")
"""Names of the checkpoints of encoders with a decoder, which take waveforms as they are."""

STUDY_0_1_0 = Path(__file__).parent / "study_0_1_0.zip"
"""A small study that kser 0.1.0 trained, evaluated and tested; see `make_study_0_1_0`."""


def golden_folder(variant: str) -> Path:
    """The folder of a checkpoint in the Hugging Face layout."""
    return Path(__file__).parent / variant


def expected(variant: str) -> dict[str, np.ndarray]:
    """What goes into a checkpoint and what `transformers` makes of it.

    Returns:
        Arrays by name, float32 but for the integers `lengths` and `frames`:

        - `waveforms` (3, 8000): raw audio at 16 kHz, zero after its end; `lengths` (3,) in samples;
        - `features` (3, 8000): `input_values` of the checkpoint's own feature extractor for the padded batch,
          which are `features_alone` if it returns an attention mask;
        - `features_alone` (3, 8000): `input_values` of each utterance by itself, zero after its end;
        - `hidden_states_unpadded_<i>` (layers + 1, frames[i], hidden size): utterance i of `features_alone`,
          without its padding; the last entry is after the encoder's final layer norm, if it has one;
        - `hidden_states_padded` (layers + 1, 3, padded frames, hidden size): the batch of `features`, with
          the attention mask if the checkpoint's feature extractor returns one, else without;
        - `frames` (3,): how many frames of each utterance stand for audio.
    """
    arrays: dict[str, np.ndarray] = {}
    for path in (Path(__file__).parent / "inputs.npz", golden_folder(variant) / "expected.npz"):
        with np.load(path) as file:
            arrays.update(file)
    sound_in_padding = arrays.pop("features_without_mask")
    arrays["features"] = arrays["features_alone"] if gives_mask(variant) else sound_in_padding
    return arrays


def gives_mask(variant: str) -> bool:
    """Whether the checkpoint's feature extractor returns an attention mask."""
    config = json.loads((golden_folder(variant) / "preprocessor_config.json").read_text(encoding="utf-8"))
    return config["return_attention_mask"]


def inputs_of_encoders() -> tuple[np.ndarray, np.ndarray]:
    """`waveforms` (3, 8000) and `lengths` (3,), as `expected` describes them."""
    with np.load(Path(__file__).parent / "inputs.npz") as file:
        return file["waveforms"], file["lengths"]


def expected_of_encoder(name: str) -> dict[str, np.ndarray]:
    """What `transformers` makes of `inputs_of_encoders` with one of `ENCODERS`.

    Returns:
        Arrays by name:

        - `hidden_states_unpadded_<i>` (layers + 1, frames, hidden size): utterance i alone, which Whisper
          pads to a second;
        - `hidden_states_padded` (layers + 1, 3, frames, hidden size), of Moonshine: the batch, with the
          published code's treatment of padding.
    """
    with np.load(golden_folder(name) / "expected.npz") as file:
        return dict(file)


def saved_model(kind: str) -> Path:
    """The preset folder of a `classifier`, `regressor`, `tagger` or `multi_task` that kser 0.1.0 saved."""
    return Path(__file__).parent / "saved_by_0_1_0" / kind


def saved_model_utterances() -> list[np.ndarray]:
    """The utterances, (samples,) each, that `saved_model_outputs` are of."""
    waveforms, _ = inputs_of_encoders()
    return [waveform[:4000] for waveform in waveforms[:2]]


def saved_model_outputs(kind: str) -> dict[str, np.ndarray]:
    """What kser 0.1.0 gave of `saved_model_utterances`: `output`; of `multi_task`, `logits` and `values`."""
    with np.load(saved_model("expected.npz")) as file:
        return {name.split("/")[1]: file[name] for name in file if name.startswith(f"{kind}/")}
