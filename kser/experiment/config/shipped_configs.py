"""The experiments and models that come with kser, wherever it is installed."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

import kser
from kser.errors import UserError
from kser.files import is_there, read_json, read_text, visible_files, write_text
from kser.words import did_you_mean


@dataclass(frozen=True)
class ShippedExperiment:
    """An experiment JSON that comes with kser.

    Attributes:
        name: what commands call it.
        file: the JSON.
        models: its model JSONs.
        models_place: where they go in a copy: beside it, a file or a folder.
    """

    name: str
    file: Path
    models: list[Path]
    models_place: str

    @property
    def description(self) -> str:
        """The first sentence of its own."""
        sentences = re.split(r"(?<=[.?!])\s|(?<=[.?!]')\s", read_json(self.file)["description"])
        return sentences[0].removesuffix(".")


def shipped_experiments() -> dict[str, ShippedExperiment]:
    """All of them, by name."""
    folder = _configs_folder()
    found = {}
    for file in visible_files(folder / "experiments", "*.json"):
        named = Path(read_json(file)["model_files"]).relative_to("configs")
        place = folder / named
        models = visible_files(place, "*.json") if place.is_dir() else [place]
        found[file.stem] = ShippedExperiment(file.stem, file, models, named.as_posix())
    return found


def copy_experiment(name: str, destination: Path, force: bool = False) -> list[Path]:
    """Copy an experiment with its models; the copy finds its models wherever it is moved with them.

    Args:
        name: of the experiment.
        destination: a folder, which may be new.
        force: whether files that are there are replaced.

    Returns:
        What was written, the experiment first.

    Raises:
        UserError: there is no such experiment, or files would be overwritten.
    """
    experiments = shipped_experiments()
    if name not in experiments:
        raise UserError(
            f"no shipped experiment {name!r}{did_you_mean(name, experiments)}; "
            f"there are {', '.join(experiments)}"
        )
    experiment = experiments[name]
    place = destination / experiment.models_place
    one_file = place.suffix == ".json"
    named = json.dumps(read_json(experiment.file)["model_files"])
    text = read_text(experiment.file).replace(named, json.dumps(experiment.models_place), 1)
    texts = {destination / experiment.file.name: text} | {
        place if one_file else place / model.name: read_text(model) for model in experiment.models
    }
    write_new(texts, force)
    return list(texts)


def write_new(texts: dict[Path, str], force: bool) -> None:
    """Write files, none of which may be there already unless forced; nothing is written otherwise.

    Raises:
        UserError: files would be overwritten.
    """
    taken = [] if force else [path for path in texts if is_there(path)]
    if taken:
        raise UserError("\n".join(f"{path}: exists; --force replaces it" for path in taken))
    for path, text in texts.items():
        write_text(path, text)


def _configs_folder() -> Path:
    """In the package where that was installed from a wheel, beside it in a clone."""
    package = Path(kser.__file__).parent
    folders = (package / "configs", package.parent / "configs")
    found = next((folder for folder in folders if (folder / "experiments").is_dir()), None)
    if found is None:
        raise UserError(f"{folders[0]}: the shipped configs are missing; install kser again")
    return found
