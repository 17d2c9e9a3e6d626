"""Runs as tasks of a Ray cluster, each in a process of its own."""

import logging
import os
import pickle
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from kser.errors import UserError
from kser.experiment.executors.counts import CountsChecked
from kser.experiment.executors.crew import Died, Ended, Happened, Report
from kser.experiment.executors.dispatch import dispatch
from kser.experiment.executors.ray_task import RayEvents, check_node, do_task
from kser.experiment.executors.resources import Resources
from kser.experiment.executors.shared_places import shared_places
from kser.experiment.executors.task import Task
from kser.experiment.runs.planning import Run
from kser.experiment.study.events import ProgressListener
from kser.experiment.study.results import RunResult
from kser.startup import check_extra

_WAITS_S = 0.5
_ENDS_WITHIN_S = 20.0


@dataclass(frozen=True)
class RayExecutor(CountsChecked):
    """Does runs on a Ray cluster.

    Args:
        address: of the cluster, "host:port", or "auto" for the one that this machine is part of; `None` for
            one of this machine alone, which lasts as long as the study.
        workers: how many runs at once; `None` for as many as the cluster has room for.
        num_cpus: processors of a run of a model whose JSON does not say it.
        num_gpus: graphics processors, likewise.

    Raises:
        UserError: a number is too small.
    """

    address: str | None = None
    workers: int | None = None
    num_cpus: int = 1
    num_gpus: int = 0

    def train(self, runs: Sequence[Run], progress: ProgressListener) -> list[RunResult]:
        """See `kser.experiment.study.executor.Executor`.

        Raises:
            UserError: Ray is not installed or does not answer; a machine of the cluster lacks a place, or the
                cluster has no room for a run.
        """
        check_extra("ray", "ray")
        places = shared_places(runs)
        with _cluster(self.address) as ray:
            _check_nodes(ray, Task(runs[0], places))
            with _crew(ray, self) as crew:
                crew.check_room(runs)
                return dispatch(runs, crew, places, progress)


@contextmanager
def _cluster(address: str | None) -> Iterator[Any]:
    """Ray, connected to a cluster."""
    # Ray warns of what it will change in a later version.
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    # While it tries to connect it warns once a second; the error says it all.
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "error")
    import ray

    try:
        with warnings.catch_warnings():
            # JAX warns of forks; those of Ray become other programs at once.
            warnings.filterwarnings("ignore", "os.fork", RuntimeWarning)
            ray.init(
                address=address or "local",
                runtime_env={"env_vars": _environment()},
                log_to_driver=False,
                logging_level=logging.ERROR,
                include_dashboard=None if address else False,
            )
    except (ConnectionError, ValueError, RuntimeError) as error:
        # Ray takes the token by itself only for a cluster that it finds on this machine.
        is_open = address and "RAY_AUTH_MODE" not in os.environ
        hint = "; if it asks for a token, set RAY_AUTH_MODE=token before the command" if is_open else ""
        raise UserError(f"--ray-address {address}: {' '.join(str(error).split())}{hint}") from error
    try:
        yield ray
    finally:
        ray.shutdown()


def _environment() -> dict[str, str]:
    """What decides how runs compute: as here, where Ray would set threads by the processors of a task."""
    backend = os.environ["KERAS_BACKEND"]
    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    if backend == "torch":
        import torch

        threads = torch.get_num_threads()
    kept = {name: os.environ[name] for name in ("NPROC", "JAX_PLATFORMS") if name in os.environ}
    return {"KERAS_BACKEND": backend, "OMP_NUM_THREADS": str(threads), **kept}


def _check_nodes(ray: Any, task: Task) -> None:
    """Find on every machine of the cluster what it lacks.

    Raises:
        UserError: a place that is not there, a line each.
    """
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    check = ray.remote(num_cpus=0, max_calls=1)(check_node)
    nodes = [node["NodeID"] for node in ray.nodes() if node["Alive"]]
    found = ray.get(
        [
            check.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False)).remote(
                pickle.dumps(task)
            )
            for node in nodes
        ]
    )
    if lines := list(filter(None, found)):
        raise UserError("\n".join(lines))


@contextmanager
def _crew(ray: Any, executor: RayExecutor) -> Iterator["RayCrew"]:
    crew = RayCrew(ray, executor)
    try:
        yield crew
    finally:
        crew.end()


class RayCrew:
    """A `Crew` of tasks on a Ray cluster.

    Args:
        ray: the module, connected.
        executor: what a run takes, and how many are done at once.
    """

    def __init__(self, ray: Any, executor: RayExecutor):
        self._ray = ray
        self._most = executor.workers
        self._default = Resources(executor.num_cpus, executor.num_gpus)
        self._events = ray.remote(num_cpus=0)(RayEvents).remote()
        # Retries are the dispatcher's, which knows whether a run got further.
        self._do = ray.remote(max_calls=1, max_retries=0)(do_task)
        self._running: dict[Any, Run] = {}
        self._cpus, self._gpus = self._room()

    def check_room(self, runs: Sequence[Run]) -> None:
        """See that every run could be done on the cluster.

        Raises:
            UserError: one takes more than there is, a line for each model.
        """
        lines = {
            run.model.name: f"{run.model.name}: a run takes {taken.num_cpus} CPUs and {taken.num_gpus} GPUs, "
            f"but the cluster has {self._cpus:g} CPUs and {self._gpus:g} GPUs"
            for run in runs
            if not _fits(taken := self._default.of(run), self._cpus, self._gpus)
        }
        if lines:
            raise UserError("\n".join(lines.values()))

    def end(self) -> None:
        """Interrupt what is still being done."""
        for reference in self._running:
            self._ray.cancel(reference)
        if self._running:
            self._ray.wait(list(self._running), num_returns=len(self._running), timeout=_ENDS_WITHIN_S)

    def has_room_for(self, run: Run) -> bool:
        """See `Crew`; what others do on the cluster does not count: Ray lets tasks wait for that."""
        if self._most is not None and len(self._running) >= self._most:
            return False
        cpus, gpus = self._cpus, self._gpus
        for running in self._running.values():
            taken = self._default.of(running)
            cpus, gpus = cpus - (taken.num_cpus or 0), gpus - (taken.num_gpus or 0)
        return not self._running or _fits(self._default.of(run), cpus, gpus)

    def begin(self, task: Task) -> None:
        """See `Crew`."""
        taken = self._default.of(task.run)
        do = self._do.options(num_cpus=taken.num_cpus, num_gpus=taken.num_gpus)
        self._running[do.remote(pickle.dumps(task), self._events)] = task.run

    def reports(self) -> Sequence[Report]:
        """See `Crew`; what happened in a run comes before its end."""
        ended, _ = self._ray.wait(list(self._running), timeout=_WAITS_S)
        self._cpus, self._gpus = self._room()  # machines come and go
        reports: list[Report] = [Happened(event) for event in self._ray.get(self._events.take.remote())]
        for reference in ended:
            run = self._running.pop(reference)
            try:
                reports.append(Ended(self._ray.get(reference)))
            except self._ray.exceptions.RayError as error:
                reports.append(Died(run, f"was lost ({_reason(error)})"))
        return reports

    def _room(self) -> tuple[float, float]:
        """The processors and the graphics processors of the cluster."""
        resources = self._ray.cluster_resources()
        return resources.get("CPU", 0.0), resources.get("GPU", 0.0)


def _fits(taken: Resources, cpus: float, gpus: float) -> bool:
    return (taken.num_cpus or 0) <= cpus and (taken.num_gpus or 0) <= gpus


def _reason(error: Exception) -> str:
    """The kind of an error of Ray, and its last line, which has the reason."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[-1].strip()[:200]}" if lines else type(error).__name__
