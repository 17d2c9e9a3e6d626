"""Short names for published checkpoints, with what one should know before using one.

The table is `named_checkpoints.csv`, one checkpoint a line, families together; `NamedCheckpoint` describes
its columns.

Revisions are commits of the Hugging Face repositories, so that a name means the same weights next year. They
are those that the repositories' own pages show, or that several unrelated projects load by; all hold a
configuration and weights. `"main"`, the newest, stands where no commit could be confirmed.

Licences are those that the repositories declare. Microsoft's cards declare none: they name the file
`LICENSE` of github.com/microsoft/UniSpeech.
"""

import csv
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from kser.words import nearest_names

NEWEST = "main"


@dataclass(frozen=True)
class NamedCheckpoint:
    """A published checkpoint.

    Args:
        name: short name, e.g. `"wav2vec2_base"`.
        repository: on the Hugging Face hub.
        model_type: architecture, as in `config.json`.
        parameters: of the backbone that kser loads, without heads and decoders.
        licence: identifier as the hub spells it, or where to find it.
        paper: arXiv number.
        revision: commit, or `"main"`.
        sampling_rate_hz: of its input.
    """

    name: str
    repository: str
    model_type: str
    parameters: int
    licence: str
    paper: str
    revision: str = NEWEST
    sampling_rate_hz: int = 16_000

    @property
    def handle(self) -> str:
        """Repository and revision, as `kser.checkpoints.locate.checkpoint_files` takes them."""
        return self.repository if self.revision == NEWEST else f"{self.repository}@{self.revision}"

    @property
    def forbids_commercial_use(self) -> bool:
        """Whether the licence is a Creative Commons licence with the condition NonCommercial."""
        return "-nc-" in f"{self.licence}-"


def _read_table() -> list[NamedCheckpoint]:
    table = files(__package__).joinpath("named_checkpoints.csv").read_text(encoding="utf-8")
    rows: list[dict[str, Any]] = list(csv.DictReader(table.splitlines()))
    return [NamedCheckpoint(**{**row, "parameters": int(row["parameters"])}) for row in rows]


NAMED_CHECKPOINTS = {checkpoint.name: checkpoint for checkpoint in _read_table()}
"""By short name, in the order of the table."""

_BY_REPOSITORY = {checkpoint.repository.lower(): checkpoint for checkpoint in NAMED_CHECKPOINTS.values()}


def named_checkpoint(preset: str) -> NamedCheckpoint | None:
    """The checkpoint of that name, `None` if the table does not have it.

    Args:
        preset: short name, or hub id with or without `hf://` before and `@revision` after it.
    """
    repository = preset.removeprefix("hf://").partition("@")[0]
    return NAMED_CHECKPOINTS.get(preset) or _BY_REPOSITORY.get(repository.lower())


def nearest_name(preset: str) -> str | None:
    """The short name that was probably meant."""
    return next(iter(nearest_names(preset, NAMED_CHECKPOINTS)), None)
