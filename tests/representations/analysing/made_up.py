"""Stores with planted structure, as `kser embed` would write them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from kser.representations.embedding.store import StoreDraft, made_from

SPEAKERS, SENTENCES, EMOTIONS = 6, 4, 3
CHANNELS = 12


def metadata(folder: Path) -> pd.DataFrame:
    """Every speaker says every sentence with every emotion; the files are there, each with its own bytes."""
    rows = []
    for speaker in range(SPEAKERS):
        for sentence in range(SENTENCES):
            for emotion in range(EMOTIONS):
                path = folder / f"s{speaker}_{sentence}_{emotion}.wav"
                path.write_text(path.name)
                gender = "female" if speaker % 2 else "male"
                rows.append(
                    [str(path), f"e{emotion}", f"s{speaker}", gender, f"t{sentence}", f"{speaker * 0.5}"]
                )
    columns = ["path", "class_id", "actor", "gender", "sentence", "age"]
    return pd.DataFrame(rows, columns=columns).assign(utterance=lambda table: table["path"])


def noise(table: pd.DataFrame, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(len(table), CHANNELS))


def planted(table: pd.DataFrame, column: str, seed: int, size: float = 3.0) -> np.ndarray:
    """A vector for each value of a column."""
    codes = table[column].factorize()[0]
    return size * np.random.default_rng(seed).normal(size=(codes.max() + 1, CHANNELS))[codes]


def write_store(
    folder: Path, table: pd.DataFrame, layers: dict[int, np.ndarray], run: dict[str, Any] | None = None
) -> Path:
    facts = {
        "model": str(folder / "model") if run else "made-up",
        "run": run,
        "layers": list(layers),
        "pool": "mean",
        "dtype": "float32",
        "num_layers": len(layers) - 1,
    }
    identity = made_from(f"{folder.name}", list(layers), "mean", "float32", table)
    widths = {layer: vectors.shape[1] for layer, vectors in layers.items()}
    draft = StoreDraft(folder, facts | {"made_from": identity}, table, widths)
    draft.add({layer: vectors.astype(np.float32) for layer, vectors in layers.items()}, {}, len(table))
    draft.finish()
    return folder


def run_facts(seed: int, updates: int, is_best: bool = False) -> dict[str, Any]:
    training = {"updates": updates, **({"best_step": updates} if is_best else {})}
    return {"experiment": "study", "model": "tiny", "seed": seed, "training": training}


def write_known(store: Path, keys: list[str]) -> None:
    """What the model of a store was trained on."""
    model = Path(json.loads((store / "embeddings.json").read_text())["model"])
    model.mkdir(parents=True)
    (model / "recordings.json").write_text(json.dumps({"train": keys, "validation": []}))
