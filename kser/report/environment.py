"""What made the results, and what made the page."""

import importlib.metadata
import os
import platform
from collections import Counter
from datetime import datetime

import kser
from kser.report.markup import Html, join, paragraph
from kser.report.study_folder import Study
from kser.report.tables import table
from kser.words import counted

_LIBRARIES = {
    "NumPy": "numpy",
    "Keras": "keras",
    "JAX": "jax",
    "TensorFlow": "tensorflow",
    "PyTorch": "torch",
}
_RECORDED = {"kser_version": "kser", "keras_version": "Keras", "backend": "backend"}


def environment_section(study: Study, made_at: datetime) -> Html:
    """The versions that the runs recorded, and the machine that made the page."""
    made = Counter(
        tuple(str(run.provenance.get(name, "unknown")) for name in _RECORDED)
        for run in study.runs
        if run.provenance
    )
    rows = [[*versions, counted(runs, "run")] for versions, runs in sorted(made.items())]
    of_runs = (
        table("What the runs were trained with", [*_RECORDED.values(), "runs"], rows, text_columns=3)
        if rows
        else paragraph("No run is finished, so the versions that trained them are not recorded.")
    )
    machine = [
        ["kser", kser.__version__],
        *([name, installed_version(package)] for name, package in _LIBRARIES.items()),
        ["Python", platform.python_version()],
        ["system", f"{platform.system()} {platform.release()}, {platform.machine()}"],
        ["processor cores", str(os.cpu_count())],
        ["time", made_at.isoformat(sep=" ", timespec="minutes")],
        ["results", str(study.folder)],
    ]
    return join(
        [
            of_runs,
            paragraph("Runs record only these versions.", class_="note") if rows else "",
            table(
                "Where this page was made: not necessarily where the runs were trained",
                ["what", "here"],
                machine,
                text_columns=2,
            ),
        ]
    )


def installed_version(package: str) -> str:
    """The version of a package, without importing it."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
