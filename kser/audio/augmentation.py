"""One augmentation of waveforms: a class of any library, made repeatable.

The class is called as those of audiomentations are, `transform(samples, sample_rate)`. Whether it changes an
utterance is for the class to say: those of audiomentations have an argument `p`, the probability that they
do, which is 0.5 unless given.
"""

import copy
import inspect
import sys
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from kser.audio.augmentation_class import build_object, reason_of
from kser.audio.seeded_generators import seeded_generators
from kser.errors import UserError

# Advice for programmers that the libraries would give again for each class or file.
_UNHELPFUL_WARNINGS = ("Transforms now expect an `output_type` argument", ".* had to be resampled from .* Hz")
# With a probability of 0.5 all draws leave the waveform unchanged once in a thousand trials.
_DRAWS_OF_A_TRIAL = 10


@dataclass(frozen=True)
class AugmentationSpec:
    """What an experiment says of an augmentation.

    Attributes:
        name: what the user calls it.
        module: Python module that holds the class, or a file that ends in `.py`.
        class_name: its class.
        arguments: of the class, values as JSON has them.
        tensors: whether the class takes and gives (batch, channels, samples): a torch tensor if it is a
            `torch.nn.Module`, else a NumPy array.
    """

    name: str
    module: str
    class_name: str
    arguments: Mapping[str, Any] = field(hash=False)
    tensors: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "arguments", copy.deepcopy(dict(self.arguments)))

    @property
    def place(self) -> str:
        """Its place in the experiment file."""
        return f"augmentations.{self.name}"


class Augmenter:
    """Applies one augmentation. Another process gets its specification and builds it anew.

    Args:
        spec: what to apply.
        folder: where files that it names are looked for before the working folder, or `None`.

    Raises:
        UserError: see `kser.audio.augmentation_class.build_object`; or what was built cannot be called with
            samples and their rate.
    """

    def __init__(self, spec: AugmentationSpec, folder: Path | None):
        self.spec = spec
        self.folder = folder.absolute() if folder is not None else None
        for beginning in _UNHELPFUL_WARNINGS:
            warnings.filterwarnings("ignore", message=beginning)
        # A class may draw when it is made, too.
        with seeded_generators((0,), with_torch="torch" in sys.modules):
            self._transform = build_object(
                spec.place, spec.module, spec.class_name, spec.arguments, self.folder
            )
        self._torch = _torch_of(self._transform)
        if self._torch and not spec.tensors:
            raise UserError(f"{spec.place}.tensors: {spec.class_name} takes tensors; set tensors to true")
        self._names = _names_in_call(self._transform.forward if self._torch else self._transform, spec)

    def __reduce__(self) -> tuple[type["Augmenter"], tuple[AugmentationSpec, Path | None]]:
        return Augmenter, (self.spec, self.folder)

    def __call__(self, waveform: np.ndarray, sampling_rate: int, key: Sequence[int]) -> np.ndarray:
        """The augmented waveform; equal keys give equal draws, in any thread and process.

        What it draws from Python's, NumPy's and (with `tensors`) PyTorch's global generators follows from the
        key, and so does what it draws from the `numpy.random.Generator` that it gets if its call takes an
        argument `rng`.

        Args:
            waveform: float32 array (samples,); stays as it is.
            sampling_rate: Hz.
            key: non-negative integers.

        Returns:
            float32 array (samples',): some augmentations change the length.

        Raises:
            UserError: the class failed, or gave something other than a waveform of finite samples.
        """
        samples: Any = np.array(waveform, dtype=np.float32)
        if self.spec.tensors:
            samples = samples[np.newaxis, np.newaxis]
        if self._torch:
            samples = self._torch.from_numpy(samples)
        with seeded_generators(key, with_torch=self._torch is not None) as rng:
            arguments, named = _call_arguments(self._names, samples, sampling_rate, rng)
            try:
                given = self._transform(*arguments, **named)
            except Exception as error:
                raise UserError(
                    f"{self.spec.place}: {self.spec.class_name} failed on a waveform of {len(waveform)} "
                    f"samples at {sampling_rate} Hz: {reason_of(error)}"
                ) from error
        return _waveform_of(given, self._torch, self.spec)

    def check_repeatable(self, waveform: np.ndarray, sampling_rate: int) -> None:
        """Try the augmentation out, so that what will not work shows before training.

        Args:
            waveform: float32 array (samples,) to try it on.
            sampling_rate: Hz.

        Raises:
            UserError: as `__call__`; or it gives different results for equal keys, for it draws from a
                generator of its own or remembers earlier calls.
        """
        for draw in range(_DRAWS_OF_A_TRIAL):
            once, again = (self(waveform, sampling_rate, (draw,)) for _ in range(2))
            if not np.array_equal(once, again):
                raise UserError(
                    f"{self.spec.place}: {self.spec.class_name} cannot be repeated: called twice with all "
                    "random generators in the same state it gives different results; let it draw from "
                    "numpy.random, random or an argument `rng` of its call, and remember nothing"
                )
            if not np.array_equal(once, waveform):
                return


def _waveform_of(given: Any, torch: Any, spec: AugmentationSpec) -> np.ndarray:
    """What a class gave as float32 array (samples,), if it is a waveform."""
    # torch-audiomentations gives an object that holds the samples, if it is asked to.
    given = getattr(given, "samples", given)
    if torch and isinstance(given, torch.Tensor):
        given = given.detach().cpu().numpy()
    wrong = "samples that are NaN or infinite"
    if not hasattr(given, "__array__"):
        wrong = f"a {type(given).__name__}"
    elif not np.issubdtype((array := np.asarray(given)).dtype, np.floating):
        wrong = f"samples of the type {array.dtype}"
    elif array.size == 0 or array.ndim == 0 or array.shape[-1] != array.size:
        wrong = f"an array of the shape {array.shape}"
    else:
        with np.errstate(over="ignore"):
            waveform = np.ascontiguousarray(array.reshape(-1), dtype=np.float32)
        if np.isfinite(waveform).all():
            return waveform
    raise UserError(f"{spec.place}: {spec.class_name} gave {wrong}; expected a waveform of finite floats")


def _torch_of(transform: Any) -> Any:
    """PyTorch, if the object is one of its modules: then it has been imported."""
    torch = sys.modules.get("torch")
    return torch if torch is not None and isinstance(transform, torch.nn.Module) else None


def _names_in_call(called: Any, spec: AugmentationSpec) -> frozenset[str]:
    """Which of `sample_rate` and `rng` a call takes by these names; the rate comes second otherwise."""
    try:
        signature = inspect.signature(called)
    except (TypeError, ValueError):  # classes written in C have none
        return frozenset()
    names = {"sample_rate", "rng"} & signature.parameters.keys()
    if any(p.kind is p.VAR_KEYWORD for p in signature.parameters.values()):
        names |= {"sample_rate"}
    arguments, named = _call_arguments(frozenset(names), None, 0, None)
    try:
        signature.bind(*arguments, **named)
    except TypeError as error:
        raise UserError(
            f"{spec.place}.class: {spec.class_name} is called with {signature}, but should be with "
            f"(samples, sample_rate): {error}"
        ) from None
    return frozenset(names)


def _call_arguments(
    names: frozenset[str], samples: Any, sampling_rate: int, rng: Any
) -> tuple[list[Any], dict[str, Any]]:
    """Arguments of a call by position and by name."""
    by_name = {"sample_rate": sampling_rate, "rng": rng}
    named = {name: by_name[name] for name in sorted(names)}
    return ([samples] if "sample_rate" in names else [samples, sampling_rate]), named
