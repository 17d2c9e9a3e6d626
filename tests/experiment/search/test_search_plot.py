"""The figure of a search."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from kser.experiment.config.search_space import Choice, Range, SearchSpace
from kser.experiment.search.plot import plot_search
from kser.experiment.search.trials import Trial, best_trial
from kser.training.objectives import ValidationMetric

SPACE = SearchSpace(
    (
        Range("learning_rate", 5e-5, 1e-3, "log", whole=False),
        Choice("pooling_mode", ("mean", "att_stats", "max")),
        Choice("lora_rank", (1, 2, 4), "log", is_grid=True),
        Choice("warmup_ratio", (0.1,), is_grid=True),
    )
)


@pytest.fixture
def axes(tmp_path, monkeypatch):
    """The panels of the figure that is written for five trials, of which one failed."""
    figures, save = [], Figure.savefig

    def saved(figure, *arguments, **further):
        figures.append(figure)
        save(figure, *arguments, **further)

    monkeypatch.setattr(Figure, "savefig", saved)
    rates, modes, ranks = (
        (1e-4, 2e-4, 5e-5, 1e-3, 3e-4),
        ("mean", "max", "max", "att_stats", "mean"),
        (1, 2, 4, 1, 1),
    )
    trials = [
        Trial(
            number,
            {"learning_rate": rate, "pooling_mode": mode, "lora_rank": rank, "warmup_ratio": 0.1},
            3,
            "failed" if number == 2 else "completed",
            None if number == 2 else number / 10,
        )
        for number, (rate, mode, rank) in enumerate(zip(rates, modes, ranks, strict=True), start=1)
    ]
    metric = ValidationMetric("loss", "crossentropy", higher_is_better=False)
    best = best_trial(trials, metric.higher_is_better)
    assert best is not None
    plot_search(tmp_path / "search.png", trials, best, SPACE, metric, "model, seed 0")
    assert (tmp_path / "search.png").stat().st_size > 10_000
    return [panel for panel in figures[0].axes if panel.get_visible()]


def points(panel) -> list[np.ndarray]:
    """Completed trials, the best one, failed ones."""
    return [points.get_offsets() for points in panel.collections]


def test_every_trial_is_in_every_panel(axes):
    assert [panel.get_xlabel() for panel in axes] == ["trial", *SPACE.fields]
    for panel in axes:
        assert [len(drawn) for drawn in points(panel)] == [3, 1, 1]
    completed, best, failed = points(axes[0])
    np.testing.assert_allclose(completed, [[3, 0.3], [4, 0.4], [5, 0.5]])
    np.testing.assert_allclose(best, [[1, 0.1]])
    assert failed[0, 0] == 2


def test_axes_are_as_values_are_drawn(axes):
    rates, modes, ranks, ratio = axes[1:]
    assert [panel.get_xscale() for panel in axes[1:]] == ["log", "linear", "log", "linear"]
    assert points(rates)[2][0, 0] == 2e-4
    assert [label.get_text() for label in modes.get_xticklabels()] == ["mean", "att_stats", "max"]
    assert points(modes)[0][:, 0].tolist() == [2, 1, 0]
    assert [label.get_text() for label in ranks.get_xticklabels()] == ["1", "2", "4"]
    assert ratio.get_xlim()[0] < 0.1 < ratio.get_xlim()[1]
