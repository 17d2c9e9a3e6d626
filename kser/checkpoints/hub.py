"""The files of a checkpoint on the Hugging Face hub, through its local cache, with or without a network.

`huggingface_hub` downloads, resumes and keeps the cache. Before that, kser asks the hub, within a bounded
time, which files a repository has: the library's own requests may wait for minutes without a network.
"""

import re
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from threading import Thread
from typing import Any

from kser.errors import UserError

# For the list of files. The bound holds for all of name resolution, connecting and answering: the HTTP
# library's own timeouts start anew for each address and leave out name resolution.
ANSWER_S = 5.0
# Loading a model asks several times; after silence, only the cache is used for this long.
SILENCE_S = 10.0

_COMMIT = re.compile("[0-9a-f]{40}")
_WANTED = (
    "config.json, preprocessor_config.json or processor_config.json where it has one, and model.safetensors "
    "or else pytorch_model.bin"
)


class HubFiles:
    """A checkpoint on the Hugging Face hub.

    Args:
        checkpoint: `owner/name`, with or without `hf://` before it and `@revision` (branch, tag or commit)
            after it.
        name: what errors call it; `None` means as above.

    Raises:
        UserError: it is not of that form.
    """

    def __init__(self, checkpoint: str, name: str | None = None):
        from huggingface_hub.errors import HFValidationError
        from huggingface_hub.utils import validate_repo_id

        self.name = name or checkpoint
        self.repository, at, revision = checkpoint.removeprefix("hf://").partition("@")
        self.revision = revision or "main"
        self._is_commit = _COMMIT.fullmatch(self.revision) is not None  # whose files never change
        if self.repository.count("/") != 1 or self.repository.startswith((".", "/", "~")):
            raise UserError(
                f"{checkpoint}: folder not found, and not a Hugging Face id of the form owner/name"
            )
        if at and (".." in revision or not re.fullmatch(r"[\w.-]+(/[\w.-]+)*", revision)):
            raise UserError(f"{checkpoint}: what follows @ is not a revision (a branch, tag or commit)")
        try:
            validate_repo_id(self.repository)
        except HFValidationError as error:
            raise UserError(f"{checkpoint}: folder not found, and not a Hugging Face id: {error}") from None

    def has(self, filename: str) -> bool:
        """Whether the repository has a file of that name.

        Raises:
            UserError: repository or revision not found, or neither the hub nor the cache knows.
        """
        return self._first_of((filename,)) is not None

    def is_local(self, filename: str) -> bool:
        """Whether the cache has the file; the hub is not asked."""
        return isinstance(self._in_cache(filename), str)

    def is_available(self, filename: str) -> bool:
        """Whether the cache has the file, or the hub answers that it has it. Nothing is downloaded."""
        return self.is_local(filename) or (self._knows(filename) is True and self._listing.answered)

    def find(self, *filenames: str) -> Path | None:
        """Path of the first of these that the repository has, downloaded where needed.

        Raises:
            UserError: as for `has`, or the file cannot be downloaded.
        """
        filename = self._first_of(filenames)
        if filename is None:
            return None
        cached = self._in_cache(filename)
        # The cache may hold an older version of a file on a branch.
        if isinstance(cached, str) and (self._is_commit or self._listing.commit in ("", *Path(cached).parts)):
            return Path(cached)
        return self.fetch(filename) / filename

    def fetch(self, *patterns: str) -> Path:
        """Download every file whose path in the repository matches one of the patterns.

        Args:
            patterns: e.g. `"*.json"`; `*` stands for any characters, `/` included.

        Returns:
            The folder in the cache that holds them.

        Raises:
            UserError: a file cannot be downloaded.
        """
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import LocalEntryNotFoundError

        wanted = " or ".join(patterns)
        try:
            folder = snapshot_download(
                self.repository,
                revision=self.revision,
                allow_patterns=list(patterns),
                local_files_only=not self._listing.answered,
            )
        except LocalEntryNotFoundError as error:
            raise self._refusal(wanted, _in_a_line(error.__cause__ or error)) from None
        except _http_errors(RuntimeError) as error:  # RuntimeError: from its faster protocol, xet
            verdict = _verdict(error, self.repository, self.revision)
            failure = verdict or f"{wanted} could not be downloaded: {_in_a_line(error)}"
            raise UserError(f"{self.name}: {failure}") from None
        return Path(folder)

    @cached_property
    def _listing(self) -> "_Listing":
        listing = _ask(self.repository, self.revision)
        return listing if listing.answered else replace(listing, names=self._names_in_cache())

    def _first_of(self, filenames: tuple[str, ...]) -> str | None:
        """The first of these that the repository has."""
        known = {filename: self._knows(filename) for filename in filenames}
        if not any(known.values()) and None in known.values():
            raise self._refusal(" or ".join(filenames), self._listing.silence)
        return next((filename for filename in filenames if known[filename]), None)

    def _knows(self, filename: str) -> bool | None:
        """Whether the repository has the file; `None` where neither the hub nor the cache says."""
        cached = self._in_cache(filename)
        in_cache = None if cached is None else isinstance(cached, str)
        if self._is_commit:
            names = self._names_in_cache()
            if in_cache is not None or (names is not None and filename not in names):
                return bool(in_cache)
        names = self._listing.names
        return in_cache if names is None else filename in names

    def _in_cache(self, filename: str) -> Any:
        """Its path, `None` if nothing is known, or an object that means that the revision lacks it."""
        from huggingface_hub import try_to_load_from_cache

        return try_to_load_from_cache(self.repository, filename, revision=self.revision)

    def _names_in_cache(self) -> frozenset[str] | None:
        """Names of all files, as recorded by an earlier download."""
        from huggingface_hub import get_cached_repo_tree
        from huggingface_hub.errors import CachedRepoTreeNotFoundError

        try:
            files = get_cached_repo_tree(self.repository, revision=self.revision)
        except CachedRepoTreeNotFoundError:
            return None
        return frozenset(file.path for file in files)

    def _refusal(self, missing: str, reason: str) -> UserError:
        """The error for a file that the cache lacks and the hub does not deliver."""
        from huggingface_hub import constants

        if self._listing.verdict:
            return UserError(f"{self.name}: {self._listing.verdict}")
        at = "" if self.revision == "main" else f" at {self.revision}"
        return UserError(
            f"{self.name}: folder not found, the Hugging Face hub cannot be reached "
            f"({self._listing.silence or reason}), and its cache {constants.HF_HUB_CACHE} lacks {missing}; "
            f"download {self.repository}{at} where there is a network "
            f"({_WANTED}, from {_page(self.repository, self.revision)}) "
            "into a folder and give its path"
        )


@dataclass(frozen=True)
class _Listing:
    """What the hub says about a repository: its files, or why it does not give them.

    Args:
        names: of all files; `None` if they are not known.
        commit: that the revision stands for.
        verdict: what the hub says instead of listing the files.
        silence: why there was no answer.
    """

    names: frozenset[str] | None = None
    commit: str = ""
    verdict: str = ""
    silence: str = ""

    @property
    def answered(self) -> bool:
        """Whether the hub listed the files."""
        return not (self.verdict or self.silence)


_silences: dict[str, tuple[float, str]] = {}
"""By address of a hub: until when it is not asked again, and why it gave no answer."""


def _ask(repository: str, revision: str) -> _Listing:
    """Ask the hub for the names of all files of a repository, unless it has just failed to answer."""
    from huggingface_hub import HfApi, constants

    silent_until, silence = _silences.get(constants.ENDPOINT, (0.0, ""))
    if time.monotonic() < silent_until:
        return _Listing(silence=silence)
    try:
        answer = _within(
            ANSWER_S, lambda: HfApi().model_info(repository, revision=revision, timeout=ANSWER_S)
        )
    except _http_errors(ValueError) as error:  # ValueError: a login page instead of the list
        if verdict := _verdict(error, repository, revision):
            return _Listing(verdict=verdict)
        silence = _in_a_line(error)
        _silences[constants.ENDPOINT] = time.monotonic() + SILENCE_S, silence
        return _Listing(silence=silence)
    return _Listing(frozenset(sibling.rfilename for sibling in answer.siblings or ()), answer.sha)


def _within(seconds: float, call: Callable[[], Any]) -> Any:
    """The result of `call`, or `TimeoutError`; the call is then abandoned."""
    future: Future[Any] = Future()

    def work() -> None:
        try:
            future.set_result(call())
        except Exception as error:  # raised again where the result is waited for
            future.set_exception(error)

    Thread(target=work, daemon=True).start()
    return future.result(seconds)


def _http_errors(*others: type[Exception]) -> tuple[type[Exception], ...]:
    """What the HTTP library, whichever it is, raises: the hub's own errors share its base class."""
    from huggingface_hub.errors import HfHubHTTPError

    return OSError, *HfHubHTTPError.__bases__, *others


def _verdict(error: Exception, repository: str, revision: str) -> str:
    """What the hub said about a repository, if the error is an answer."""
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

    if isinstance(error, GatedRepoError):  # a subclass of RepositoryNotFoundError
        page = _page(repository, revision)
        return f"access is granted by its owner: request it at {page} and set HF_TOKEN to your token"
    if isinstance(error, RepositoryNotFoundError):
        return (
            "found neither as a folder nor as a repository on the Hugging Face hub (a private one requires a "
            "token in HF_TOKEN)"
        )
    if isinstance(error, RevisionNotFoundError):
        return f"the repository has no revision {revision}"
    return ""


def _page(repository: str, revision: str) -> str:
    from huggingface_hub import constants

    return f"{constants.ENDPOINT}/{repository}/tree/{revision}"


def _in_a_line(error: BaseException) -> str:
    """The reason for silence, on one line."""
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    if isinstance(error, OfflineModeIsEnabled):
        return "HF_HUB_OFFLINE is set"
    if isinstance(error, TimeoutError):
        return f"no answer within {ANSWER_S:g} s"
    if isinstance(error, HfHubHTTPError):
        return f"it answers with status {error.response.status_code}"
    first_line = next(iter(str(error).splitlines()), "")[:200]
    return first_line or type(error).__name__
