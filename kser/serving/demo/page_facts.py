"""What the page knows of its model: what it answers, what it learned from, and what it takes."""

import math
from collections.abc import Mapping
from typing import Any, Literal

from kser.corpora.recipes import RECIPES
from kser.evaluation.multi_label import THRESHOLD
from kser.serving.demo.page_files import MADE_BY

Engine = Literal["server", "browser"]

LONGEST_S = 60.0
"""What the page takes of a recording at most."""
# What the answers of an output are, by what the graph does to it.
_KINDS = {"softmax": "class", "sigmoid": "labels", None: "numbers"}


def page_facts(
    exported: Mapping[str, Any],
    engine: Engine,
    *,
    threshold: float | None,
    models: int = 1,
    longest_s: float = math.inf,
) -> dict[str, Any]:
    """The facts of a page's model, ready for JSON.

    Args:
        exported: what `kser.serving.export.exporting.export_facts` gives of the model, or the first one.
        engine: who computes.
        threshold: the probability below which the model is not sure; `None` where it is not known.
        models: of how many the mean is taken.
        longest_s: what is taken of a recording at most, in seconds; the page and the model may take less.
    """
    rate, recordings = exported["sampling_rate"], exported["recordings"]
    shortest = round((recordings["min_seconds"] or 0) * rate)
    longest = [round(min(longest_s, LONGEST_S) * rate), exported["maximum_samples"]]
    if recordings["too_long"] in (None, "crop") and recordings["max_seconds"] is not None:
        longest.append(round(recordings["max_seconds"] * rate))
    return {
        "made_by": MADE_BY,
        "engine": engine,
        "kser_version": exported["kser_version"],
        "model": exported["model"],
        "models": models,
        "trained_on": _corpus(exported["trained_on"]),
        "answers": [
            {"kind": _KINDS[exported["activations"].get(output)], "names": names}
            for output, names in exported["outputs"].items()
        ],
        "threshold": threshold,
        "label_threshold": THRESHOLD,
        "sampling_rate": rate,
        "minimum_samples": max(exported["minimum_samples"], shortest),
        "maximum_samples": min(limit for limit in longest if limit is not None),
        "padding_counts_as_sound": exported["padding_counts_as_sound"],
    }


def own_threshold(exported: Mapping[str, Any]) -> float | None:
    """The probability below which a model is not sure, by its calibration; `None` where it has none."""
    found = [
        exported["calibration"].get(output, {}).get("threshold")
        for output, activation in exported["activations"].items()
        if activation == "softmax"
    ]
    return found[0] if found else None


def _corpus(name: str) -> dict[str, str]:
    """A data set by its name, with title and language where it is a corpus that kser knows."""
    for recipe in RECIPES.values():
        if name.lower() in (recipe.name, recipe.short_title.lower()):
            return {"name": name, "title": recipe.title, "language": recipe.language}
    return {"name": name}
