"""Groups of expert features of the utterances that are analysed."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kser.errors import UserError
from kser.files import expanded
from kser.representations.expert_features.table import FeatureTable


def feature_groups(
    folders: Sequence[str | Path], paths: Sequence[str]
) -> tuple[dict[str, np.ndarray], list[dict[str, Any]]]:
    """The groups of one or several sets of features.

    Args:
        folders: that `kser features` wrote.
        paths: of the utterances, as in the column `path` of a store.

    Returns:
        By group ("pitch"; of several sets "egemaps: pitch") float64 (utterances, columns), NaN where a
        feature has no value; and of each folder what it is.

    Raises:
        UserError: a folder holds no features, or has none of an utterance.
    """
    tables = [FeatureTable.at(expanded(folder)) for folder in folders]
    found: dict[str, np.ndarray] = {}
    for table in tables:
        rows = table.rows_of(paths)
        if len(missing := np.flatnonzero(rows < 0)):
            raise UserError(
                f"{table.folder}: lacks {len(missing)} of {len(rows)} utterances, {paths[missing[0]]} for one"
            )
        prefix = f"{table.facts['set']}: " if len(tables) > 1 else ""
        found |= {prefix + group: values for group, values in table.arrays(rows).items()}
    facts = [
        {"folder": str(table.folder), "set": table.facts["set"], "made_from": table.facts["made_from"]}
        for table in tables
    ]
    return found, facts
