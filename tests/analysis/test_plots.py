"""Figures show the numbers of their tables."""

import io

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from kser.analysis.plots import draw_heat_map, draw_points, probe_curve
from kser.evaluation.layer_plots import draw_layer_bands
from tests.analysis.made_up import random_vectors


def drawn(figure):
    """Whether it can be written."""
    figure.savefig(written := io.BytesIO(), format="svg")
    return written.getvalue().startswith(b"<?xml")


def test_a_small_heat_map_has_its_numbers_and_names():
    figure = Figure(layout="constrained")
    axes = figure.subplots()
    table = pd.DataFrame([[0.0, 0.5], [1.0, np.nan]], index=[0, 12], columns=["pitch $x", "voice"])
    draw_heat_map(axes, table, "CKA", rows="Layer", columns="Features", limits=(0, 1))
    assert [(text.get_text(), text.get_color()) for text in axes.texts] == [
        ("0.00", "white"),
        ("0.50", "white"),
        ("1.00", "black"),
    ]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["pitch $x", "voice"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["0", "12"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("Features", "Layer")
    assert drawn(figure)


def test_a_large_heat_map_has_colours_only():
    figure = Figure(layout="constrained")
    axes = figure.subplots()
    table = pd.DataFrame(random_vectors(25, 12), columns=[f"feature group {i}" for i in range(12)])
    draw_heat_map(axes, table, "CKA", rows="Layer", columns="Features")
    assert not axes.texts
    assert axes.images[0].get_clim() == (table.min(axis=None), table.max(axis=None))
    assert drawn(figure)


def test_curves_of_one_seed_have_the_band_of_speakers_and_of_several_that_of_seeds():
    table = pd.DataFrame(
        {"layer": [1, 0], "seed": 0, "score": [0.5, 0.4], "low": [0.45, 0.3], "high": [0.6, 0.5]}
    )
    curve = probe_curve(table)
    assert [values.tolist() for values in curve] == [[0, 1], [0.4, 0.5], [0.3, 0.45], [0.5, 0.6]]
    assert np.isnan(probe_curve(table.drop(columns=["low", "high"])).low).all()
    several = probe_curve(pd.concat([table, table.assign(seed=1, score=[0.7, 0.4])]))
    assert several.values == pytest.approx([0.4, 0.6])
    assert several.low[0] == several.high[0] == pytest.approx(0.4)
    assert several.low[1] < 0.5
    assert several.high[1] > 0.7


def test_curves_are_drawn_with_and_without_bands():
    figure = Figure()
    axes = figure.subplots()
    table = pd.DataFrame(
        {"layer": [0, 1], "seed": 0, "score": [0.5, 0.4], "low": [0.4, 0.3], "high": [0.6, 0.5]}
    )
    curves = {"emotion": probe_curve(table), "speaker": probe_curve(table.drop(columns=["low", "high"]))}
    draw_layer_bands(axes, curves, "UAR", [0.25])
    assert [line.get_label() for line in axes.lines[:2]] == ["emotion", "speaker"]
    assert drawn(figure)


def test_every_label_of_a_map_has_its_own_mark():
    figure = Figure()
    axes = figure.subplots()
    points, labels = random_vectors(60, 2), np.arange(60) % 15
    draw_points(axes, points, labels)
    assert sum(len(dots.get_offsets()) for dots in axes.collections) == 60
    marks = {
        (tuple(dots.get_facecolor()[0]), dots.get_paths()[0].vertices.tobytes()) for dots in axes.collections
    }
    assert len(marks) == 15
    assert drawn(figure)
