"""KerasTuner's oracles: they draw candidates and are told what came of them."""

import math
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras_tuner
import numpy as np

from kser.experiment.config import halving
from kser.experiment.config.search_space import Choice, Dimension, SearchSpace

Draw = dict[str, Any]
"""What an oracle draws: by field a number, or the position of a value in its `Choice`; of hyperband also
"tuner/epochs" and the like."""

_OBJECTIVE = "objective"
_STREAM = 0x0A4C1E
# What hyperband is told of a trial that failed: it would wait for ever for one that it believes in.
_WORST = 1e30


class _TellingTuner(keras_tuner.engine.base_tuner.BaseTuner):
    """Asks an oracle for candidates and has a function say what comes of each."""

    def __init__(self, oracle: keras_tuner.Oracle, judge: Callable[[Draw], float | None], folder: Path):
        # What it writes there nobody reads, see `TrialRecord`.
        super().__init__(oracle, directory=str(folder.parent), project_name=folder.name, overwrite=True)
        self.oracle.verbose = 0
        self._judge = judge

    def run_trial(self, trial: Any, *fit_args: Any, **fit_kwargs: Any) -> dict[str, float]:
        try:
            value = self._judge(trial.hyperparameters.values)
        except Exception as error:
            raise _StoppedError from error  # any other error would count as a failed trial
        if value is None and isinstance(self.oracle, keras_tuner.oracles.HyperbandOracle):
            value = _WORST if self.oracle.objective.direction == "min" else -_WORST
        if value is None:
            raise keras_tuner.errors.FailedTrialError
        return {_OBJECTIVE: value}


class _StoppedError(keras_tuner.errors.FatalError):
    """Carries an error through KerasTuner."""


def ask_oracle(
    method: str,
    space: SearchSpace,
    higher_is_better: bool,
    trials: int,
    epochs: int,
    seed: int,
    folder: Path,
    judge: Callable[[Draw], float | None],
) -> None:
    """Have candidates drawn, until there are no more.

    Args:
        method: "random", "bayesian" or "hyperband".
        space: where from.
        higher_is_better: which of two objectives is better.
        trials: how many candidates; for hyperband they follow from the epochs.
        epochs: for hyperband: of a candidate that comes to the end.
        seed: the same seed and the same answers give the same candidates.
        folder: for KerasTuner's files.
        judge: told a draw, gives the objective, or `None` for a trial that failed; the oracle takes note of
            what it changes in the draw. What it raises stops the search and is raised.
    """
    objective = keras_tuner.Objective(_OBJECTIVE, "max" if higher_is_better else "min")
    common: dict[str, Any] = {
        "objective": objective,
        "hyperparameters": _hyperparameters(space),
        "seed": oracle_seed(seed),
        # A failed trial is no reason to stop.
        "max_consecutive_failed_trials": trials + 1,
    }
    with _expected_warnings():
        match method:
            case "random":
                oracle = keras_tuner.oracles.RandomSearchOracle(max_trials=trials, **common)
            case "bayesian":
                oracle = keras_tuner.oracles.BayesianOptimizationOracle(
                    max_trials=trials,
                    num_initial_points=initial_points(trials, len(space.dimensions)),
                    **common,
                )
            case _:
                oracle = keras_tuner.oracles.HyperbandOracle(
                    max_epochs=epochs, factor=halving.FACTOR, **common
                )
        try:
            _TellingTuner(oracle, judge, folder).search()
        except _StoppedError as error:
            assert error.__cause__ is not None
            raise error.__cause__ from None


def oracle_seed(seed: int) -> int:
    """The seed of an oracle for a run: never 0, which KerasTuner takes for none.

    Its random draws count up from the seed, so that those of neighbouring seeds would be nearly the same.
    """
    return int(np.random.default_rng((_STREAM, seed)).integers(1, 2**31))


def initial_points(trials: int, dimensions: int) -> int:
    """How many candidates of a Bayesian search are random: three for each dimension, but a third at most.

    KerasTuner's own number, without the limit, would make a search of few trials a random one.
    """
    return max(2, min(3 * dimensions, math.ceil(trials / 3)))


def trials_in_all(method: str, space: SearchSpace, trials: int, epochs: int) -> int:
    """How many trials a search has at most."""
    if method == "hyperband":
        return halving.trials(epochs)
    return min(trials, int(space.size)) if method == "random" and math.isfinite(space.size) else trials


def values_of(draw: Draw, space: SearchSpace) -> dict[str, Any]:
    """The values of the searched fields."""
    return {of.field: _value(of, draw[of.field]) for of in space.dimensions}


def epochs_of(draw: Draw, epochs: int) -> int:
    """How many epochs a candidate is trained for: as many as hyperband says, else as all."""
    return int(draw.get("tuner/epochs", epochs))


def _value(dimension: Dimension, drawn: Any) -> Any:
    if isinstance(dimension, Choice):
        return dimension.values[int(drawn)]
    # The Bayesian oracle comes to the very end of a range, and beyond the last whole number.
    within = min(max(drawn, dimension.minimum), dimension.maximum)
    return int(within) if dimension.whole else float(within)


def _hyperparameters(space: SearchSpace) -> keras_tuner.HyperParameters:
    parameters = keras_tuner.HyperParameters()
    for of in space.dimensions:
        if isinstance(of, Choice):
            parameters.Choice(of.field, list(range(len(of.values))))
        else:
            kind = parameters.Int if of.whole else parameters.Float
            kind(of.field, of.minimum, of.maximum, sampling=of.sampling)
    return parameters


@contextmanager
def _expected_warnings() -> Iterator[None]:
    """Silences two of KerasTuner: old names of `threading`, and a fit to few points that does not settle."""
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "currentThread|getName", DeprecationWarning)
        warnings.filterwarnings("ignore", category=ConvergenceWarning)
        yield
