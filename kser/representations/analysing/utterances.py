"""The utterances that are compared: those that all stores hold, and that no model was trained on."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from kser.errors import UserError
from kser.experiment.runs.recording_keys import recording_keys
from kser.experiment.runs.trained_model import RECORDINGS_FILE
from kser.files import read_json
from kser.representations.analysing.checkpoints import Checkpoint
from kser.words import counted

_KEY = ("path", "utterance")


@dataclass(frozen=True)
class Utterances:
    """What is compared.

    Attributes:
        table: a row for each, all columns of the stores' indices as text.
        rows: by folder of the store, the positions of the utterances in its arrays, int (utterances,).
        notes: what was left out, and what is not known, a line each.
    """

    table: pd.DataFrame
    rows: dict[Path, np.ndarray]
    notes: list[str]


def common_utterances(
    checkpoints: Sequence[Checkpoint], *, speaker: str, keep_known: bool = False
) -> Utterances:
    """The utterances of all checkpoints in the order of the first, without those that training has seen.

    A model has learned what its training's voices sound like: what is read from its layers about them says
    little about other people. So all utterances of a speaker are left out of whom any model knew one, in its
    training or in its validation part; without a column of speakers, the utterances that it knew.

    Args:
        checkpoints: whose stores.
        speaker: the column with the speakers.
        keep_known: whether to keep them nevertheless; their files are not needed then.

    Raises:
        UserError: the stores have no utterance in common, or none that is new to all models.
    """
    indices = [each.store.index for each in checkpoints]
    keys = [list(zip(*(index[name] for name in _KEY if name in index), strict=True)) for index in indices]
    places = [{key: place for place, key in enumerate(of_store)} for of_store in keys]
    common = [key for key in keys[0] if all(key in of_store for of_store in places)]
    if not common:
        raise UserError("the stores have no recording in common")
    table = indices[0].iloc[[places[0][key] for key in common]].reset_index(drop=True)
    notes = []
    if missing := max(map(len, keys)) - len(common):
        notes.append(f"{counted(missing, 'utterance')} left out that not all stores have")
    left = np.arange(len(table))
    if keep_known:
        notes.append("utterances that a model was trained on are kept")
    else:
        known, unknown = _known(checkpoints, table)
        left, note = _without_known(table, known, speaker)
        notes += [*unknown, *note]
    rows = {
        each.store.folder: np.array([of_store[common[place]] for place in left])
        for each, of_store in zip(checkpoints, places, strict=True)
    }
    return Utterances(table.iloc[left].reset_index(drop=True), rows, notes)


def _known(checkpoints: Sequence[Checkpoint], table: pd.DataFrame) -> tuple[np.ndarray, list[str]]:
    """Which utterances any model was trained or validated on, bool (utterances,); and whose are not known."""
    models = dict.fromkeys(str(each.store.facts["model"]) for each in checkpoints if each.seed)
    files = [Path(model) / RECORDINGS_FILE for model in models]
    known: set[str] = set()
    for file in files:
        for part in read_json(file).values() if file.is_file() else ():
            known.update(part)
    lost = [file for file in files if not file.is_file()]
    notes = (
        [f"what {counted(len(lost), 'model')} learned from is not known: {lost[0]}: not found"]
        if lost
        else []
    )
    if not known:
        return np.zeros(len(table), dtype=bool), notes
    try:
        own_keys = recording_keys(table["path"], by_sound=False)
    except UserError as error:
        raise UserError(
            f"{error}; whether a model was trained on it, only the file tells: or give --keep-known"
        ) from None
    return np.array([not known.isdisjoint(keys) for keys in own_keys]), notes


def _without_known(table: pd.DataFrame, known: np.ndarray, speaker: str) -> tuple[np.ndarray, list[str]]:
    """Positions of the utterances that stay, and what is to be said of the others."""
    everything = np.arange(len(table))
    if not known.any():
        return everything, []
    if speaker in table:
        voices = set(table.loc[known, speaker])
        known = table[speaker].isin(voices).to_numpy()
        whose = f"of {counted(len(voices), 'speaker')} whom a model was trained on"
    else:
        whose = "that a model was trained on"
    if known.all():
        raise UserError(f"nothing is left without utterances {whose}: embed others, or give --keep-known")
    return everything[~known], [f"{counted(int(known.sum()), 'utterance')} {whose} left out"]
