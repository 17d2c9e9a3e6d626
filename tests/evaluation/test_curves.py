"""Training curves: the mean over seeds, what is drawn, and the command that draws it."""

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib import image as matplotlib_image
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from scipy import stats
from typer.testing import CliRunner

from kser.cli import app
from kser.errors import UserError
from kser.evaluation.curves import (
    draw_training_curves,
    find_metric,
    mean_over_seeds,
    plot_training_curves,
    runs_without,
    show_training_curves,
)
from kser.training.training_log import TrainingLog


def curves_of(models=("wavlm",), seeds=3, steps=6):
    rng = np.random.default_rng(0)
    rows = [
        {"model": model, "seed": str(seed), "step": step * 10, "loss": 2 / (step + 1),
         "val_loss": 2.5 / (step + 1), "val_uar": step / steps + rng.normal(0, 0.02)}
        for model in models for seed in range(seeds) for step in range(steps)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def drawn(curves, **kwargs):
    figure = Figure(layout="constrained")
    draw_training_curves(figure, curves, **kwargs)
    return figure


def test_mean_and_standard_deviation_over_seeds():
    steps = np.array([0.0, 10.0])
    runs = [(steps, np.array([0.0, value])) for value in (1.0, 2.0, 6.0)]
    at, mean, width = mean_over_seeds(runs)
    assert at.tolist() == [0, 10]
    assert mean.tolist() == [0, 3]
    assert width == pytest.approx([0, np.std([1, 2, 6], ddof=1)])
    _, _, width = mean_over_seeds(runs, "ci")
    interval = stats.t.interval(0.95, 2, loc=3, scale=stats.sem([1, 2, 6]))
    assert 3 + width[1] == pytest.approx(interval[1])


def test_two_seeds_have_no_interval():
    runs = [(np.array([0.0, 10.0]), np.array([0.0, value])) for value in (1.0, 2.0)]
    assert np.isnan(mean_over_seeds(runs, "ci")[2]).all()
    assert mean_over_seeds(runs, "sd")[2] == pytest.approx([0, np.std([1, 2], ddof=1)])


def test_other_steps_are_read_off_between_those_of_a_run():
    runs = [
        (np.array([0.0, 10.0]), np.array([0.0, 1.0])),
        (np.array([0.0, 5.0, 10.0]), np.array([0.0, 1.0, 1.0])),
    ]
    steps, mean, _ = mean_over_seeds(runs)
    assert steps.tolist() == [0, 5, 10]
    assert mean.tolist() == [0, 0.75, 1]


def test_the_mean_ends_where_the_first_run_ends():
    runs = [(np.array([0.0, 5.0, end]), np.array([1.0, 2.0, end])) for end in (10.0, 20.0, 40.0)]
    steps, mean, width = mean_over_seeds([*runs, (np.array([5.0, 10.0]), np.array([2.0, 10.0]))])
    assert steps.tolist() == [5, 10]
    assert mean[0] == 2
    assert not np.isnan(width).any()


def unequal_curves():
    """Of wavlm's runs one ends at 30, two at 50; hubert has a run without a value of the metric."""
    curves = curves_of(["wavlm", "hubert"])
    ends_early = (curves["model"] == "wavlm") & (curves["seed"] == "1") & (curves["step"] > 30)
    curves.loc[(curves["model"] == "hubert") & (curves["seed"] == "2"), ["val_uar", "val_loss", "loss"]] = (
        np.nan
    )
    return curves[~ends_early]


def test_runs_that_go_on_where_others_have_ended_are_drawn_one_by_one():
    above, below = drawn(unequal_curves()).axes
    mean, *single, hubert = above.lines
    assert mean.get_xdata().tolist() == [0, 10, 20, 30]
    lines, ends = single[::2], single[1::2]
    assert [line.get_xdata().tolist() for line in lines] == [[30, 40, 50]] * 2
    assert all(line.get_color() == mean.get_color() for line in single)
    assert all(line.get_linewidth() < mean.get_linewidth() for line in lines)
    assert [line.get_xdata().tolist() for line in ends] == [[50]] * 2
    assert hubert.get_xdata().tolist() == [0, 10, 20, 30, 40, 50]
    assert above.get_title(loc="left").endswith("thin lines: single runs, where others have ended")
    assert len(below.lines) == 4 + 2 * 4


def test_the_legend_says_how_many_runs_end_where():
    [legend] = drawn(unequal_curves()).legends
    texts = [text.get_text() for text in legend.get_texts()]
    assert texts[:2] == ["wavlm (3 seeds; 1 ends at 30, 2 at 50)", "hubert (2 seeds)"]
    many = curves_of(seeds=9, steps=20)
    many = many[many["step"] <= 60 + 10 * many["seed"].astype(int)]
    [legend] = drawn(many).legends
    assert (
        legend.get_texts()[0].get_text() == "wavlm (9 seeds; the first ends at 60, half by 100, all by 140)"
    )


def test_the_legend_names_what_is_drawn_only():
    curves = curves_of(["wavlm", "hubert"]).drop(columns=["loss", "val_loss"])
    curves.loc[curves["model"] == "hubert", "val_uar"] = np.nan
    [legend] = drawn(curves).legends
    assert [text.get_text() for text in legend.get_texts()] == ["wavlm (3 seeds)"]


def test_the_band_is_named_where_there_is_one_only():
    (above, _) = drawn(curves_of(seeds=2), band="ci").axes
    assert not above.collections
    assert above.get_title(loc="left") == "mean over seeds"


def test_one_seed_is_itself_without_a_band():
    steps, mean, width = mean_over_seeds([(np.array([0.0, 5.0]), np.array([1.0, 2.0]))])
    assert (steps.tolist(), mean.tolist()) == ([0, 5], [1, 2])
    assert np.isnan(width).all()


def test_validation_is_drawn_through_and_training_dashed():
    above, below = drawn(curves_of(["wavlm", "hubert"])).axes
    assert [line.get_linestyle() for line in above.lines] == ["-", "-"]
    assert [line.get_linestyle() for line in below.lines] == ["-", "--", "-", "--"]
    assert len({line.get_color() for line in above.lines}) == 2
    assert len(above.collections) == 2  # the bands
    assert above.get_ylabel() == "Validation UAR"
    assert below.get_ylabel() == "Loss"
    assert "updates" in below.get_xlabel()
    assert above.get_title(loc="left") == "mean over seeds, band: ± 1 SD"


def test_the_line_is_the_mean_of_the_runs():
    curves = curves_of(seeds=1)
    line = drawn(curves).axes[0].lines[0]
    assert line.get_ydata().tolist() == curves["val_uar"].tolist()
    assert drawn(curves).axes[0].get_title(loc="left") == ""


def test_legend_names_models_and_their_seeds_and_covers_no_data():
    curves = pd.concat([curves_of(["wavlm"]), curves_of(["$hubert_$"], seeds=1)])
    figure = drawn(curves, title="$study_$")
    FigureCanvasAgg(figure).draw()
    [legend] = figure.legends
    texts = [text.get_text() for text in legend.get_texts()]
    assert texts == ["wavlm (3 seeds)", "$hubert_$ (1 seed)", "validation", "training"]
    assert all(legend.get_window_extent().y1 <= axes.get_window_extent().y0 for axes in figure.axes)


def test_many_models_look_different():
    lines = drawn(curves_of([f"model {i}" for i in range(20)], seeds=1)).axes[0].lines
    assert len({(line.get_color(), line.get_marker()) for line in lines}) == 20


def test_logs_without_losses_or_with_one_kind():
    curves = curves_of()
    assert len(drawn(curves.drop(columns=["loss", "val_loss"])).axes) == 1
    assert drawn(curves.drop(columns=["val_loss"])).axes[1].get_ylabel() == "Training loss"
    assert [axes.get_ylabel() for axes in drawn(curves, metric="val_loss").axes] == ["Loss"]


def test_a_single_value_is_visible():
    curves = curves_of(seeds=1, steps=1)
    assert drawn(curves).axes[0].lines[0].get_marker() == "o"


def test_metrics_are_found_under_all_their_names():
    curves = curves_of().assign(seconds=1.0, empty=np.nan)
    for name in (None, "val_uar", "uar", "eval_uar", "eval/uar"):
        assert find_metric(curves, name) == "val_uar"
    assert find_metric(curves, "seconds") == "seconds"
    assert find_metric(curves.drop(columns=["val_uar"]).assign(val_accuracy=0.5)) == "val_accuracy"
    for missing in ("f0", "empty"):
        with pytest.raises(
            UserError, match=r"no run has it; the curves are: loss, val_loss, val_uar, seconds$"
        ):
            find_metric(curves, missing)


def test_runs_without_the_metric_are_told_and_the_others_drawn():
    curves = curves_of(["wavlm", "hubert"])
    curves.loc[(curves["model"] == "hubert") | (curves["seed"] == "1"), "val_uar"] = np.nan
    assert runs_without(curves, "val_uar") == [
        "wavlm, seed 1",
        "hubert, seed 0",
        "hubert, seed 1",
        "hubert, seed 2",
    ]
    assert len(drawn(curves).axes[0].lines) == 1


@pytest.mark.parametrize(("ending", "begins"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("PDF", b"%PDF")])
def test_files_of_each_format(tmp_path, ending, begins):
    path = tmp_path / "new" / f"curves.{ending}"
    plot_training_curves(curves_of(["a model with quite a long name"] * 2), path, title="a study")
    assert path.read_bytes().startswith(begins)
    if ending == "png":
        pixels = matplotlib_image.imread(path)[..., :3]
        for edge in (pixels[:3], pixels[-3:], pixels[:, :3], pixels[:, -3:]):
            assert (edge == 1.0).all()


def test_other_formats_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"curves\.gif: the file's ending must be one of \.png, \.svg, \.pdf"):
        plot_training_curves(curves_of(), tmp_path / "curves.gif")


def test_a_window_needs_a_display(monkeypatch):
    from matplotlib import pyplot

    pyplot.switch_backend("agg")
    with pytest.raises(UserError, match="no window can be opened here"):
        show_training_curves(curves_of())
    shown = []
    monkeypatch.setattr(matplotlib, "get_backend", lambda: "qtagg")
    monkeypatch.setattr(pyplot, "show", lambda: shown.append(pyplot.get_fignums()))
    show_training_curves(curves_of())
    assert [len(figures) for figures in shown] == [1]
    pyplot.close("all")


@pytest.fixture
def study(tmp_path):
    for model in ("wavlm", "hubert"):
        for seed in (0, 1):
            folder = tmp_path / "runs" / "study" / model / f"seed_{seed}"
            folder.mkdir(parents=True)
            log = TrainingLog(folder / "log.csv")
            for step in range(0, 50, 10):
                log.add({"step": step, "loss": 1.0, "val_loss": 1.0, "val_uar": step / 50 + seed / 10})
    return tmp_path / "runs" / "study"


def run(*arguments):
    return CliRunner().invoke(app, ["graph", *map(str, arguments)])


def test_the_command_draws_beside_the_logs(study):
    ended = run("--input-path", study)
    assert ended.exit_code == 0, ended.output
    assert "models: 2, runs: 4" in ended.output.replace("\n", " ")
    assert (study / "training_curves.png").read_bytes()[:4] == b"\x89PNG"


def test_the_command_takes_dashes_and_other_outputs(study, tmp_path):
    ended = run(
        "--input-path", study, "--output-path", tmp_path / "out.svg", "--metric", "eval/uar", "--band", "ci"
    )
    assert ended.exit_code == 0, ended.output
    assert (tmp_path / "out.svg").is_file()
    assert not (study / "training_curves.png").exists()


def test_the_command_tells_what_it_left_out(study):
    with (study / "wavlm" / "seed_0" / "log.csv").open("a") as file:
        file.write("60,1")
    (study / "hubert" / "seed_1" / "log.csv").write_text("step,loss\n0,1\n")
    output = run("--input-path", study).output
    assert "half written: line 7" in output
    assert "hubert, seed 1: has no val_uar" in output


def test_the_command_names_mistakes(study, tmp_path):
    assert isinstance(run("--input-path", tmp_path / "nowhere").exception, UserError)
    assert "no run has it" in str(run("--input-path", study, "--metric", "ccc").exception)
