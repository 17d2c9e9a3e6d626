"""`kser.embed`: the hidden states of recordings, in memory or in a folder."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd

import kser
from kser.audio.decoding import Sound
from kser.errors import UserError
from kser.experiment.runs.trained_model import PROVENANCE_FILE, load_provenance
from kser.representations.embedding.layer_states import LayerStates
from kser.representations.embedding.store import Store, StoreDraft, layer_file, made_from
from kser.representations.given_recordings import given_recordings
from kser.representations.output_lock import output_lock
from kser.serving.decoding import decoded_chunks

DTYPES = ("float32", "float16")
BATCH_SIZE = 8
# Of audio between two times that progress is kept.
_CHUNK_SECONDS = 600

Show = Callable[[float], None]
"""Takes how many recordings are done, with the share of those that are computed together."""


def embed(
    model: str | Path,
    recordings: str | Path | pd.DataFrame | Sequence[Any],
    *,
    layers: Sequence[int] | None = None,
    pool: str = "mean",
    batch_size: int = BATCH_SIZE,
    input_column: str = "path",
) -> tuple[dict[int, np.ndarray], pd.DataFrame]:
    """The hidden states of recordings, layer by layer.

    Args:
        model: folder of a trained model or of a checkpoint, or the name of a published one, with or without a
            head.
        recordings: a metadata CSV; a data frame with a column of audio files; or a list of what `predict` of
            `kser.load_model` takes: files, waveforms, pairs of a waveform and its rate.
        layers: see `LayerStates`; `None` for all.
        pool: "mean", "max", "first_last" or "mean+std", over the frames with sound.
        batch_size: how many are computed at a time.
        input_column: of a CSV or data frame, the column with the audio files.

    Returns:
        By layer, float32 (recordings, channels); and a data frame with a row for each recording.

    Raises:
        UserError: the model cannot be loaded, or recordings cannot be used, a line each.

    Examples:

        states, table = kser.embed("microsoft/wavlm-base-plus", "data/emodb/metadata.csv", layers=[0, 6, 12])
        states[6].shape  # (535, 768)
    """
    table, audio = given_recordings(recordings, input_column)
    states = LayerStates(model, layers, pool)
    parts: list[dict[int, np.ndarray]] = []
    mistakes: list[str] = []
    for vectors, unusable, _ in _chunks(states, audio, batch_size):
        parts.append(vectors)
        mistakes += unusable.values()
    if mistakes:
        raise UserError("\n".join(mistakes))
    return {layer: np.concatenate([part[layer] for part in parts]) for layer in states.layers}, table


def embed_to_store(
    model: str | Path,
    table: pd.DataFrame,
    folder: Path,
    *,
    source: str = "",
    layers: Sequence[int] | None = None,
    pool: str = "mean",
    dtype: str = "float32",
    batch_size: int = BATCH_SIZE,
    show: Show | None = None,
    say: Callable[[str], None] | None = None,
) -> Store:
    """Write the hidden states of recordings to a folder, see `kser.representations.embedding.store`.

    What an interrupted call left is continued. Recordings that cannot be used are passed over.

    Args:
        model: see `embed`.
        table: of the recordings, see `kser.corpora.metadata.read_recordings`.
        folder: to be written.
        source: where the table is from, for `embeddings.json`.
        layers: see `embed`.
        pool: see `embed`.
        dtype: of the arrays, one of `DTYPES`.
        batch_size: see `embed`.
        show: called with the number of recordings that are done, after each batch.
        say: called with what is to be known of what an interrupted call left.

    Raises:
        UserError: the model cannot be loaded, or something else is in the folder, or another process is
            writing it.
    """
    if dtype not in DTYPES:
        raise UserError(f"dtype: must be {' or '.join(DTYPES)}, got {dtype}")
    with output_lock(folder):
        states = LayerStates(model, layers, pool)
        identity = made_from(states.fingerprint, states.layers, pool, dtype, table)
        facts = _facts(states, source, dtype) | {"made_from": identity}
        draft = StoreDraft(folder, facts, table, states.channels)
        if draft.note and say is not None:
            say(draft.note)
        if not draft.is_finished:
            waiting = ((path, path) for path in table["path"].iloc[draft.done :])

            def report(further: float) -> None:
                if show is not None:
                    show(draft.done + further)

            for vectors, unusable, recordings in _chunks(states, waiting, batch_size, report):
                draft.add(vectors, unusable, recordings)
                report(0)
            draft.finish()
        return Store.at(folder)


def _chunks(
    states: LayerStates,
    recordings: Iterable[tuple[str, Any]],
    batch_size: int,
    report: Callable[[float], None] = lambda recordings: None,
) -> Iterator[tuple[dict[int, np.ndarray], dict[int, str], int]]:
    """Of some recordings at a time: vectors by layer, why others have none, by place, and their number.

    While they are computed it reports how many of them are.
    """
    rate = states.audio.format.sampling_rate
    for chunk in decoded_chunks(recordings, rate, _CHUNK_SECONDS):
        sounds = {place: sound for place, (_, sound) in enumerate(chunk) if isinstance(sound, Sound)}
        unusable = {place: str(sound) for place, (_, sound) in enumerate(chunk) if place not in sounds}
        places = list(sounds)
        named = [(chunk[place][0], sounds[place]) for place in places]

        def report_of_all(share: float, here: int = len(chunk)) -> None:
            report(share * here)

        vectors, without = states.vectors(named, batch_size, report_of_all)
        unusable |= {places[place]: str(error) for place, error in without.items()}
        yield vectors, dict(sorted(unusable.items())), len(chunk)


def _facts(states: LayerStates, source: str, dtype: str) -> dict[str, Any]:
    waveform_format = states.audio.format
    return {
        "model": states.name,
        "run": _run(states.name),
        "backbone": states.family,
        "num_layers": states.num_layers,
        "layers": states.layers,
        "files": {str(layer): layer_file(layer) for layer in states.layers},
        "channels": {str(layer): width for layer, width in states.channels.items()},
        "pool": states.pool,
        "dtype": dtype,
        "data": source,
        "sampling_rate": waveform_format.sampling_rate,
        "zero_mean_unit_variance": waveform_format.do_normalize,
        "masked_padding": waveform_format.mask_padding,
        "audio_processing": waveform_format.processing.chosen(),
        "kser_version": kser.__version__,
        "keras_version": keras.__version__,
        "backend": keras.config.backend(),
    }


def _run(name: str) -> dict[str, Any] | None:
    """The run that trained a model; `None` of others."""
    folder = Path(name)
    if not (folder / PROVENANCE_FILE).is_file():
        return None
    provenance = load_provenance(folder)
    return {
        "experiment": provenance.experiment_name,
        "model": provenance.model_config["name"],
        "seed": provenance.seed,
        "training_dataset": provenance.training_dataset,
        "fingerprint": provenance.run_fingerprint,
        "training": provenance.training,
    }
