"""`kser.features`: what experts measure of recordings, in memory or in a folder."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import kser
from kser.errors import UserError
from kser.representations.expert_features.draft import FeatureDraft, made_from, with_features
from kser.representations.expert_features.feature_set import FeatureSet, feature_set
from kser.representations.expert_features.measuring import measured
from kser.representations.expert_features.table import FeatureTable
from kser.representations.folder_draft import IDENTITY
from kser.representations.given_recordings import given_recordings
from kser.representations.output_lock import output_lock

Show = Callable[[int], None]
"""Takes how many recordings are done."""


def features(
    recordings: str | Path | pd.DataFrame | Sequence[Any],
    set: str = "functionals",
    *,
    workers: int = 1,
    accept_licence: bool = False,
    input_column: str = "path",
) -> tuple[pd.DataFrame, dict[str, list[str]]]:
    """Expert features of recordings: pitch, loudness, spectrum, voice quality, timing.

    Args:
        recordings: a metadata CSV; a data frame with a column of audio files; or a list of what `predict` of
            `kser.load_model` takes: files, waveforms, pairs of a waveform and its rate.
        set: "functionals" (58, by kser), "egemaps" (88) or "compare" (6373; both by openSMILE, an extra).
        workers: processes to measure in. A program with more than 1 needs `if __name__ == "__main__":`.
        accept_licence: of openSMILE: for research and private use, not for commercial products.
        input_column: of a CSV or data frame, the column with the audio files.

    Returns:
        The table of the recordings, a row for each, with the features beside, float64, NaN of those that
        cannot be told, such as the pitch of a whisper; and by group the names of its features.

    Raises:
        UserError: the set cannot be measured here, or recordings cannot be used, a line each.

    Examples:

        table, groups = kser.features("data/emodb/metadata.csv")
        table[groups["pitch"]]  # (535, 11)
    """
    chosen = feature_set(set, accept_licence)
    table, audio = given_recordings(recordings, input_column)
    parts: list[np.ndarray] = []
    mistakes: list[str] = []
    for chunk in measured(chosen, audio, _checked_workers(workers)):
        parts.append(chunk.features)
        mistakes += chunk.unusable.values()
    if mistakes:
        raise UserError("\n".join(mistakes))
    groups = {group: list(columns) for group, columns in chosen.groups.items()}
    return with_features(table, chosen.columns, np.concatenate(parts)), groups


def features_to_folder(
    chosen: FeatureSet,
    table: pd.DataFrame,
    folder: Path,
    *,
    source: str = "",
    workers: int = 1,
    show: Show | None = None,
    say: Callable[[str], None] | None = None,
) -> FeatureTable:
    """Write the features of recordings to a folder, see `kser.representations.expert_features.table`.

    What an interrupted call left is continued. Recordings that cannot be used are passed over.

    Args:
        chosen: what to measure.
        table: of the recordings, see `kser.corpora.metadata.read_recordings`.
        folder: to be written.
        source: where the table is from, for `features.json`.
        workers: see `features`.
        show: called with the number of recordings that are done.
        say: called with what is to be known of what an interrupted call left.

    Raises:
        UserError: something else is in the folder, or another process is writing it.
    """
    workers = _checked_workers(workers)
    with output_lock(folder):
        identity = {IDENTITY: made_from(chosen, table)}
        facts = chosen.facts() | {"data": source, "kser_version": kser.__version__} | identity
        draft = FeatureDraft(folder, facts, table, chosen.columns)
        if draft.note and say is not None:
            say(draft.note)
        if not draft.is_finished:
            waiting = ((path, path) for path in table["path"].iloc[draft.done :])

            def report(further: int) -> None:
                if show is not None:
                    show(draft.done + further)

            for chunk in measured(chosen, waiting, workers, report):
                draft.add(chunk)
                report(0)
            draft.finish()
        return FeatureTable.at(folder)


def _checked_workers(workers: int) -> int:
    if workers < 1:
        raise UserError(f"workers: must be at least 1, got {workers}")
    return workers
