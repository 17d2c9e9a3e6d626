"""Any class, repeatable by a key, and each mistake told by its field."""

import pickle
import random
import re
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import soundfile

from kser.audio.augmentation import AugmentationSpec, Augmenter
from kser.errors import UserError

RATE = 16_000
WAVEFORM = (0.1 * np.random.default_rng(0).standard_normal(8_000)).astype(np.float32)
USERS_FILE = '''
"""Augmentations as a user writes them."""
import random
from dataclasses import dataclass
import numpy as np

@dataclass
class Louder:
    factor: float = 2.0
    def __call__(self, samples, sample_rate):
        return samples * self.factor

class Noise:
    def __call__(self, samples, sample_rate, rng):
        return samples + rng.standard_normal(len(samples)) * random.random()

class NoiseOfItsOwn:
    def __init__(self):
        self.rng = np.random.default_rng()
    def __call__(self, samples, sample_rate):
        return samples + self.rng.standard_normal(len(samples))

class DrawsWhenMade:
    def __init__(self):
        self.gain = np.random.uniform(0.5, 1.0)
    def __call__(self, samples, sample_rate):
        return samples * self.gain

class InPlace:
    def __call__(self, samples, sample_rate):
        samples *= 0
        return samples

class Flipped:
    """Tensors: (batch, channels, samples)."""
    def __call__(self, samples, sample_rate):
        assert samples.shape[:2] == (1, 1) and sample_rate == 16_000
        return samples[..., ::-1]

class Gives:
    def __init__(self, what):
        self.what = what
    def __call__(self, samples, sample_rate):
        return {"text": "sound", "nothing": None, "whole numbers": np.arange(5), "no samples": samples[:0],
                "stereo": np.stack([samples, samples]), "nan": samples * np.nan, "a number": np.float32(1),
                "huge": samples.astype(np.float64) * 1e300, "one channel": samples[None]}[self.what]

class Fails:
    def __init__(self, p=1.0):
        assert 0 <= p <= 1
    def __call__(self, samples, sample_rate):
        raise OSError("no noise\\nhere")

class OneArgument:
    def __call__(self, samples):
        return samples

class Uncallable:
    pass

LEVELS = {"a": 1}
'''


@pytest.fixture
def users(tmp_path):
    """Make an augmenter of a class of the user's file."""
    (tmp_path / "mine.py").write_text(USERS_FILE)

    def users(class_name, tensors=False, **arguments):
        return Augmenter(AugmentationSpec("mine", "mine.py", class_name, arguments, tensors), tmp_path)

    return users


def library(class_name, module="audiomentations", **arguments):
    return Augmenter(AugmentationSpec("it", module, class_name, arguments), None)


def refusal(module, class_name="AddGaussianNoise", folder=None, **arguments):
    with pytest.raises(UserError) as refused:
        Augmenter(AugmentationSpec("noise", module, class_name, arguments), folder)
    return str(refused.value)


class TestRepeatability:
    @pytest.mark.parametrize(
        ("class_name", "arguments"),
        [
            ("AddGaussianNoise", {}),
            ("AddGaussianSNR", {"min_snr_db": 5, "max_snr_db": 30}),
            ("AddColorNoise", {}),
            ("PitchShift", {}),
            ("TimeStretch", {"leave_length_unchanged": False}),
            ("Gain", {}),
            ("LowPassFilter", {}),
            ("TimeMask", {}),
            ("SevenBandParametricEQ", {}),
            ("Shift", {}),
            ("Resample", {}),
        ],
    )
    def test_classes_of_audiomentations_follow_the_key(self, class_name, arguments):
        augmenter = library(class_name, p=1.0, **arguments)
        given = WAVEFORM.copy()
        augmented = augmenter(given, RATE, (3, 1))
        assert augmented.dtype == np.float32
        assert augmented.ndim == 1
        np.testing.assert_array_equal(given, WAVEFORM)
        random.seed(99)
        np.random.seed(99)
        np.testing.assert_array_equal(augmenter(WAVEFORM, RATE, (3, 1)), augmented)
        assert not np.array_equal(augmenter(WAVEFORM, RATE, (3, 2)), augmented)
        augmenter.check_repeatable(WAVEFORM, RATE)

    def test_a_class_without_draws_gives_the_same_for_every_key(self):
        augmenter = library("Normalize", p=1.0)
        np.testing.assert_array_equal(augmenter(WAVEFORM, RATE, (0,)), augmenter(WAVEFORM, RATE, (1,)))
        np.testing.assert_allclose(
            augmenter(WAVEFORM, RATE, (0,)), WAVEFORM / np.abs(WAVEFORM).max(), rtol=1e-6
        )

    def test_room_simulator_where_its_library_is_installed(self):
        pytest.importorskip("pyroomacoustics")
        library("RoomSimulator", p=1.0).check_repeatable(WAVEFORM, RATE)

    def test_the_probability_is_that_of_the_class(self):
        augmenter = library("Gain")  # 0.5 of audiomentations
        unchanged = [np.array_equal(augmenter(WAVEFORM, RATE, (i,)), WAVEFORM) for i in range(40)]
        assert 8 < sum(unchanged) < 32

    def test_transforms_within_transforms(self):
        gain = {"module": "audiomentations", "class": "Gain", "p": 1.0}
        mask = {"module": "kser.audio.spectrogram_masks", "class": "TimeMask", "p": 1.0}
        for class_name, further in (
            ("Compose", {}),
            ("OneOf", {"weights": [0.5, 0.5]}),
            ("SomeOf", {"num_transforms": [1, None]}),
        ):
            augmenter = library(class_name, transforms=[gain, mask], **further)
            outcomes = {augmenter(WAVEFORM, RATE, (i,)).tobytes() for i in range(4)}
            assert len(outcomes) == 4
            assert outcomes == {augmenter(WAVEFORM, RATE, (i,)).tobytes() for i in range(4)}

    def test_global_generators_are_left_as_they_were(self, users):
        random.seed(1)
        np.random.seed(1)
        expected = random.random(), np.random.random()
        random.seed(1)
        np.random.seed(1)
        library("AddGaussianSNR", p=1.0)(WAVEFORM, RATE, (0,))
        users("DrawsWhenMade")
        with pytest.raises(UserError):
            users("Fails")(WAVEFORM, RATE, (0,))
        assert (random.random(), np.random.random()) == expected

    def test_threads_do_not_mix_their_draws(self):
        augmenters = [library("AddGaussianSNR", p=1.0), library("Gain")]
        alone = [[a(WAVEFORM, RATE, (i,)) for i in range(20)] for a in augmenters]
        with ThreadPoolExecutor(8) as threads:
            for augmenter, expected in zip(augmenters, alone, strict=True):
                together = threads.map(lambda i, a=augmenter: a(WAVEFORM, RATE, (i,)), range(20))
                np.testing.assert_array_equal(list(together), expected)

    def test_classes_of_users_follow_the_key(self, users):
        augmenter = users("Noise")
        augmented = augmenter(WAVEFORM, RATE, (1, 2))
        np.testing.assert_array_equal(augmenter(WAVEFORM, RATE, (1, 2)), augmented)
        assert not np.array_equal(augmenter(WAVEFORM, RATE, (2, 1)), augmented)
        made = [users("DrawsWhenMade")(WAVEFORM, RATE, (0,)) for _ in range(2)]
        np.testing.assert_array_equal(*made)

    def test_a_class_with_a_generator_of_its_own_is_found_out(self, users):
        with pytest.raises(UserError, match=r"^augmentations\.mine: NoiseOfItsOwn cannot be repeated"):
            users("NoiseOfItsOwn").check_repeatable(WAVEFORM, RATE)

    def test_pickled_it_is_built_anew(self, users):
        augmenter = users("Noise")
        again = pickle.loads(pickle.dumps(augmenter))
        assert again.spec == augmenter.spec
        assert hash(again.spec) == hash(augmenter.spec)
        np.testing.assert_array_equal(again(WAVEFORM, RATE, (4,)), augmenter(WAVEFORM, RATE, (4,)))


class TestCalls:
    def test_arguments_reach_a_class_of_the_users_file(self, users):
        np.testing.assert_allclose(users("Louder", factor=3.0)(WAVEFORM, RATE, (0,)), 3 * WAVEFORM)

    def test_a_file_in_the_working_folder_is_found_as_well(self, users, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "elsewhere").mkdir()
        for folder in (None, tmp_path / "elsewhere"):
            Augmenter(AugmentationSpec("mine", "mine.py", "Louder", {}), folder)

    def test_what_a_class_does_in_place_does_not_reach_the_caller(self, users):
        given = WAVEFORM.copy()
        assert not users("InPlace")(given, RATE, (0,)).any()
        np.testing.assert_array_equal(given, WAVEFORM)

    def test_tensors_of_numpy(self, users):
        flipped = users("Flipped", tensors=True)(WAVEFORM, RATE, (0,))
        np.testing.assert_array_equal(flipped, WAVEFORM[::-1])
        assert flipped.flags.c_contiguous

    def test_one_channel_is_a_waveform(self, users):
        np.testing.assert_array_equal(users("Gives", what="one channel")(WAVEFORM, RATE, (0,)), WAVEFORM)

    def test_paths_are_looked_for_beside_the_experiment_first(self, users, tmp_path):
        (tmp_path / "mine.py").write_text(
            "class Paths:\n"
            "    def __init__(self, noise_path, ir_paths, name):\n"
            "        self.given = [noise_path, *ir_paths, name]\n"
            "    def __call__(self, samples, sample_rate):\n"
            "        raise ValueError(str(self.given))\n"
        )
        (tmp_path / "here").mkdir()
        with pytest.raises(UserError) as refused:
            users("Paths", noise_path="here", ir_paths=["here"], name="here")(WAVEFORM, RATE, (0,))
        assert str([str(tmp_path / "here")] * 2 + ["here"]) in str(refused.value)

    def test_warnings_for_each_file_are_held_back(self, tmp_path):
        for i in range(3):
            soundfile.write(tmp_path / f"{i}.wav", WAVEFORM, 8_000)
        with warnings.catch_warnings(record=True) as given:
            warnings.simplefilter("always")
            augmenter = library("AddBackgroundNoise", sounds_path=str(tmp_path), p=1.0)
            outcomes = {augmenter(WAVEFORM, RATE, (i,)).tobytes() for i in range(6)}
        assert len(outcomes) == 6
        assert not [warning for warning in given if "resampled" in str(warning.message)]


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("text", "a str"),
        ("nothing", "a NoneType"),
        ("whole numbers", "samples of the type int64"),
        ("no samples", "an array of the shape (0,)"),
        ("stereo", "an array of the shape (2, 8000)"),
        ("a number", "an array of the shape ()"),
        ("nan", "samples that are NaN or infinite"),
        ("huge", "samples that are NaN or infinite"),
    ],
)
def test_what_is_no_waveform_is_refused(users, what, said):
    with pytest.raises(UserError) as refused:
        users("Gives", what=what)(WAVEFORM, RATE, (0,))
    assert (
        str(refused.value) == f"augmentations.mine: Gives gave {said}; expected a waveform of finite floats"
    )


def test_a_failure_is_told_in_one_line(users):
    with pytest.raises(UserError) as refused:
        users("Fails")(WAVEFORM, RATE, (0,))
    assert str(refused.value) == (
        "augmentations.mine: Fails failed on a waveform of 8000 samples at 16000 Hz: OSError: no noise here"
    )


class TestMistakes:
    @pytest.mark.parametrize(
        ("module", "said"),
        [
            ("audiomentation", "module 'audiomentation' not found; did you mean audiomentations?"),
            ("torch_audiomentations", "pip install torch-audiomentations"),
            ("numpy.nothing_such", "module 'numpy.nothing_such' not found; install its package"),
            (
                "my augmentations",
                "should be a Python module, e.g. audiomentations, or a file that ends in .py",
            ),
            (".relative", "should be a Python module"),
            ("", "should be a Python module"),
            ("nothing.py", "file not found: /"),
        ],
    )
    def test_modules_that_there_are_not(self, module, said):
        if module == "torch_audiomentations" and module in sys.modules:
            pytest.skip("it is installed here")
        line = refusal(module)
        assert line.startswith("augmentations.noise.module: ")
        assert said in line

    def test_a_file_given_without_its_ending(self, tmp_path):
        (tmp_path / "my_noise.py").touch()
        assert "did you mean the file 'my_noise.py'?" in refusal("my_noise", folder=tmp_path)

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("def broken(:\n", "line 1: SyntaxError: "),
            ("\n\nimport nothing_such\n", "line 3: ModuleNotFoundError: No module named 'nothing_such'"),
            ("raise ValueError('one\\ntwo')\n", "line 1: ValueError: one two"),
            ("import sys\nsys.exit(3)\n", "line 2: SystemExit: 3"),
        ],
    )
    def test_files_that_fail_on_import(self, tmp_path, text, said):
        (tmp_path / "a.py").write_text(text)
        modules = set(sys.modules)
        line = refusal("a.py", folder=tmp_path)
        assert line.startswith(f"augmentations.noise.module: {tmp_path / 'a.py'}, {said}")
        assert set(sys.modules) == modules

    def test_a_module_whose_own_module_is_missing(self, tmp_path, monkeypatch):
        (tmp_path / "kser_test_needy.py").write_text("import nothing_such\n")
        monkeypatch.syspath_prepend(str(tmp_path))
        assert refusal("kser_test_needy") == (
            "augmentations.noise.module: kser_test_needy needs the module 'nothing_such', "
            "which is not installed here"
        )

    def test_classes_that_there_are_not(self, users):
        assert refusal("audiomentations", "AddGausianSnr") == (
            "augmentations.noise.class: 'AddGausianSnr' not found in audiomentations; "
            "did you mean AddGaussianSNR or AddGaussianNoise?"
        )
        with pytest.raises(UserError, match=r"'Xyz' not found in mine\.py; it has DrawsWhenMade, Fails, "):
            users("Xyz")
        with pytest.raises(UserError, match=r"mine\.class: LEVELS in mine\.py is not a class but a dict$"):
            users("LEVELS")

    def test_objects_that_cannot_be_called_so(self, users):
        with pytest.raises(
            UserError, match=r"mine\.class: Uncallable makes Uncallable objects, which cannot be"
        ):
            users("Uncallable")
        with pytest.raises(
            UserError, match=r"mine\.class: OneArgument is called with \(samples\), but should"
        ):
            users("OneArgument")

    def test_arguments_that_the_class_does_not_take(self):
        lines = refusal("audiomentations", "AddGaussianSNR", min_snr=5, volume=1).splitlines()
        assert lines == [
            "augmentations.noise.min_snr: not an argument of AddGaussianSNR; did you mean min_snr_db?",
            "augmentations.noise.volume: not an argument of AddGaussianSNR; it has max_snr_db, min_snr_db, p",
        ]

    def test_arguments_that_are_missing(self):
        assert refusal("audiomentations", "AddBackgroundNoise") == (
            "augmentations.noise: AddBackgroundNoise needs sounds_path as well"
        )

    @pytest.mark.parametrize(
        ("class_name", "arguments", "said"),
        [
            ("Gain", {"p": 2}, "AssertionError: assert 0 <= p <= 1"),
            (
                "TimeMask",
                {"mask_location": "left"},
                'ValueError: mask_location must be "start", "end" or "random"',
            ),
            ("PitchShift", {"min_semitones": "low"}, "TypeError: "),
        ],
    )
    def test_arguments_that_the_class_refuses(self, class_name, arguments, said):
        line = refusal("audiomentations", class_name, **arguments)
        assert line.startswith(f"augmentations.noise: {class_name} refuses its arguments: {said}")

    def test_mistakes_within_nested_transforms(self):
        line = refusal(
            "audiomentations", "Compose", transforms=[{"module": "audiomentations", "class": "Gain", "q": 1}]
        )
        assert line.startswith("augmentations.noise.transforms.q: not an argument of Gain")


class TestTorch:
    MODULE = """
import torch

class Noise(torch.nn.Module):
    def __init__(self, wrapped=False):
        super().__init__()
        self.wrapped = wrapped
        self.gain = torch.nn.Parameter(torch.ones(1))
    def forward(self, samples=None, sample_rate=None, targets=None, target_rate=None):
        assert samples.shape == (1, 1, 8000) and sample_rate == 16000
        noisy = self.gain * samples + torch.randn(samples.shape)
        return Result(noisy) if self.wrapped else noisy

class Result:
    def __init__(self, samples):
        self.samples = samples
"""

    @pytest.fixture
    def noise(self, tmp_path):
        pytest.importorskip("torch")
        (tmp_path / "noise.py").write_text(self.MODULE)

        def noise(tensors=True, **arguments):
            return Augmenter(AugmentationSpec("noise", "noise.py", "Noise", arguments, tensors), tmp_path)

        return noise

    @pytest.mark.parametrize("wrapped", [False, True])
    def test_modules_of_torch_follow_the_key_and_leave_its_generator(self, noise, wrapped):
        import torch

        augmenter = noise(wrapped=wrapped)
        torch.manual_seed(5)
        expected = torch.rand(1)
        torch.manual_seed(5)
        augmented = augmenter(WAVEFORM, RATE, (1,))
        assert torch.rand(1) == expected
        assert augmented.dtype == np.float32
        assert augmented.shape == WAVEFORM.shape
        np.testing.assert_array_equal(augmenter(WAVEFORM, RATE, (1,)), augmented)
        assert not np.array_equal(augmenter(WAVEFORM, RATE, (2,)), augmented)
        augmenter.check_repeatable(WAVEFORM, RATE)

    def test_they_take_tensors_alone(self, noise):
        with pytest.raises(
            UserError, match=re.escape("noise.tensors: Noise takes tensors; set tensors to true")
        ):
            noise(tensors=False)


def test_building_in_a_thread_waits_for_calls_in_others(users):
    """A class that draws when it is made must not see the draws of a call elsewhere."""
    expected = users("DrawsWhenMade")(WAVEFORM, RATE, (0,))
    noise, stop = library("AddGaussianNoise", p=1.0), threading.Event()

    def draw():
        while not stop.is_set():
            noise(WAVEFORM, RATE, (1,))

    thread = threading.Thread(target=draw)
    thread.start()
    try:
        for _ in range(20):
            np.testing.assert_array_equal(users("DrawsWhenMade")(WAVEFORM, RATE, (0,)), expected)
    finally:
        stop.set()
        thread.join()
