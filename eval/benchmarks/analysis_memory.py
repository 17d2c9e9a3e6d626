"""How much memory an analysis of very many utterances takes: a made-up store as large as they come.

    python eval/benchmarks/analysis_memory.py [--utterances 50000] [--layers 25] [--channels 1024] [--parts …]

Writes two stores of float16 to a temporary folder (5 GB as above), analyses them by `kser.analyse` with one
worker, and prints minutes and the highest resident memory of the process by part. Utterances are of 200
made-up speakers; layers are mixtures of a voice, an emotion and noise. Probes, which take longest, read the
emotion from the layers of the first store, without a control.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from kser.representations.analysing.settings import PARTS, AnalysisSettings, Part
from kser.representations.analysing.study import analyse
from kser.representations.embedding.store import StoreDraft, made_from

SPEAKERS, EMOTIONS = 200, 6
ROWS_AT_ONCE = 5000


def write_store(folder: Path, table: pd.DataFrame, n_layers: int, channels: int, updates: int) -> None:
    """A checkpoint of a made-up run."""
    rng = np.random.default_rng(updates)
    layers = list(range(n_layers))
    facts: dict[str, Any] = {
        **{
            "model": "made-up",
            "layers": layers,
            "pool": "mean",
            "dtype": "float16",
            "num_layers": n_layers - 1,
        },
        "run": {"experiment": "made-up", "model": "m", "seed": 0, "training": {"updates": updates}},
    }
    facts["made_from"] = made_from(f"{updates}", layers, "mean", "float16", table)
    draft = StoreDraft(folder, facts, table, dict.fromkeys(layers, channels))
    voices = rng.normal(size=(SPEAKERS, channels)).astype(np.float32)
    emotions = rng.normal(size=(EMOTIONS, channels)).astype(np.float32)
    for start in range(0, len(table), ROWS_AT_ONCE):
        rows = table.iloc[start : start + ROWS_AT_ONCE]
        common = voices[rows["actor"].astype(int)] + emotions[rows["class_id"].astype(int)]
        noise = rng.normal(size=(n_layers, *common.shape)).astype(np.float32)
        draft.add({layer: common * layer / n_layers + noise[layer] for layer in layers}, {}, len(rows))
    draft.finish()


def metadata(folder: Path, n: int) -> pd.DataFrame:
    """Utterances of files that are not there: nothing reads them."""
    places = np.arange(n)
    paths = [str(folder / f"{place}.wav") for place in places]
    speakers, emotions = (places % count for count in (SPEAKERS, EMOTIONS))
    return pd.DataFrame(
        {"path": paths, "utterance": paths, "actor": speakers.astype(str), "class_id": emotions.astype(str)}
    )


def write_features(folder: Path, table: pd.DataFrame) -> None:
    """88 columns, as eGeMAPS has them, in one group."""
    columns = [f"f{number}" for number in range(88)]
    values = np.random.default_rng(0).normal(size=(len(table), 88)).astype(np.float32)
    folder.mkdir()
    pd.concat([table, pd.DataFrame(values, columns=columns)], axis=1).to_csv(
        folder / "features.csv", index=False
    )
    facts = {"set": "made-up", "groups": {"all": columns}, "made_from": "nothing"}
    (folder / "features.json").write_text(json.dumps(facts))


def main() -> None:
    """Write the stores, then measure each part in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--utterances", type=int, default=50_000)
    parser.add_argument("--layers", type=int, default=25)
    parser.add_argument("--channels", type=int, default=1024)
    parser.add_argument("--parts", nargs="+", default=PARTS, choices=PARTS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.folder:
        measure(arguments.folder, arguments.parts)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        table = metadata(folder, arguments.utterances)
        for updates in (0, 50):
            write_store(
                folder / "states" / str(updates), table, arguments.layers, arguments.channels, updates
            )
        write_features(folder / "features", table)
        size = sum(file.stat().st_size for file in folder.rglob("*.npy"))
        print(f"stores: {size / 1e9:.2f} GB", flush=True)
        print("| part | minutes | highest resident memory, GB |\n| --- | ---: | ---: |", flush=True)
        for part in arguments.parts:
            command = [sys.executable, __file__, "--folder", str(folder), "--parts", part]
            subprocess.run(command, check=True)


def measure(folder: Path, parts: list[Part]) -> None:
    """Analyse, and print a row."""
    begun = time.monotonic()
    (part,) = parts
    stores, features = folder / "states", [folder / "features"]
    settings = AnalysisSettings(parts=(part,), permutations=0)
    if part == "probes":
        stores, features = stores / "0", []
        settings = replace(settings, classes=("class_id",), control_draws=0)
    analyse([stores], folder / f"of_{part}", settings, features=features, workers=1)
    print(f"| {part} | {(time.monotonic() - begun) / 60:.1f} | {highest_memory():.2f} |", flush=True)


def highest_memory() -> float:
    """Of this process so far, resident, in GB; that of `getrusage` begins with the parent's."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    (peak,) = (line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(peak) * 1024 / 1e9


if __name__ == "__main__":
    main()
