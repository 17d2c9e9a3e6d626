"""What a study leaves on disk, for comparison with what another way of doing it leaves."""

import re
from pathlib import Path

import h5py
import pandas as pd

from kser.experiment.executors.shared_places import MARK_FILE


def results(experiment: Path) -> dict[str, object]:
    """What a study leaves, by the names of the files: all but times."""
    folder = experiment.parent
    inside = [path for part in ("runs", "results") for path in (folder / part).rglob("*")]
    files = [path for path in inside if path.is_file() and path.name != MARK_FILE]
    # Evaluation CSVs have the time for a name.
    return {
        re.sub(r"\d{10}", "TIME", str(path.relative_to(folder))): contents(path, folder) for path in files
    }


def contents(path: Path, folder: Path) -> object:
    """What a file holds, but for times and for where it is."""
    if path.suffix == ".h5":
        arrays: dict[str, object] = {}
        with h5py.File(path) as file:
            file.visititems(
                lambda name, dataset: (
                    arrays.update({name: (dataset.dtype.str, dataset.shape, dataset[()].tobytes())})
                    if isinstance(dataset, h5py.Dataset)
                    else None
                )
            )
        assert arrays
        return arrays
    if path.name == "log.csv":
        return pd.read_csv(path, dtype=str).drop(columns="seconds").to_csv()
    if path.suffix in (".json", ".csv", ".md"):
        text = path.read_text().replace(str(folder), "FOLDER")
        if path.parent.name == "evaluation_csv":  # its rows stand in the order in which runs end
            return sorted(text.splitlines())
        # The fingerprint follows from a file with seconds.
        return re.sub(r'"(seconds|date_saved|evaluation_fingerprint)": [^,}\n]+', r"\1", text)
    return path.read_bytes()


def assert_equal(experiment: Path, expected: dict[str, object]) -> None:
    """A study has left what is expected, see `results`."""
    found = results(experiment)
    assert found.keys() == expected.keys()
    assert [name for name in found if found[name] != expected[name]] == []
