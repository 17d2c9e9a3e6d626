"""What an evaluation of classes writes: tables and figures of all utterances and of each group."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from scipy.special import softmax

from kser.experiment.tasks.class_evaluation import CONFUSION_FILE, ClassEvaluation, matrices_of_groups
from kser.experiment.tasks.evaluation import Predictions, Truth

LABELS = ["anger", "sadness"]


@pytest.fixture
def titles(monkeypatch):
    """Titles of the figures that were saved, by file."""
    found = {}
    save = Figure.savefig

    def savefig(self, path, **arguments):
        found[path.name] = self.axes[0].get_title()
        return save(self, path, **arguments)

    monkeypatch.setattr(Figure, "savefig", savefig)
    return found


@pytest.fixture
def written(tmp_path, titles):
    """The folder of an evaluation with groups by gender and by style, and its report."""
    table = pd.DataFrame(
        {
            "class_id": LABELS * 8,
            "actor": np.repeat(["1", "2", "3", "4"], 4),
            "gender": np.repeat(["female", "male"], 8),
            "style": ["read/aloud", "acted"] * 8,
        }
    )
    logits = np.where(np.arange(16)[:, None] % 3 == 0, [[2.0, 0.0]], [[0.0, 2.0]])
    predictions = Predictions(table, {"logits": softmax(logits, axis=1)}, ["style"], "wavlm on EMOVO", {})
    result = ClassEvaluation().evaluate(Truth(table[["class_id"]]), predictions, "logits", LABELS)
    result.write(tmp_path)
    return tmp_path, result.measures


def test_each_group_has_its_matrix_under_the_name_of_the_original(written, titles):
    folder, report = written
    names = matrices_of_groups(report)
    assert names["gender", "female"] == "female_confusion_matrix"
    assert names["style", "read/aloud"] == "style_read_aloud_confusion_matrix"
    assert len(names) == 4
    for name in names.values():
        assert {f"{name}.csv", f"{name}.png", f"{name}_shares.csv"} <= {
            path.name for path in folder.iterdir()
        }
    by_name = {name.lstrip("."): title for name, title in titles.items()}
    drawn = {name: next(t for f, t in by_name.items() if f.startswith(name)) for name in names.values()}
    assert drawn["female_confusion_matrix"] == "wavlm on EMOVO, female"
    assert drawn["style_read_aloud_confusion_matrix"] == "wavlm on EMOVO, style: read/aloud"


def test_the_matrices_of_the_groups_of_a_column_add_up(written):
    folder, report = written
    names = matrices_of_groups(report)
    whole = pd.read_csv(folder / CONFUSION_FILE, index_col=0)
    for column in ("gender", "style"):
        parts = [pd.read_csv(folder / f"{names[key]}.csv", index_col=0) for key in names if key[0] == column]
        pd.testing.assert_frame_equal(sum(parts), whole)
