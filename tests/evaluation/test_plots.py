"""The figure is written whole, shows every label and cell, and cuts nothing off."""

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib import image as matplotlib_image
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from kser.evaluation.averaging import average_confusions
from kser.evaluation.metrics import confusion_matrix
from kser.evaluation.plots import (
    distinct_file_names,
    plot_averaged_confusion_matrix,
    plot_confusion_matrix,
)

LONG_NAMES = [f"emotion number {i:02d}, not further specified" for i in range(12)]


@pytest.fixture
def drawn(monkeypatch):
    """The figures that were saved, in order."""
    figures = []
    save = Figure.savefig

    def savefig(self, *args, **kwargs):
        figures.append(self)
        return save(self, *args, **kwargs)

    monkeypatch.setattr(Figure, "savefig", savefig)
    return figures


def matrix_of(size):
    counts = np.arange(size * size).reshape(size, size)
    return pd.DataFrame(counts, index=LONG_NAMES[:size], columns=LONG_NAMES[:size])


@pytest.mark.parametrize("size", [1, 2, 4, 7, 12])
def test_nothing_is_cut_off(tmp_path, size):
    plot_confusion_matrix(matrix_of(size), tmp_path / "matrix.png", title="wavlm-large on EMOVO, seed 3")
    check_border(tmp_path / "matrix.png")


def check_border(path):
    pixels = matplotlib_image.imread(path)[..., :3]
    border = np.concatenate([pixels[:4].reshape(-1, 3), pixels[-4:].reshape(-1, 3)])
    border = np.concatenate([border, pixels[:, :4].reshape(-1, 3), pixels[:, -4:].reshape(-1, 3)])
    assert (border == 1.0).all()
    assert (pixels != 1.0).any()


def test_cells_say_count_and_share_of_the_true_label(tmp_path, drawn):
    matrix = confusion_matrix(y_true=["a", "a", "a"], y_pred=["a", "a", "b"], labels=["a", "b"])
    plot_confusion_matrix(matrix, tmp_path / "matrix.png")
    texts = [text.get_text() for text in drawn[0].axes[0].texts]
    assert texts == ["2", "66.7%", "1", "33.3%", "0", "–", "0", "–"]


def test_text_is_light_on_dark_and_dark_on_light(tmp_path, drawn):
    matrix = confusion_matrix(y_true=["a"], y_pred=["a"], labels=["a", "b"])
    plot_confusion_matrix(matrix, tmp_path / "matrix.png")
    assert [text.get_color() for text in drawn[0].axes[0].texts[::2]] == ["white", "black", "black", "black"]


def test_labels_unknown_to_the_model_have_rows(tmp_path, drawn):
    matrix = confusion_matrix(y_true=["a", "c"], y_pred=["a", "b"], labels=["a", "b"])
    plot_confusion_matrix(matrix, tmp_path / "matrix.png")
    axes = drawn[0].axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b", "c"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["a", "b"]


def test_dollars_are_not_mathematics(tmp_path):
    matrix = pd.DataFrame([[1]], index=["$x_$"], columns=["$x_$"])
    plot_confusion_matrix(matrix, tmp_path / "matrix.png", title="$broken_$")
    assert (tmp_path / "matrix.png").stat().st_size > 0


def test_an_older_figure_survives_a_failure(tmp_path, monkeypatch):
    path = tmp_path / "matrix.png"
    path.write_bytes(b"older")

    def fail(self, draft, **kwargs):
        draft.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(Figure, "savefig", fail)
    with pytest.raises(OSError, match="disk full"):
        plot_confusion_matrix(matrix_of(2), path)
    assert path.read_bytes() == b"older"
    assert list(tmp_path.iterdir()) == [path]


def test_global_state_of_matplotlib_is_left_alone(tmp_path):
    before = dict(matplotlib.rcParams)
    plot_confusion_matrix(matrix_of(3), tmp_path / "matrix.png")
    assert dict(matplotlib.rcParams) == before


def test_averaged_cells_say_mean_share_its_spread_and_mean_count(tmp_path, drawn):
    def matrix(true, pred):
        return confusion_matrix(y_true=true, y_pred=pred, labels=["a", "b", "c"])

    averaged = average_confusions([matrix("aabb", "aaba"), matrix("aabb", "abbb")])
    plot_averaged_confusion_matrix(averaged, tmp_path / "matrix.png", title="wavlm on EMOVO")
    axes = drawn[0].axes[0]
    texts = [text.get_text() for text in axes.texts]
    assert texts[:6] == ["75.0%", "± 35.4", "n = 1.5", "25.0%", "± 35.4", "n = 0.5"]
    assert texts[-6:] == ["–", "", "n = 0.0", "–", "", "n = 0.0"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a (n = 2)", "b (n = 2)", "c (n = 0)"]
    assert axes.get_title() == "wavlm on EMOVO: mean ± SD over 2 runs"
    check_border(tmp_path / "matrix.png")


def test_text_stays_in_its_cell(tmp_path, drawn):
    averaged = average_confusions([matrix_of(2) * 1_000_000, matrix_of(2)])
    plot_averaged_confusion_matrix(averaged, tmp_path / "averaged.png")
    plot_confusion_matrix(matrix_of(2) * 1_000_000, tmp_path / "matrix.png")
    for figure in drawn:
        axes, renderer = figure.axes[0], FigureCanvasAgg(figure).get_renderer()
        for text in axes.texts:
            box = text.get_window_extent(renderer)
            box = box.transformed(axes.transData.inverted())
            assert abs(box.x1 - box.x0) < 1


def test_the_lines_of_a_cell_do_not_touch(tmp_path, drawn):
    averaged = average_confusions([matrix_of(2) + 1, matrix_of(2) + 7])
    plot_averaged_confusion_matrix(averaged, tmp_path / "matrix.png")
    axes, renderer = drawn[0].axes[0], FigureCanvasAgg(drawn[0]).get_renderer()
    boxes = [text.get_window_extent(renderer).transformed(axes.transData.inverted()) for text in axes.texts]
    for place, cell in enumerate(np.array_split(np.array(boxes, dtype=object), 4)):
        row = place // 2
        first, second, third = ((box[1][1], box[0][1]) for box in cell)  # top and bottom; rows count down
        assert row - 0.5 < first[0] < first[1] < second[0] < second[1] < third[0] < third[1] < row + 0.5


def test_groups_never_overwrite_each_other(tmp_path):
    groups = ["female", "Female", "a/b", "a_b", "a_b_2"]
    names = distinct_file_names(groups)
    assert names == {
        "female": "female",
        "Female": "Female_2",
        "a/b": "a_b",
        "a_b": "a_b_2",
        "a_b_2": "a_b_2_2",
    }
