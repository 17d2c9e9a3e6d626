"""Examples to listen to: what training hears, said in an index, and nothing else is touched."""

import io

import matplotlib
import numpy as np
import pandas as pd
import pytest
import soundfile
from matplotlib import image as matplotlib_image
from rich.console import Console

from kser.cli.augment import augment
from kser.errors import UserError
from kser.experiment.augmentation_examples.spectrogram_figure import draw_spectrogram
from kser.experiment.augmentation_examples.writing import INDEX_FILE, write_examples
from kser.experiment.config.loading import load_experiment
from kser.experiment.runs.augmenting import augmentation_plan
from kser.experiment.runs.planning import plan_runs
from kser.experiment.runs.run_data import load_run_data
from tests.experiment.conftest import write_experiment

RATE = 16_000
NOISE = {"module": "audiomentations", "class": "AddGaussianSNR", "min_snr_db": 5, "p": 1.0}
SLOWER = {
    "module": "audiomentations",
    "class": "TimeStretch",
    "max_rate": 0.9,
    "leave_length_unchanged": False,
    "p": 1.0,
}
NEVER = {"module": "audiomentations", "class": "Gain", "p": 0.0}


@pytest.fixture
def experiment_file(tmp_path, small_corpus):
    def experiment_file(augmentations, **fields):
        return write_experiment(
            tmp_path, small_corpus, models=["log_mel"], augmentations=augmentations, **fields
        )

    return experiment_file


def examples(path, folder, n=1):
    write_examples(load_experiment(path), n, folder, Console(file=io.StringIO()))
    return pd.read_csv(folder / INDEX_FILE, dtype={"actor": str})


class TestPlan:
    def test_of_an_experiment(self, experiment_file):
        path = experiment_file(
            {"slower": SLOWER, "noise": NOISE}, augmentation_mode="one_of", augmentation_draws="frozen"
        )
        plan = augmentation_plan(load_experiment(path), seed=4)
        assert (plan.mode, plan.draws, plan.seed) == ("one_of", "frozen", 4)
        assert [augmenter.spec.name for augmenter in plan.augmenters] == ["slower", "noise"]
        assert plan.augmenters[1].spec.arguments == {"min_snr_db": 5, "p": 1.0}

    def test_of_an_experiment_without_augmentations(self, experiment_file):
        assert augmentation_plan(load_experiment(experiment_file({})), seed=0) is None

    def test_every_mistake_is_told_with_the_file(self, experiment_file):
        path = experiment_file(
            {
                "noise": {**NOISE, "min_snr": 5},
                "good": SLOWER,
                "mine": {"module": "mine.py", "class": "Noise"},
            }
        )
        with pytest.raises(UserError) as refused:
            augmentation_plan(load_experiment(path), seed=0)
        assert str(refused.value).splitlines() == [
            f"{path}: augmentations.noise.min_snr: not an argument of AddGaussianSNR; "
            "did you mean min_snr_db?",
            f"{path}: augmentations.mine.module: file not found: {(path.cwd() / 'mine.py')}",
        ]


def test_union_is_heard_as_training_hears_it(experiment_file, tmp_path):
    path = experiment_file({"slower/$x_": SLOWER, "never": NEVER})
    table = examples(path, tmp_path / "out", n=2)
    assert table["augmentation"].tolist() == ["original", "slower/$x_", "never"] * 2
    assert table["changed"].tolist() == [False, True, False] * 2
    run = plan_runs(load_experiment(path))[0]
    training = load_run_data(run).rows("train")["path"].tolist()
    plan = augmentation_plan(run.experiment, run.seed)
    assert table["path"].nunique() == 2
    for _, of_one in table.groupby("path"):
        waveforms = [soundfile.read(tmp_path / "out" / wav, dtype="float32") for wav in of_one["wav"]]
        assert {rate for _, rate in waveforms} == {RATE}
        original, place = waveforms[0][0], training.index(of_one["path"].iloc[0])
        for copy, (waveform, _) in enumerate(waveforms):
            expected = plan.augmented(original, RATE, utterance=place, copy=copy, epoch=0)
            np.testing.assert_array_equal(waveform, expected)
            assert of_one["duration_s"].iloc[copy] == pytest.approx(len(expected) / RATE, abs=1e-3)


@pytest.mark.parametrize("mode", ["compose", "one_of"])
def test_the_mix_of_the_mode_comes_last(experiment_file, tmp_path, mode):
    path = experiment_file({"noise": NOISE, "slower": SLOWER}, augmentation_mode=mode)
    table = examples(path, tmp_path / "out")
    *alone, mixed = table["augmentation"]
    assert alone == ["original", "noise", "slower"]
    assert (
        mixed in {"compose": ["compose: noise, slower"], "one_of": ["one_of: noise", "one_of: slower"]}[mode]
    )
    waveforms = [soundfile.read(tmp_path / "out" / wav, dtype="float32")[0] for wav in table["wav"]]
    if mode == "one_of":
        np.testing.assert_array_equal(waveforms[3], waveforms[alone.index(mixed.split(": ")[1])])
    else:
        assert len(waveforms[3]) == len(waveforms[2])
        assert not np.array_equal(waveforms[3], waveforms[2])


def contents(folder):
    """Samples of WAV files, whose headers have the time, and bytes of all others."""
    return {
        file.name: soundfile.read(file)[0].tobytes() if file.suffix == ".wav" else file.read_bytes()
        for file in folder.iterdir()
    }


@pytest.mark.thorough
def test_examples_are_the_same_again_and_replace_earlier_ones(experiment_file, tmp_path):
    folder, path = tmp_path / "out", experiment_file({"noise": NOISE})
    table = examples(path, folder)
    written = contents(folder)
    assert set(written) == {INDEX_FILE, *table["wav"], *table["spectrogram"]}
    examples(path, folder)
    assert contents(folder) == written
    examples(experiment_file({"never": NEVER}), folder)
    assert not list(folder.glob("*noise*"))


def test_a_failure_leaves_what_was_there(experiment_file, tmp_path):
    folder = tmp_path / "out"
    examples(experiment_file({"noise": NOISE}), folder)
    before = contents(folder)
    (tmp_path / "mine.py").write_text(
        "import numpy as np\n"
        "class Own:\n"
        "    rng = np.random.default_rng()\n"
        "    def __call__(self, samples, sample_rate):\n"
        "        return samples * self.rng.random()\n"
    )
    path = experiment_file({"mine": {"module": "mine.py", "class": "Own"}})
    with pytest.raises(UserError) as refused:
        examples(path, folder)
    assert str(refused.value).startswith(f"{path}: augmentations.mine: Own cannot be repeated")
    assert contents(folder) == before
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match=r"holds 'notes\.txt', which is not an example"):
        examples(experiment_file({"noise": NOISE}), folder)
    assert contents(folder).keys() == {*before, "notes.txt"}


def test_what_cannot_be_done_is_said(experiment_file, tmp_path):
    with pytest.raises(UserError, match="augmentations: has none"):
        examples(experiment_file({}), tmp_path / "out")
    path = experiment_file({"noise": NOISE})
    with pytest.raises(UserError, match="--n: must be at least 1, got 0"):
        examples(path, tmp_path / "out", n=0)
    with pytest.raises(UserError, match="is a file, where a folder is to be written"):
        write_examples(load_experiment(path), 1, path, Console(file=io.StringIO()))
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / INDEX_FILE).write_text("a,b\n1,2\n")
    with pytest.raises(UserError, match=r"holds 'index\.csv'"):
        examples(path, tmp_path / "other")
    assert not (tmp_path / "out").exists()


def test_the_command_writes_and_says_where(experiment_file, tmp_path, capsys):
    augment(tmp_path / "out", experiment_file({"noise": NOISE}), n=1)
    assert capsys.readouterr().out.splitlines()[-1] == f"examples: {tmp_path / 'out' / INDEX_FILE}"
    assert (tmp_path / "out" / INDEX_FILE).is_file()


class TestSpectrogram:
    @pytest.fixture
    def drawn(self, monkeypatch):
        """The figures that were saved, in order."""
        figures = []
        save = matplotlib.figure.Figure.savefig

        def savefig(self, *args, **kwargs):
            figures.append(self)
            return save(self, *args, **kwargs)

        monkeypatch.setattr(matplotlib.figure.Figure, "savefig", savefig)
        return figures

    def test_a_sine_is_a_line_at_its_frequency_and_level(self, tmp_path, drawn):
        sine = 0.25 * np.sin(2 * np.pi * 3000 * np.arange(RATE) / RATE)
        draw_spectrogram(sine, RATE, tmp_path / "a.png", "a $x_$ sine", full_scale=0.5, duration_s=2.0)
        axes = drawn[0].axes[0]
        levels = axes.images[0].get_array()
        loudest = levels[:, levels.shape[1] // 2].argmax()
        left, right, bottom, top = axes.images[0].get_extent()
        assert bottom + (loudest / (len(levels) - 1)) * (top - bottom) == pytest.approx(3.0, abs=0.05)
        assert levels[loudest, levels.shape[1] // 2] == pytest.approx(-6.0, abs=0.1)
        assert (left, right) == pytest.approx((0, 1), abs=0.02)
        assert axes.get_xlim() == (0, 2)
        assert (axes.get_xlabel(), axes.get_ylabel()) == ("Time (s)", "Frequency (kHz)")
        assert axes.get_title() == "a $x_$ sine"
        assert matplotlib_image.imread(tmp_path / "a.png").std() > 0.05

    @pytest.mark.parametrize("samples", [1, 100, 20 * RATE])
    def test_any_length_is_drawn(self, tmp_path, drawn, samples):
        draw_spectrogram(np.zeros(samples), RATE, tmp_path / "a.png", "silence", 1.0, samples / RATE)
        levels = drawn[0].axes[0].images[0].get_array()
        assert 1 <= levels.shape[1] <= 1000
        assert (levels == -80).all()
