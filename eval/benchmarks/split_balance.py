"""How close the test part of a speaker split comes to the corpus's class proportions, and how close it could.

    python eval/benchmarks/split_balance.py METADATA... [--sparse 3] [--seeds 20] [--candidates 32 500 2000]
        [--refused FOLDER]

The measure is the total variation between the proportions of the classes in the test part and in the corpus.
"best" is the least of all test parts of that size with genders as even, by trying all, or, where there are
over 200,000, by exchanging speakers from 50 random starts.
`--sparse` adds made-up corpora, sparse as URDU is: 27 men and 11 women, 400 utterances, 100 of each of four
classes, their speakers drawn by shares from a Dirichlet distribution of 0.2. `--refused`: a folder of
metadata files that a split was refused for; how many are split.
"""

import argparse
from itertools import combinations
from math import comb
from pathlib import Path

import numpy as np
import pandas as pd

from kser.corpora.metadata import read_metadata
from kser.corpora.splits import speaker_split, split_fingerprint
from kser.errors import UserError


def main() -> None:
    """Print a row a corpus and number of candidates."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("metadata", type=Path, nargs="*")
    parser.add_argument("--sparse", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--candidates", type=int, nargs="+", default=[32, 500, 2000])
    parser.add_argument("--refused", type=Path)
    arguments = parser.parse_args()
    tables = {path.parent.name: read_metadata(path, check_files=False) for path in arguments.metadata}
    tables |= {f"sparse {number}": sparse_corpus(number) for number in range(arguments.sparse)}
    print("| corpus | candidates | mean | worst | different splits | best |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for name, table in tables.items():
        least = None
        for candidates in arguments.candidates:
            splits = [
                speaker_split(table, 0.8, seed, candidates=candidates) for seed in range(arguments.seeds)
            ]
            if least is None:
                least = best(table, splits[0])
            found = [distance(table, set(table["actor"][parts == "test"])) for parts in splits]
            different = len({split_fingerprint(table, parts) for parts in splits})
            figures = f"{np.mean(found):.3f} | {max(found):.3f} | {different} | {least:.3f}"
            print(f"| {name} | {candidates} | {figures} |", flush=True)
    if arguments.refused:
        files = sorted(arguments.refused.glob("*.csv"))
        print(f"{sum(map(is_split, files))} of {len(files)} refused ones are split")


def sparse_corpus(number: int) -> pd.DataFrame:
    """Sparse as URDU is: 38 speakers, 400 utterances, four classes."""
    rng = np.random.default_rng(number)
    shares = {label: rng.dirichlet(np.full(38, 0.2)) for label in ("angry", "happy", "neutral", "sad")}
    rows = [(label, int(rng.choice(38, p=shares[label]))) for label in shares for _ in range(100)]
    return pd.DataFrame(
        {
            "utterance": [f"{i}.wav" for i in range(len(rows))],
            "class_id": [label for label, _ in rows],
            "actor": [f"{speaker:02}" for _, speaker in rows],
            "gender": ["male" if speaker < 27 else "female" for _, speaker in rows],
        }
    )


def distance(table: pd.DataFrame, speakers: set[str]) -> float:
    """Total variation between the class proportions of the speakers and of the corpus."""
    counts = class_counts(table)
    return float(distances(counts, counts.index.isin(sorted(speakers))[None].astype(float))[0])


def class_counts(table: pd.DataFrame) -> pd.DataFrame:
    """Utterances, speakers × classes."""
    return table.groupby(["actor", "class_id"]).size().unstack(fill_value=0)


def distances(counts: pd.DataFrame, chosen: np.ndarray) -> np.ndarray:
    """Of many choices of speakers, rows of zeros and ones."""
    whole = counts.to_numpy().sum(axis=0)
    taken = chosen @ counts.to_numpy()
    missing = (taken == 0).any(axis=1) | (taken == whole).any(axis=1)
    proportions = taken / np.maximum(taken.sum(axis=1, keepdims=True), 1)
    return np.where(missing, 1.0, np.abs(proportions - whole / whole.sum()).sum(axis=1) / 2)


def best(table: pd.DataFrame, parts: pd.Series) -> float:
    """The least distance of a test part of as many speakers of each gender as in a split."""
    counts = class_counts(table)
    gender_of = table.groupby("actor")["gender"].first()
    test = set(table["actor"][parts == "test"])
    groups = [np.flatnonzero((gender_of == gender).loc[counts.index]) for gender in sorted(set(gender_of))]
    takes = [sum(counts.index[i] in test for i in group) for group in groups]
    ways = [comb(len(group), take) for group, take in zip(groups, takes, strict=True)]
    if np.prod(ways, dtype=float) <= 200_000:
        chosen = np.zeros((1, len(counts)))
        for group, take in zip(groups, takes, strict=True):
            additions = np.zeros((comb(len(group), take), len(counts)))
            for row, members in enumerate(combinations(group, take)):
                additions[row, list(members)] = 1
            chosen = (chosen[:, None] + additions[None]).reshape(-1, len(counts))
        return float(distances(counts, chosen).min())
    rng = np.random.default_rng(0)
    return min(descend(counts, groups, takes, rng) for _ in range(50))


def descend(
    counts: pd.DataFrame, groups: list[np.ndarray], takes: list[int], rng: np.random.Generator
) -> float:
    """Exchange two speakers of a gender as long as that helps."""
    chosen = np.zeros(len(counts))
    for group, take in zip(groups, takes, strict=True):
        chosen[rng.choice(group, take, replace=False)] = 1
    reached = float(distances(counts, chosen[None])[0])
    while True:
        exchanges = []
        for group in groups:
            for out in group[chosen[group] == 1]:
                for into in group[chosen[group] == 0]:
                    other = chosen.copy()
                    other[out], other[into] = 0, 1
                    exchanges.append(other)
        values = distances(counts, np.array(exchanges))
        if values.min() >= reached:
            return reached
        reached, chosen = float(values.min()), exchanges[int(values.argmin())]


def is_split(path: Path) -> bool:
    """Whether seed 0 splits a file."""
    try:
        speaker_split(read_metadata(path, check_files=False), 0.8, 0)
    except UserError:
        return False
    return True


if __name__ == "__main__":
    main()
