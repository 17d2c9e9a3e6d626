"""Trained models as one: the mean of what they say."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kser.audio.decoding import Sound
from kser.errors import UserError
from kser.experiment.runs.published_model import model_provenance
from kser.serving.loaded_model import LoadedModel, VectorMemory

# Models that are larger together are loaded one by one, anew for each group of recordings.
MOST_BYTES_LOADED = 4 << 30

Said = dict[str, np.ndarray]
"""What is said of one recording: by the outputs of the task's targets, a float64 vector each."""


class Ensemble:
    """One or more trained models that say the same things of a recording.

    Models with the same frozen backbone, such as the seeds of a probe, share it: it is computed once.

    Args:
        folders: of the models, or names of published ones.

    Raises:
        UserError: one cannot be loaded, or they say different things.

    Attributes:
        folders: as given.
        first: the first model, whose names and order the others take on.
        threshold: the probability below which the models are not sure, the mean of theirs; `None` where one
            does not know it.
    """

    def __init__(self, folders: Sequence[Path]):
        self.folders = list(folders)
        self.first = LoadedModel.load(self.folders[0], self._may_share)
        self.threshold = self._mean_threshold()
        self._models: list[LoadedModel] = []
        if sum(map(_bytes_of_weights, self.folders)) <= MOST_BYTES_LOADED or len(self.folders) == 1:
            self._models = list(self._loaded())

    @property
    def names(self) -> Mapping[str, list[str]]:
        """What the values of each output are called: the labels of a classifier, say."""
        return self.first.vocabulary.names

    @property
    def fingerprints(self) -> list[str]:
        """What the models are known by: other ones have others."""
        return [model_provenance(folder).run_fingerprint for folder in self.folders]

    @property
    def heard_seconds(self) -> tuple[float, float]:
        """See `LoadedModel.heard_seconds`: what all models take that are in memory."""
        bounds = [model.heard_seconds for model in [self.first, *self._models]]
        return max(shortest for shortest, _ in bounds), min(longest for _, longest in bounds)

    def say(
        self,
        sounds: Sequence[tuple[str, Sound]],
        places: int | None = None,
        report: Callable[[float], None] = lambda share: None,
    ) -> list[Said | UserError]:
        """What the models say of recordings, on average.

        Args:
            sounds: of each its name, for messages, and what decoding it gave.
            places: of a batch at most, see `ModelAudio.batches`; `None` for 1 where there is one recording,
                else as many as in a batch of training.
            report: gets the share that is done, 0 to 1, after each batch of each model.

        Returns:
            Of each what is said of it, or why nothing can be: it is too short for one of the models.
        """
        sums: list[Said | UserError] = [{} for _ in sounds]
        memory: VectorMemory = {}
        usual = 1 if len(sounds) == 1 else int(self.first.provenance.model_config["batch_size"])
        for number, model in enumerate(self._models or self._loaded()):

            def report_of_all(share: float, before: int = number) -> None:
                report((before + share) / len(self.folders))

            self._add(model, sounds, places or usual, sums, memory, report_of_all)
        return [self._mean(name, said) for (name, _), said in zip(sounds, sums, strict=True)]

    def _mean(self, name: str, said: Said | UserError) -> Said | UserError:
        if isinstance(said, UserError):
            return said
        if not all(np.isfinite(values).all() for values in said.values()):
            return UserError(f"{name}: the model gives no numbers for it")
        return {output: values / len(self.folders) for output, values in said.items()}

    def _add(
        self,
        model: LoadedModel,
        sounds: Sequence[tuple[str, Sound]],
        places: int,
        sums: list[Said | UserError],
        memory: VectorMemory,
        report: Callable[[float], None],
    ) -> None:
        """Add to the sums what one model says; an error takes the place of a sum."""
        waveforms = {}
        for place, (name, sound) in enumerate(sounds):
            try:
                waveforms[place] = model.waveforms(name, sound)
            except UserError as error:
                sums[place] = error
        if not waveforms:
            return
        decoded = model.decoded(list(waveforms.values()), places, memory, report)
        for output, order in self.first.vocabulary.order_of(model.vocabulary).items():
            for place, values in zip(waveforms, decoded[output][:, order], strict=True):
                if not isinstance(said := sums[place], UserError):
                    said[output] = said.get(output, 0.0) + values

    def _loaded(self) -> Iterator[LoadedModel]:
        """The models, one after another; a backbone that was loaded before is not kept twice."""
        backbones: dict[Any, Any] = {}
        for place, folder in enumerate(self.folders):
            model = self.first if place == 0 else LoadedModel.load(folder, self._may_share)
            self.first.vocabulary.order_of(model.vocabulary)
            if model.backbone is not None:
                key, parts = model.backbone
                model = model.with_backbone((key, backbones.setdefault((key, model.format), parts)))
            yield model

    def _mean_threshold(self) -> float | None:
        found: list[Any] = []
        for folder in self.folders:
            provenance = model_provenance(folder)
            found += [
                provenance.calibration.get(target.output, {}).get("threshold")
                for target in self.first.task.targets
                if target.class_column is not None
            ]
        return float(np.mean(found)) if found and None not in found else None

    @property
    def _may_share(self) -> bool:
        return len(self.folders) > 1


def _bytes_of_weights(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("*.weights.h5"))
