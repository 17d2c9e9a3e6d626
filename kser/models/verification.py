"""Comparing hidden states with those that `transformers` gives from the same published checkpoint.

`transformers` computes in float64, and in float32 once more, to know what rounding does to that model on
that audio; `kser.models.parity` says what follows. PyTorch and `transformers` are imported when something is
compared.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import keras
import numpy as np

from kser.audio.waveform import pad_waveforms
from kser.checkpoints.published_checkpoint import PublishedCheckpoint
from kser.errors import UserError, install_extra
from kser.models.head_reference import HeadReference
from kser.models.parity import Parity, parity, worst_of
from kser.models.preset_loader import CheckpointLoader, checkpoint_classes, preset_loader
from kser.models.speech_audio_converter import SpeechAudioConverter
from kser.models.speech_backbone import SpeechBackbone
from kser.models.transformers_reference import TransformersReference
from kser.models.utterance_task import UtteranceTask


@dataclass(frozen=True)
class StateComparison:
    """One place in the model, compared over all utterances, frames and channels.

    Args:
        place: `"audio converter"`, `"before layer 1"`, `"layer 1"`, …
        alone: each utterance by itself, unpadded; of the one that is nearest to its limit.
        padded: all in one batch, padded; `None` where nothing is compared.
    """

    place: str
    alone: Parity
    padded: Parity | None = None

    @property
    def worst(self) -> Parity:
        """The one of both that is nearest to its limit, or furthest beyond it."""
        return worst_of(parity for parity in (self.alone, self.padded) if parity is not None)


def require_transformers() -> None:
    """Refuse to verify where there is nothing to compare with.

    Raises:
        UserError: PyTorch or transformers is not installed.
    """
    missing = [library for library in ("torch", "transformers") if find_spec(library) is None]
    if missing:
        raise UserError(
            "verifying compares with transformers on PyTorch; not installed: "
            f"{', '.join(missing)}; {install_extra('torch')}"
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
        The audio converter's output, if the checkpoint says how its own makes it (both are float32: the
        floors hold); then the input of the first layer and the output of each; then the outputs of the head,
        if it has one.

    Raises:
        UserError: PyTorch or transformers is not installed, transformers does not load the checkpoint, or
            the two take audio at different rates.
    """
    require_transformers()
    reference = load_reference(published)
    family = preset_loader(preset).matching_class(SpeechBackbone)
    backbone = SpeechBackbone.from_preset(preset, **family.padding_as_published)
    converter = SpeechAudioConverter.from_preset(preset)
    model = hidden_states_model(backbone)
    converted = [converter(utterance)["waveform"] for utterance in utterances]

    batch, mask = pad_waveforms([waveform[0] for waveform in converted])
    given: list[tuple[np.ndarray, np.ndarray | None]] = [(waveform, None) for waveform in converted]
    given.append((batch, mask if reference.takes_mask else None))
    on_state(0, len(given))
    in_float32 = [reference.states(*inputs) for inputs in given]
    reference.model.double()
    compared = []
    for done, (inputs, rounded) in enumerate(zip(given, in_float32, strict=True), start=1):
        exact = reference.states(*inputs)
        valid = _valid_frames(reference, inputs[1], exact.shape[2])
        compared.append(compare_states(hidden_states(model, *inputs), exact, rounded, valid))
        on_state(done, len(given))
    *alone, padded = compared
    return [
        *_converter_comparison(published, converter, utterances, converted),
        *(
            StateComparison(f"layer {index}" if index else "before layer 1", worst_of(by_itself), together)
            for index, (*by_itself, together) in enumerate(zip(*alone, padded, strict=True))
        ),
        *_head_comparison(published, preset, converted),
    ]


def _valid_frames(
    reference: TransformersReference, padding_mask: np.ndarray | None, frames: int
) -> np.ndarray | None:
    """Mask (batch, frames) of what is compared; `None` means all."""
    if padding_mask is None:
        return None
    return mask_of([reference.frames(int(samples)) for samples in padding_mask.sum(axis=1)], frames)


def compare_states(
    actual: np.ndarray, exact: np.ndarray, rounded: np.ndarray | None = None, valid: np.ndarray | None = None
) -> list[Parity]:
    """Compare states shaped (states, batch, frames, channels), one after the other.

    Args:
        actual: those of kser.
        exact: those of transformers in float64.
        rounded: those of transformers in float32, if they are known.
        valid: bool (batch, frames), the frames that count; `None` means all.

    Raises:
        UserError: the shapes differ.
    """
    if actual.shape != exact.shape:
        raise UserError(
            f"hidden states (states, utterances, frames, channels) are shaped {actual.shape}, those of "
            f"transformers {exact.shape}"
        )
    counted = np.ones(exact.shape[1:3], bool) if valid is None else valid
    return [
        parity(
            actual[state][counted],
            exact[state][counted],
            None if rounded is None else rounded[state][counted],
        )
        for state in range(len(exact))
    ]


def _converter_comparison(
    published: Path,
    converter: SpeechAudioConverter,
    utterances: Sequence[np.ndarray],
    converted: Sequence[np.ndarray],
) -> list[StateComparison]:
    """The audio converter against what the published feature extractor makes of a waveform.

    Raises:
        UserError: they take audio at different rates.
    """
    if not PublishedCheckpoint(published).feature_extractor_config():
        return []
    from transformers import AutoFeatureExtractor

    extract = AutoFeatureExtractor.from_pretrained(published)
    if converter.sampling_rate != extract.sampling_rate:
        raise UserError(
            f"{published}: sampling_rate: the feature extractor takes audio at {extract.sampling_rate} Hz, "
            f"the preset at {converter.sampling_rate} Hz"
        )
    expected = list(utterances)
    if extract.model_input_names[0] == "input_values":  # others give spectra, of the waveform as it is
        expected = [
            np.asarray(extract(utterance, sampling_rate=extract.sampling_rate)["input_values"][0])
            for utterance in utterances
        ]
    pairs = zip(converted, expected, strict=True)
    return [StateComparison("audio converter", worst_of(parity(ours[0], theirs) for ours, theirs in pairs))]


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
    together = (np.concatenate(outputs) for outputs in (ours, expected, in_float32))
    return [StateComparison("outputs of the head", parity(*together))]


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
