"""Speech emotion recognition in Keras 3, on JAX, TensorFlow and PyTorch.

What is named here is imported when it is first used. `import kser` before Keras chooses the backend, see
`kser.startup.default_backend`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from kser.errors import UserError
from kser.startup import check_backend, default_backend

if TYPE_CHECKING:
    from kser.audio.loading import load_audio
    from kser.experiment.config.experiment_config import ExperimentConfig
    from kser.experiment.config.model_config import ModelConfig
    from kser.experiment.executors.local import LocalExecutor
    from kser.experiment.executors.ray_cluster import RayExecutor
    from kser.experiment.executors.slurm import SlurmExecutor
    from kser.experiment.study.evaluation import evaluate
    from kser.experiment.study.experiment import Experiment
    from kser.models import (
        EmotionClassifier,
        EmotionRegressor,
        EmotionTagger,
        MultiTaskEmotionModel,
        SpeechBackbone,
    )
    from kser.representations.analysing.study import analyse
    from kser.representations.embedding.embedding import embed
    from kser.representations.expert_features.features import features
    from kser.serving.predictor import load_model

__version__ = "0.2.0"

__all__ = [
    "EmotionClassifier",
    "EmotionRegressor",
    "EmotionTagger",
    "Experiment",
    "ExperimentConfig",
    "LocalExecutor",
    "ModelConfig",
    "MultiTaskEmotionModel",
    "RayExecutor",
    "SlurmExecutor",
    "SpeechBackbone",
    "UserError",
    "__version__",
    "analyse",
    "embed",
    "evaluate",
    "features",
    "load_audio",
    "load_model",
]

_WITHOUT_KERAS = {
    "ExperimentConfig": "kser.experiment.config.experiment_config",
    "ModelConfig": "kser.experiment.config.model_config",
    "analyse": "kser.representations.analysing.study",
    "features": "kser.representations.expert_features.features",
    "load_audio": "kser.audio.loading",
}
_WITH_KERAS = {
    "EmotionClassifier": "kser.models",
    "EmotionRegressor": "kser.models",
    "EmotionTagger": "kser.models",
    "Experiment": "kser.experiment.study.experiment",
    "LocalExecutor": "kser.experiment.executors.local",
    "MultiTaskEmotionModel": "kser.models",
    "RayExecutor": "kser.experiment.executors.ray_cluster",
    "SlurmExecutor": "kser.experiment.executors.slurm",
    "SpeechBackbone": "kser.models",
    "embed": "kser.representations.embedding.embedding",
    "evaluate": "kser.experiment.study.evaluation",
    "load_model": "kser.serving.predictor",
}

default_backend()


def __getattr__(name: str) -> Any:
    module = _WITHOUT_KERAS.get(name) or _WITH_KERAS.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name in _WITH_KERAS:
        check_backend()
    value = globals()[name] = getattr(import_module(module), name)
    return value


def __dir__() -> list[str]:
    return list(__all__)
