"""What kser uses of MLflow, in memory."""

from types import ModuleType, SimpleNamespace
from typing import NamedTuple


class Metric(NamedTuple):
    key: str
    value: float
    timestamp: int
    step: int


class Param(NamedTuple):
    key: str
    value: str


class Server:
    """Runs by their ids, whoever asks."""

    def __init__(self):
        self.experiments = {}
        self.runs = {}
        self.fails = False


def module(server: Server) -> ModuleType:
    """A module mlflow whose clients all talk to that server."""

    class MlflowClient:
        def __init__(self, tracking_uri):
            self.tracking_uri = tracking_uri

        def get_experiment_by_name(self, name):
            identity = server.experiments.get(name)
            return None if identity is None else SimpleNamespace(experiment_id=identity)

        def create_experiment(self, name):
            server.experiments[name] = str(len(server.experiments))
            return server.experiments[name]

        def create_run(self, experiment_id, run_name=None, tags=None):
            if server.fails:
                raise OSError("no answer")
            run_id = f"run{len(server.runs)}"
            server.runs[run_id] = SimpleNamespace(
                experiment_id=experiment_id,
                name=run_name,
                tags=tags,
                metrics=[],
                params={},
                status="RUNNING",
            )
            return SimpleNamespace(info=SimpleNamespace(run_id=run_id))

        def update_run(self, run_id, status):
            server.runs[run_id].status = status

        def log_batch(self, run_id, metrics=(), params=()):
            assert len(params) <= 100
            if server.fails:
                raise OSError("no\nanswer")
            server.runs[run_id].metrics += metrics
            server.runs[run_id].params |= dict(params)

        def set_terminated(self, run_id, status):
            server.runs[run_id].status = status

    mlflow = ModuleType("mlflow")
    mlflow.MlflowClient = MlflowClient
    mlflow.entities = SimpleNamespace(Metric=Metric, Param=Param)
    return mlflow
