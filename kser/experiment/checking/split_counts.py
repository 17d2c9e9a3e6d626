"""Utterances of each class and speakers of each gender in the parts of every split of an experiment."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from kser.corpora.splits import describe_split
from kser.experiment.checking.seed_ranges import in_ranges
from kser.experiment.runs.run_data import RunData
from kser.grouping import grouped
from kser.words import counted


@dataclass(frozen=True)
class SplitCounts:
    """The splits of models that share them.

    Attributes:
        models: their names.
        by_seed: see `kser.corpora.splits.describe_split`: one row a part.
        scheme: how the splits are made.
        shared_speakers: by seed, how many speakers are in more than one part.
    """

    models: tuple[str, ...]
    by_seed: Mapping[int, pd.DataFrame]
    scheme: str
    shared_speakers: Mapping[int, int]

    @property
    def warnings(self) -> list[str]:
        """What puts results on these splits in question, a line each."""
        sharing = {seed: count for seed, count in self.shared_speakers.items() if count}
        if not sharing:
            return []
        fewest, most = min(sharing.values()), max(sharing.values())
        count = counted(most, "speaker") if fewest == most else f"{fewest}–{most} speakers"
        return [
            f"split {self.scheme} of {', '.join(self.models)}: {count} in more than one part (seed "
            f"{in_ranges(sharing)}): results on that corpus look better than they would be for new speakers"
        ]

    def extremes(self) -> pd.DataFrame:
        """The least and the most over all seeds, as text: "12–14", or "12" where they are the same."""
        tables = [table.fillna(0).astype(int) for table in self.by_seed.values()]
        every = pd.concat(tables).fillna(0).astype(int)
        parts = list(dict.fromkeys(every.index))
        groups = every.groupby(level=0)
        lowest, highest = groups.min().loc[parts], groups.max().loc[parts]
        return pd.DataFrame(
            {
                column: [
                    str(low) if low == high else f"{low}–{high}"
                    for low, high in zip(lowest[column], highest[column], strict=True)
                ]
                for column in every.columns
            },
            index=parts,
        )


def count_splits(data: Mapping[tuple[str, int], RunData]) -> list[SplitCounts]:
    """The splits of an experiment, once for all models that have the same.

    Args:
        data: of each run by model and seed; runs of one split have the same object.
    """
    of_model: dict[str, dict[int, RunData]] = {}
    for (model, seed), of in data.items():
        of_model.setdefault(model, {})[seed] = of
    sharing = grouped(
        (tuple((seed, id(of)) for seed, of in by_seed.items()), model) for model, by_seed in of_model.items()
    )
    return [
        SplitCounts(
            tuple(models),
            {
                seed: describe_split(of.table, of.parts, of.class_column)
                for seed, of in of_model[models[0]].items()
            },
            next(iter(of_model[models[0]].values())).split_scheme,
            {seed: of.shared_speakers for seed, of in of_model[models[0]].items()},
        )
        for models in sharing.values()
    ]
