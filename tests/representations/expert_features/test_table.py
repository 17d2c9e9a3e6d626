"""The folders of `kser features`, as they are read."""

import json

import numpy as np
import pytest

from kser.errors import UserError
from kser.representations.expert_features.table import FeatureTable

GROUPS = {"pitch": ["pitch_mean", "pitch_sd"], "energy": ["loudness_mean"]}
ROWS = "/a.wav,a.wav,007,NA,'=1+1,1.5,,3\n/b.wav,b.wav,1,joy,x,0.1,2,4e-3\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "features.json").write_text(json.dumps({"set": "functionals", "groups": GROUPS}))
    header = "path,utterance,actor,class_id,note,pitch_mean,pitch_sd,loudness_mean\n"
    (tmp_path / "features.csv").write_text(header + ROWS)
    return tmp_path


def test_metadata_are_text_and_features_numbers(folder):
    features = FeatureTable.at(folder)
    assert features.groups == GROUPS
    assert features.columns == ["pitch_mean", "pitch_sd", "loudness_mean"]
    assert features.table["class_id"].tolist() == ["NA", "joy"]
    assert features.table["actor"].tolist() == ["007", "1"]
    assert features.table["note"].tolist() == ["=1+1", "x"]
    assert features.passed_over.empty
    np.testing.assert_array_equal(features.arrays()["pitch"], [[1.5, np.nan], [0.1, 2]])
    assert all(array.dtype == np.float64 for array in features.arrays().values())


def test_rows_in_the_order_of_other_tables(folder):
    features = FeatureTable.at(folder)
    rows = features.rows_of(["/b.wav", "/c.wav", "/a.wav"])
    np.testing.assert_array_equal(rows, [1, -1, 0])
    np.testing.assert_array_equal(features.arrays(rows[rows >= 0])["energy"], [[4e-3], [3]])


def test_what_is_no_such_folder(folder, tmp_path):
    with pytest.raises(UserError, match=r"other: holds no expert features \(no features\.json\)"):
        FeatureTable.at(tmp_path / "other")
    (folder / "features.csv").write_text("path,utterance,pitch_mean,pitch_sd\n/a.wav,a.wav,1,2\n")
    with pytest.raises(UserError, match=r"lacks the column loudness_mean, which features\.json names"):
        FeatureTable.at(folder).table  # noqa: B018
    (folder / "features.csv").write_text("path,utterance,pitch_mean\n/a.wav,a.wav,high\n")
    with pytest.raises(UserError, match=r"features\.csv: cannot be read: .*high"):
        FeatureTable.at(folder).table  # noqa: B018
    (folder / "features.json").write_text("[]")
    with pytest.raises(UserError, match=r"features\.json: not as kser features writes it"):
        FeatureTable.at(folder)
