"""Figures of numbers and labels: everything is shown, nothing is cut off, one picture for many utterances."""

import numpy as np
import pytest
from matplotlib import image as matplotlib_image
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PathCollection, PolyCollection
from matplotlib.figure import Figure

from kser.evaluation.multi_label_plots import draw_label_measures, plot_label_measures
from kser.evaluation.regression_plots import MOST_POINTS, draw_agreement, plot_agreement

LONG = "a name, $not further$ specified, of a label"


def check_border(path):
    pixels = matplotlib_image.imread(path)[..., :3]
    border = np.concatenate([pixels[:4].reshape(-1, 3), pixels[-4:].reshape(-1, 3)])
    border = np.concatenate([border, pixels[:, :4].reshape(-1, 3), pixels[:, -4:].reshape(-1, 3)])
    assert (border == 1.0).all()
    assert (pixels != 1.0).any()


def per_label(*labels):
    measures = {"precision": 0.5, "recall": 1.0, "f1": 2 / 3, "auc": 0.75, "support": 12345}
    return [{"label": label, **measures} for label in labels]


def test_nothing_is_cut_off(tmp_path):
    rng = np.random.default_rng(0)
    true = rng.uniform(1, 7, 50)
    plot_agreement(true, true + rng.normal(size=50), LONG, tmp_path / "few.png", "wavlm on MSP, seed 3")
    plot_label_measures(per_label("anger", LONG), tmp_path / "labels.png", "wavlm on MOSEI, seed 3")
    for name in ("few.png", "labels.png"):
        check_border(tmp_path / name)


@pytest.mark.parametrize(("n", "kind"), [(MOST_POINTS, PathCollection), (MOST_POINTS + 1, PolyCollection)])
def test_many_utterances_are_a_density(n, kind):
    rng = np.random.default_rng(0)
    axes = Figure().subplots()
    draw_agreement(axes, rng.normal(size=n), rng.normal(size=n), "arousal")
    assert [type(collection) for collection in axes.collections] == [kind]
    assert axes.get_xlim() == axes.get_ylim()
    (line,) = axes.lines
    assert tuple(line.get_xdata()) == tuple(line.get_ydata()) == axes.get_xlim()
    if kind is PolyCollection:
        assert axes.collections[0].get_array().sum() == n, "no utterance is outside the picture"


def test_missing_values_are_not_drawn_and_constants_are():
    axes = Figure().subplots()
    draw_agreement(axes, [1.0, np.nan, 1.0], [1.0, 50.0, 1.0], "arousal")
    assert len(axes.collections[0].get_offsets()) == 2
    assert axes.get_xlim() == (0.5, 1.5)
    assert axes.texts[0].get_text() == "CCC –, r –, MSE 0, n = 2"


def test_title_and_measures_do_not_lie_on_each_other(tmp_path, monkeypatch):
    figures = []
    save = Figure.savefig
    monkeypatch.setattr(
        Figure, "savefig", lambda self, *args, **kwargs: (figures.append(self), save(self, *args, **kwargs))
    )
    plot_agreement([1.0, 2.0], [1.5, 2.0], "arousal", tmp_path / "a.png", "wavlm-large on MSP, seed 3")
    (axes,) = figures[0].axes
    title, measures = axes.title.get_window_extent(), axes.texts[0].get_window_extent()
    assert title.y0 > measures.y1 > measures.y0 > axes.get_window_extent().y1


def test_measures_that_are_not_defined_have_no_bar():
    figure = Figure()
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    entry = per_label("absent")[0] | {"precision": None, "f1": None, "auc": None}
    draw_label_measures(axes, [*per_label("anger"), entry])
    figure.canvas.draw()
    widths = [[bar.get_width() for bar in bars] for bars in axes.containers]
    np.testing.assert_array_equal(widths, [[0.5, np.nan], [1.0, 1.0], [2 / 3, np.nan]])
    assert [text.get_text() for text in axes.get_yticklabels()] == ["anger (n = 12345)", "absent (n = 12345)"]
    assert {text.get_text() for text in axes.get_legend().get_texts()} == {
        *("precision", "recall", "F1", "AUC (0.5: chance)")
    }
