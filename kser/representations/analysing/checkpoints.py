"""Stores in their places: of which model, trained with which seed, after how many updates."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kser.errors import UserError
from kser.files import expanded
from kser.grouping import grouped
from kser.representations.embedding.store import FACTS_FILE, Store

BEST = "best"
"""The stage of the model that a run left: the weights of its best evaluation."""
START = "0"
"""The stage before the first update, and of models that no run of kser trained."""
# What `kser embed` makes of several models has a folder for each.
_WITHIN = ("*", "*/*")


@dataclass(frozen=True)
class Checkpoint:
    """One store among those that are compared.

    Attributes:
        store: its hidden states.
        model: its name, with that of the experiment where there are several.
        seed: of the run; empty where no run trained it.
        stage: updates made, or `BEST`.
    """

    store: Store
    model: str
    seed: str
    stage: str

    @property
    def place(self) -> dict[str, str]:
        """The columns that say in every table which checkpoint a row is about."""
        return {"model": self.model, "seed": self.seed, "stage": self.stage}

    @property
    def name(self) -> str:
        """For people: "whisper, seed 0, update 50"."""
        seed = f", seed {self.seed}" if self.seed else ""
        return f"{self.model}{seed}{stage_in_words(self.stage)}"


def stage_in_words(stage: str) -> str:
    """A stage behind the name of a model: ", start", ", best", ", update 50"."""
    return {BEST: ", best", START: ", start"}.get(stage, f", update {stage}")


def stage_order(stage: str) -> tuple[bool, int]:
    """To sort by: updates first, the model that was kept last."""
    return (stage == BEST, 0 if stage == BEST else int(stage))


def found_checkpoints(given: Iterable[str | Path]) -> list[Checkpoint]:
    """The stores in folders, by model, seed and stage.

    Args:
        given: folders that `kser embed` wrote, of one model or of several.

    Raises:
        UserError: a folder holds no store; frames were pooled in two ways; or two stores have the same place.
    """
    stores = {store.folder: store for each in given for store in _stores(expanded(each))}
    if not stores:
        raise UserError("no store given: a folder that kser embed wrote")
    check_alike(list(stores.values()))
    experiments = {run["experiment"] for store in stores.values() if (run := store.facts["run"])}
    found = [_checkpoint(store, len(experiments) > 1) for store in stores.values()]
    for place, same in grouped((tuple(each.place.values()), each) for each in found).items():
        if len(same) > 1:
            first, second = (each.store.folder for each in same[:2])
            raise UserError(f"{second}: the same model, seed and updates as {first}: {', '.join(place)}")
    return sorted(found, key=lambda each: (each.model, _seed_order(each.seed), stage_order(each.stage)))


def trajectories(checkpoints: Sequence[Checkpoint]) -> list[list[Checkpoint]]:
    """The checkpoints of each run, in their order; a model that no run trained is one by itself."""
    return list(grouped(((each.model, each.seed), each) for each in checkpoints).values())


def check_alike(stores: Sequence[Store]) -> None:
    """Whether stores can be compared.

    Raises:
        UserError: frames were pooled in different ways.
    """
    first = stores[0]
    for store in stores[1:]:
        if store.facts["pool"] != first.facts["pool"]:
            raise UserError(
                f"{store.folder}: pooled by {store.facts['pool']}, {first.folder} by {first.facts['pool']}"
            )


def _stores(folder: Path) -> list[Store]:
    if (folder / FACTS_FILE).is_file():
        return [Store.at(folder)]
    within = [file.parent for pattern in _WITHIN for file in sorted(folder.glob(f"{pattern}/{FACTS_FILE}"))]
    if not within:
        what = "holds no hidden states, nor do the folders in it" if folder.is_dir() else "folder not found"
        raise UserError(f"{folder}: {what}; kser embed makes them")
    return [Store.at(each) for each in within]


def _checkpoint(store: Store, with_experiment: bool) -> Checkpoint:
    run: dict[str, Any] | None = store.facts["run"]
    if run is None:
        return Checkpoint(store, store.folder.name, "", START)
    model = f"{run['experiment']}/{run['model']}" if with_experiment else run["model"]
    training = run["training"]
    # A state that was kept has made so many updates; a model that was left has the weights of its best one.
    stage = BEST if "best_step" in training else str(training["updates"])
    return Checkpoint(store, model, str(run["seed"]), stage)


def _seed_order(seed: str) -> int:
    return int(seed) if seed else -1
