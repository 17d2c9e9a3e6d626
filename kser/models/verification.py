"""Comparing hidden states with those that `transformers` gives from the same published checkpoint.

`transformers` computes in float64: the rounding errors of its own float32 are not part of what is compared.
They are given beside the differences, since they show what float32 can do with that model. PyTorch and
`transformers` are imported when something is compared.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import keras
import numpy as np

from kser.audio.waveform import pad_waveforms
from kser.checkpoints.published_checkpoint import PublishedCheckpoint
from kser.errors import UserError
from kser.models.head_reference import HeadReference
from kser.models.preset_loader import CheckpointLoader, checkpoint_classes, preset_loader
from kser.models.speech_audio_converter import SpeechAudioConverter
from kser.models.speech_backbone import SpeechBackbone
from kser.models.transformers_reference import TransformersReference
from kser.models.utterance_task import UtteranceTask

BOUND = 2e-5
"""Largest |difference| of float32 that a right conversion has (VALIDITY 1)."""


@dataclass(frozen=True)
class StateComparison:
    """One place in the model, compared over all utterances, frames and channels.

    Args:
        place: `"audio converter"`, `"before layer 1"`, `"layer 1"`, …
        alone: largest |difference| with each utterance by itself, unpadded.
        padded: the same in one batch, padded; `None` where nothing is compared.
        rounding: largest |difference| between `transformers` in float32 and in float64, by itself.
        magnitude: largest |value| that `transformers` gives.
    """

    place: str
    alone: float
    padded: float | None
    rounding: float | None
    magnitude: float

    @property
    def worst(self) -> float:
        """The larger of the two differences; a NaN counts as infinite."""
        largest = max(np.nan_to_num([self.alone, self.padded or 0.0], nan=np.inf))
        return float(largest)


def require_transformers() -> None:
    """Refuse to verify where there is nothing to compare with.

    Raises:
        UserError: PyTorch or transformers is not installed.
    """
    missing = [library for library in ("torch", "transformers") if find_spec(library) is None]
    if missing:
        raise UserError(
            f"verifying compares with transformers on PyTorch, and {' and '.join(missing)} "
            f"{'is' if len(missing) == 1 else 'are'} not installed; pip install 'kser[torch]'"
        )


def load_reference(folder: Path) -> TransformersReference:
    """Load a checkpoint in `transformers`.

    Args:
        folder: in the Hugging Face layout.

    Raises:
        UserError: transformers does not load it.
    """
    from transformers import AutoModel

    try:
        model = AutoModel.from_pretrained(folder, attn_implementation="eager", local_files_only=True)
    except (OSError, ValueError, RuntimeError, ImportError) as error:
        reason = " ".join(str(error).split())[:300]
        raise UserError(f"{folder}: transformers does not load it: {reason}") from error
    family = checkpoint_classes(SpeechBackbone).get(model.config.model_type, SpeechBackbone)
    return family.transformers_reference(model, folder)


def compare_with_transformers(
    published: Path,
    preset: Path,
    utterances: Sequence[np.ndarray],
    on_state: Callable[[int, int], None] = lambda done, total: None,
) -> list[StateComparison]:
    """Load both, give both the same audio, and compare.

    Both are given each utterance by itself, then all of them as one batch, padded as the checkpoint's recipe
    asks: with an attention mask, or, for models with `feat_extract_norm: group`, as zeros that the published
    code treats as sound.

    Args:
        published: folder in the Hugging Face layout.
        preset: folder of the preset that was made from it.
        utterances: (samples,) each, at the rate of the preset's audio converter.
        on_state: called after each pass through both models with how many passes were made, and of how many.

    Returns:
        The audio converter's output, if the checkpoint says how its own makes it; then the input of the first
        layer and the output of each; then the outputs of the head, if it has one.

    Raises:
        UserError: PyTorch or transformers is not installed, or transformers does not load the checkpoint.
    """
    require_transformers()
    reference = load_reference(published)
    family = preset_loader(preset).matching_class(SpeechBackbone)
    backbone = SpeechBackbone.from_preset(preset, **family.padding_as_published)
    converter = SpeechAudioConverter.from_preset(preset)
    model = hidden_states_model(backbone)
    converted = [converter(utterance)["waveform"] for utterance in utterances]
    passes = len(converted) + 1

    in_float32 = [reference.states(waveform) for waveform in converted]
    reference.model.double()
    alone, rounding = [], []
    for done, (waveform, rounded) in enumerate(zip(converted, in_float32, strict=True), start=1):
        expected = reference.states(waveform)
        alone.append(differences(hidden_states(model, waveform), expected))
        rounding.append(differences(rounded, expected))
        on_state(done, passes)
    batch, mask = pad_waveforms([waveform[0] for waveform in converted])
    padded = _padded(model, reference, batch, mask)
    on_state(passes, passes)
    return [
        *_converter_comparison(published, utterances, converted),
        *_comparisons(alone, padded, rounding),
        *_head_comparison(published, preset, converted),
    ]


@dataclass(frozen=True)
class Differences:
    """By hidden state, (states,) each: largest |difference|, and largest |value| of the reference."""

    largest: np.ndarray
    magnitude: np.ndarray


def differences(actual: np.ndarray, expected: np.ndarray, valid: np.ndarray | None = None) -> Differences:
    """Compare states shaped (states, batch, frames, channels).

    Args:
        actual: those of kser.
        expected: those of transformers.
        valid: bool (batch, frames), the frames that count; `None` means all.

    Raises:
        UserError: the shapes differ.
    """
    if actual.shape != expected.shape:
        raise UserError(
            f"hidden states (states, utterances, frames, channels) are shaped {actual.shape}, those of "
            f"transformers {expected.shape}"
        )
    if valid is not None:
        actual, expected = actual[:, valid], expected[:, valid]
    axes = tuple(range(1, actual.ndim))
    return Differences(
        np.abs(actual.astype(np.float64) - expected).max(axis=axes), np.abs(expected).max(axis=axes)
    )


def _padded(
    model: keras.Model, reference: TransformersReference, batch: np.ndarray, mask: np.ndarray
) -> Differences:
    """One padded batch, by the checkpoint's recipe."""
    if not reference.takes_mask:
        return differences(hidden_states(model, batch), reference.states(batch))
    expected = reference.states(batch, mask)
    frames = [reference.frames(int(length)) for length in mask.sum(axis=1)]
    return differences(hidden_states(model, batch, mask), expected, mask_of(frames, expected.shape[2]))


def _comparisons(
    alone: list[Differences], padded: Differences, rounding: list[Differences]
) -> list[StateComparison]:
    return [
        StateComparison(
            f"layer {index}" if index else "before layer 1",
            float(max(by_itself.largest[index] for by_itself in alone)),
            float(padded.largest[index]),
            float(max(error.largest[index] for error in rounding)),
            float(max(compared.magnitude[index] for compared in (*alone, padded))),
        )
        for index in range(len(padded.largest))
    ]


def _converter_comparison(
    published: Path, utterances: Sequence[np.ndarray], converted: Sequence[np.ndarray]
) -> list[StateComparison]:
    """The audio converter against what the published feature extractor makes of a waveform."""
    if not PublishedCheckpoint(published).feature_extractor_config():
        return []
    from transformers import AutoFeatureExtractor

    extract = AutoFeatureExtractor.from_pretrained(published)
    expected = list(utterances)
    if extract.model_input_names[0] == "input_values":  # others give spectra, of the waveform as it is
        expected = [
            np.asarray(extract(utterance, sampling_rate=extract.sampling_rate)["input_values"][0])
            for utterance in utterances
        ]
    pairs = list(zip(converted, expected, strict=True))
    return [
        StateComparison(
            "audio converter",
            max(float(np.abs(ours[0] - theirs).max()) for ours, theirs in pairs),
            None,
            None,
            max(float(np.abs(theirs).max()) for theirs in expected),
        )
    ]


def _head_comparison(published: Path, preset: Path, converted: Sequence[np.ndarray]) -> list[StateComparison]:
    """The outputs of a trained head, which both must have, of each utterance by itself."""
    loader = preset_loader(published)
    assert isinstance(loader, CheckpointLoader)
    if loader.head is None:
        return []
    theirs = HeadReference(load_reference(published), loader.head, loader.checkpoint)
    in_float32 = [theirs.outputs(waveform) for waveform in converted]
    theirs.double()
    expected = [theirs.outputs(waveform) for waveform in converted]
    task = UtteranceTask.from_preset(preset)
    with task.ready_made_inputs():
        ours = [task.predict_on_batch(_inputs(waveform)) for waveform in converted]
    return [
        StateComparison(
            "outputs of the head",
            _largest_difference(ours, expected),
            None,
            _largest_difference(in_float32, expected),
            max(float(np.abs(values).max()) for values in expected),
        )
    ]


def _largest_difference(actual: Sequence[np.ndarray], expected: Sequence[np.ndarray]) -> float:
    return max(float(np.abs(a - b).max()) for a, b in zip(actual, expected, strict=True))


def _inputs(waveform: np.ndarray, padding_mask: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """What a backbone takes; without a mask nothing is padding."""
    mask = np.ones(waveform.shape, bool) if padding_mask is None else padding_mask
    return {"waveform": waveform, "padding_mask": mask}


def hidden_states_model(backbone: SpeechBackbone) -> keras.Model:
    """The model that gives all hidden states, as the docstring of `SpeechBackbone` says."""
    return keras.Model(backbone.input, backbone.hidden_states)


def hidden_states(
    model: keras.Model, waveform: np.ndarray, padding_mask: np.ndarray | None = None
) -> np.ndarray:
    """(layers + 1, batch, frames, hidden_dim) of `hidden_states_model`; without a mask nothing is padding."""
    return np.stack(model.predict_on_batch(_inputs(waveform, padding_mask)))


def mask_of(lengths: Sequence[int] | np.ndarray, samples: int) -> np.ndarray:
    """Bool mask (batch, samples) of utterances padded at their end."""
    return np.arange(samples) < np.asarray(lengths)[:, None]
