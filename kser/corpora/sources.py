"""Where a corpus is taken from: a folder, archives that are unpacked beside the metadata, or a download."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from rich.console import Console

from kser.console import print_line
from kser.corpora.archives import ARCHIVE_SUFFIXES, is_archive, only_subfolder, unpack
from kser.corpora.downloading import download
from kser.corpora.metadata import content_key
from kser.corpora.recipe import NotTheCorpusError, Recipe
from kser.errors import UserError
from kser.files import expanded, read_json, replacing, write_json
from kser.progress_bar import progress_bar
from kser.words import listed

# Both lie beside the metadata CSV, so that its paths are relative.
UNPACKED_FOLDER = "corpus"
DOWNLOADS_FOLDER = "archives"
_UNPACKED_FROM = ".unpacked_from.json"


def corpus_folder(
    recipe: Recipe, sources: Sequence[str | Path], beside: Path, console: Console | None = None
) -> Path:
    """The folder with the files of a corpus; archives are unpacked into `beside/corpus`.

    Args:
        recipe: the corpus.
        sources: a folder, or archives, which are unpacked into one folder.
        beside: the folder of the metadata CSV.
        console: where to show the progress.

    Raises:
        UserError: the folder or archive is not found; an archive is refused or holds another corpus;
            `beside/corpus` holds something other.
    """
    paths = [expanded(source) for source in sources]
    for path in paths:
        if not path.exists():
            raise UserError(f"{path}: folder or archive not found; {recipe.name} is {recipe.layout}")
        if not path.is_dir() and not is_archive(path):
            raise UserError(
                f"{path}: is neither a folder nor an archive ({', '.join(ARCHIVE_SUFFIXES)}); "
                f"unpack it first: {recipe.name} is {recipe.layout}"
            )
    if len(paths) == 1 and paths[0].is_dir():
        return paths[0]
    if folders := [str(path) for path in paths if path.is_dir()]:
        raise UserError(f"{listed(folders)}: one folder, or one or more archives, can be a source")
    return _unpacked(recipe, paths, beside / UNPACKED_FOLDER, console)


def downloaded_corpus(recipe: Recipe, beside: Path, console: Console | None = None) -> Path:
    """The folder with the files of a corpus that anybody may download; archives go to `beside/archives`.

    Raises:
        UserError: the corpus has to be obtained otherwise; or as `download` and `corpus_folder`.
    """
    if not recipe.archives:
        raise UserError(
            f"{recipe.name}: kser cannot download it (licence: {recipe.licence}); obtain it from "
            f"{recipe.home_page}, then: kser data prepare {recipe.name} --source FOLDER_OR_ARCHIVE"
        )
    folder = beside / UNPACKED_FOLDER
    published = [(archive.name, archive.size_bytes) for archive in recipe.archives]
    if [(origin["name"], origin["size_bytes"]) for origin in _origins(folder)] == published:
        return folder
    files = [download(archive, beside / DOWNLOADS_FOLDER, console) for archive in recipe.archives]
    return _unpacked(recipe, files, folder, console)


def read_as_published(recipe: Recipe, folder: Path) -> tuple[Path, pd.DataFrame]:
    """Read a corpus from a folder, or from the only subfolder, where an archive's top folder is.

    Returns:
        The folder that is laid out as published, and what `recipe.read` makes of it.

    Raises:
        UserError: neither looks like the corpus, or there are unexpected files.
    """
    tried: Path | None = folder
    refusal = ""
    archives: list[str] = []
    while tried is not None:
        try:
            return tried, recipe.read(tried)
        except NotTheCorpusError as error:
            refusal = refusal or str(error)
        except UserError as error:
            raise UserError(f"{error}{_doubt(recipe)}") from None
        archives += sorted(path.name for path in tried.iterdir() if is_archive(path))
        tried = only_subfolder(tried)
    hint = f"; it holds archives, each can be a --source: {listed(archives)}" if archives else ""
    raise UserError(f"{refusal}{hint}{_doubt(recipe)}")


def _doubt(recipe: Recipe) -> str:
    if recipe.verified:
        return ""
    return " (the recipe was made only from the description: the recipe itself may be wrong)"


def _unpacked(recipe: Recipe, archives: Sequence[Path], folder: Path, console: Console | None) -> Path:
    """Unpack archives into a folder, once: when it is complete and looks like the corpus."""
    sizes = [path.stat().st_size for path in archives]
    origins = [
        {"name": path.name, "size_bytes": size, "content_key": content_key(path)}
        for path, size in zip(archives, sizes, strict=True)
    ]
    given = listed([str(path) for path in archives])
    if folder.is_dir() and any(folder.iterdir()):
        if _origins(folder) == origins:
            return folder
        raise UserError(
            f"{folder}: holds something other than {given} unpacked; move it away, or give it as --source"
        )
    if console is not None:
        for left in sorted(folder.parent.glob(f".{folder.name}.*")):
            line = f"{left}: left by an unpacking that was killed, if none is running: remove it"
            print_line(console, line)
    subfolders = {archive.name: archive.unpack_into for archive in recipe.archives}
    with replacing(folder) as draft:
        for path, size in zip(archives, sizes, strict=True):
            with progress_bar(console, f"{path.name}: unpacking", size, "bytes") as show:
                unpack(path, draft / subfolders.get(path.name, ""), show)
        draft.mkdir(exist_ok=True)
        try:
            read_as_published(recipe, draft.absolute())
        except UserError as error:
            raise UserError(str(error).replace(str(draft.absolute()), given)) from None
        write_json(draft / _UNPACKED_FROM, origins)
    return folder


def _origins(folder: Path) -> list[dict]:
    """The archives that a folder was unpacked from; empty when that is not known."""
    record = folder / _UNPACKED_FROM
    return read_json(record) if record.is_file() else []
