"""KerasTuner's oracles, which draw the candidates of a search, with states that survive a killed process."""

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras_tuner
import numpy as np
from keras_tuner.engine.trial import Trial, TrialStatus

from kser.errors import UserError
from kser.experiment.config import halving
from kser.experiment.config.search_space import Choice, SearchSpace
from kser.files import read_json, write_json

OBJECTIVE = "objective"
_STREAM = 0x0A4C1E


class _StoredOracle(keras_tuner.Oracle):
    """An oracle that keeps its state and its trials in one JSON file, which is replaced whole at each change.

    KerasTuner writes one file for the oracle and one for each trial, neither of them atomically: after a
    process was killed in between, the search would take another course, or none. So what is written is
    KerasTuner's here, and only how it is written is not.

    Args:
        file: the JSON file; what it holds is continued.
        identity: what the search is; the file of another one is refused.
        **arguments: of the oracle.

    Raises:
        UserError: the file belongs to another search.
    """

    def __init__(self, *, file: Path, identity: str, **arguments: Any):
        super().__init__(**arguments)
        self.verbose = 0
        self._file = file
        self._identity = identity
        if file.is_file():
            self.reload()

    def save(self) -> None:
        trials = [trial.get_state() for trial in self.trials.values()]
        write_json(self._file, {"identity": self._identity, "oracle": self.get_state(), "trials": trials})

    def _save_trial(self, trial: Trial) -> None:
        """KerasTuner calls `save` as well, wherever it calls this."""

    def reload(self) -> None:
        stored = read_json(self._file)
        if stored["identity"] != self._identity:
            raise UserError(
                f"{self._file}: belongs to a search with other settings, data or version of kser; give the "
                "experiment another experiment_name, or move its folder away"
            )
        self.trials = {state["trial_id"]: Trial.from_state(state) for state in stored["trials"]}
        self.set_state(stored["oracle"])
        # KerasTuner saves the end of a trial before it takes the trial from these.
        for worker, trial in list(self.ongoing_trials.items()):
            if trial.status != TrialStatus.RUNNING:
                del self.ongoing_trials[worker]


class _RandomSearchOracle(_StoredOracle, keras_tuner.oracles.RandomSearchOracle):
    pass


class _HyperbandOracle(_StoredOracle, keras_tuner.oracles.HyperbandOracle):
    pass


class _BayesianOracle(_StoredOracle, keras_tuner.oracles.BayesianOptimizationOracle):
    """KerasTuner does not save the random state from which the search for the best candidate starts."""

    def get_state(self) -> dict[str, Any]:
        name, keys, *rest = self._random_state.get_state()
        return {**super().get_state(), "random_state": [name, keys.tolist(), *rest]}

    def set_state(self, state: dict[str, Any]) -> None:
        super().set_state(state)
        self._random_state.set_state(state["random_state"])


def create_oracle(
    method: str,
    space: SearchSpace,
    higher_is_better: bool,
    trials: int,
    epochs: int,
    seed: int,
    file: Path,
    identity: str,
) -> keras_tuner.Oracle:
    """An oracle that goes on where the last process left it.

    Args:
        method: "random", "bayesian" or "hyperband".
        space: what is searched.
        higher_is_better: which of two objectives is better.
        trials: how many candidates; for hyperband they follow from the epochs.
        epochs: for hyperband: of a candidate that comes to the end.
        seed: the same seed and the same objectives give the same candidates.
        file: keeps its state.
        identity: what the search is, for the file.

    Raises:
        UserError: the file belongs to another search.
    """
    common: dict[str, Any] = {
        "file": file,
        "identity": identity,
        "objective": keras_tuner.Objective(OBJECTIVE, "max" if higher_is_better else "min"),
        "hyperparameters": _hyperparameters(space),
        "seed": oracle_seed(seed),
        # A failed trial is no reason to stop.
        "max_consecutive_failed_trials": trials + 1,
    }
    match method:
        case "random":
            return _RandomSearchOracle(max_trials=trials, **common)
        case "bayesian":
            points = initial_points(trials, len(space.dimensions))
            return _BayesianOracle(max_trials=trials, num_initial_points=points, **common)
        case _:
            return _HyperbandOracle(max_epochs=epochs, factor=halving.FACTOR, **common)


def drawn_trials(oracle: keras_tuner.Oracle) -> Iterator[Trial]:
    """The trials that are still to be run, each drawn when the one before has been given to `end_trial`."""
    while True:
        with _expected_warnings():
            trial = oracle.create_trial("kser")
        if trial.status == TrialStatus.STOPPED:
            return
        yield trial


def end_trial(
    oracle: keras_tuner.Oracle, trial: Trial, results: dict[str, float] | None, message: str = ""
) -> None:
    """Give an oracle the results of a trial, its `OBJECTIVE` among them; `None` and why if it failed."""
    if results is None and isinstance(oracle, keras_tuner.oracles.HyperbandOracle):
        # It would wait forever for a trial of a bracket that has failed, so it takes it for the worst.
        results = {OBJECTIVE: 1e30 if oracle.objective.direction == "min" else -1e30}
    trial.message = message
    with _expected_warnings():
        if results is None:
            trial.status = TrialStatus.FAILED
        else:
            trial.status = TrialStatus.COMPLETED
            oracle.update_trial(trial.trial_id, results)
        oracle.end_trial(trial)


def oracle_seed(seed: int) -> int:
    """The seed of an oracle for a run: never 0, which KerasTuner takes for none.

    Its random draws count up from the seed, so those of neighbouring seeds would be nearly the same.
    """
    return int(np.random.default_rng((_STREAM, seed)).integers(1, 2**31))


def initial_points(trials: int, dimensions: int) -> int:
    """How many candidates of a Bayesian search are random: three for each dimension, but a third at most.

    KerasTuner's own number, without the limit, would make a search of few trials a random one.
    """
    return max(2, min(3 * dimensions, math.ceil(trials / 3)))


def number_of_trials(method: str, space: SearchSpace, trials: int, epochs: int) -> int:
    """How many trials a search has at most."""
    if method == "hyperband":
        return halving.trials(epochs)
    return min(trials, int(space.size)) if method == "random" and math.isfinite(space.size) else trials


def _hyperparameters(space: SearchSpace) -> keras_tuner.HyperParameters:
    parameters = keras_tuner.HyperParameters()
    for dimension in space.dimensions:
        if isinstance(dimension, Choice):
            parameters.Choice(dimension.field, list(range(len(dimension.values))))
        else:
            kind = parameters.Int if dimension.whole else parameters.Float
            kind(dimension.field, dimension.minimum, dimension.maximum, sampling=dimension.sampling)
    return parameters


@contextmanager
def _expected_warnings() -> Iterator[None]:
    """Silences two of KerasTuner: old names of `threading`, and fits to few points that do not converge."""
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "currentThread|getName", DeprecationWarning)
        warnings.filterwarnings("ignore", category=ConvergenceWarning)
        yield
