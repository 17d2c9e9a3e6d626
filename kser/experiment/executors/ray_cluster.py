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
from kser.experiment.executors.crew import Died, Ended, Happened, Report
from kser.experiment.executors.dispatch import dispatch
from kser.experiment.executors.ray_task import RayEvents, check_node, do_task
from kser.experiment.executors.shared_places import shared_places
from kser.experiment.executors.task import Task
from kser.experiment.runs.planning import Run
from kser.experiment.study.events import ProgressListener
from kser.experiment.study.results import RunResult
from kser.startup import check_extra

_WAITS_S = 0.5
_ENDS_WITHIN_S = 20.0


@dataclass(frozen=True)
class RayOptions:
    """A cluster and what a run takes of it.

    Attributes:
        address: of the cluster, "host:port", or "auto" for the one that this machine is part of; `None` for
            one of this machine alone, which lasts as long as the study.
        workers: how many runs at once; `None` for as many as the cluster has room for.
        num_cpus: processors of a run.
        num_gpus: graphics processors of a run.
    """

    address: str | None = None
    workers: int | None = None
    num_cpus: int = 1
    num_gpus: int = 0


def train_on_ray(runs: Sequence[Run], progress: ProgressListener, options: RayOptions) -> list[RunResult]:
    """Do runs on a Ray cluster.

    Args:
        runs: of one experiment.
        progress: gets the events of the study.
        options: see `RayOptions`.

    Raises:
        UserError: Ray is not installed or does not answer; a machine of the cluster lacks a place, or no
            machine has what a run takes.
    """
    check_extra("ray", "ray")
    places = shared_places(runs)
    with _cluster(options.address) as ray:
        _check_nodes(ray, Task(runs[0], places))
        with _crew(ray, options) as crew:
            return dispatch(runs, crew, places, progress)


@contextmanager
def _cluster(address: str | None) -> Iterator[Any]:
    """Ray, connected to a cluster."""
    # Ray warns of what it will change in a later version.
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
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
        raise UserError(f"--ray_address {address}: {' '.join(str(error).split())}") from error
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
def _crew(ray: Any, options: RayOptions) -> Iterator["RayCrew"]:
    crew = RayCrew(ray, options)
    try:
        yield crew
    finally:
        crew.end()


class RayCrew:
    """A `Crew` of tasks on a Ray cluster.

    Args:
        ray: the module, connected.
        options: see `RayOptions`.

    Raises:
        UserError: the cluster has no room for a run.
    """

    def __init__(self, ray: Any, options: RayOptions):
        self._ray = ray
        resources = ray.cluster_resources()
        rooms = [resources.get("CPU", 0) // options.num_cpus]
        if options.num_gpus:
            rooms.append(resources.get("GPU", 0) // options.num_gpus)
        if min(rooms) < 1:
            raise UserError(
                f"--num_cpus {options.num_cpus} --num_gpus {options.num_gpus}: the cluster has "
                f"{resources.get('CPU', 0):g} CPUs and {resources.get('GPU', 0):g} GPUs"
            )
        self.size = int(min(rooms)) if options.workers is None else options.workers
        self._events = ray.remote(num_cpus=0)(RayEvents).remote()
        # Retries are the dispatcher's, which knows whether a run got further.
        self._do = ray.remote(
            num_cpus=options.num_cpus, num_gpus=options.num_gpus, max_calls=1, max_retries=0
        )(do_task)
        self._running: dict[Any, Run] = {}

    def end(self) -> None:
        """Interrupt what is still being done."""
        for reference in self._running:
            self._ray.cancel(reference)
        if self._running:
            self._ray.wait(list(self._running), num_returns=len(self._running), timeout=_ENDS_WITHIN_S)

    @property
    def free(self) -> int:
        """See `Crew`."""
        return self.size - len(self._running)

    def begin(self, task: Task) -> None:
        """See `Crew`."""
        self._running[self._do.remote(pickle.dumps(task), self._events)] = task.run

    def reports(self) -> Sequence[Report]:
        """See `Crew`; what happened in a run comes before its end."""
        ended, _ = self._ray.wait(list(self._running), timeout=_WAITS_S)
        reports: list[Report] = [Happened(event) for event in self._ray.get(self._events.take.remote())]
        for reference in ended:
            run = self._running.pop(reference)
            try:
                reports.append(Ended(self._ray.get(reference)))
            except self._ray.exceptions.RayError as error:
                reports.append(Died(run, f"was lost ({_reason(error)})"))
        return reports


def _reason(error: Exception) -> str:
    """The kind of an error of Ray, and its last line, which has the reason."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[-1].strip()[:200]}" if lines else type(error).__name__
