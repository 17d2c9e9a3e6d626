"""A whole corpus, processed and written again: its tree, its formats, its metadata."""

import csv
import io
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console

from kser.audio.rewriting import Facts, Normalize, Trim, rewrite
from kser.audio.segments import file_of, in_other_file, segment_of
from kser.corpora.metadata import content_key, write_metadata
from kser.corpora.rewriting_manifest import Manifest
from kser.corpora.rewriting_plan import Plan, plan_rewriting
from kser.errors import UserError
from kser.files import write_text
from kser.progress_bar import progress_bar
from kser.spreadsheets import inert
from kser.words import listed

_REPORT_COLUMNS = ("recording", "source", *(fact.name for fact in fields(Facts)))


@dataclass
class Outcome:
    """What became of a corpus.

    Attributes:
        facts: of each copy in the output folder, by its source.
        written: how many were written now; the others existed already.
        bad: why a recording was left out, by its path.
        tables: the metadata CSVs written.
        report: the CSV with all this for each recording.
        other_files: files of the input folder that are neither recordings nor metadata.
    """

    report: Path
    facts: dict[Path, Facts] = field(default_factory=dict)
    written: int = 0
    bad: dict[Path, str] = field(default_factory=dict)
    tables: list[Path] = field(default_factory=list)
    other_files: int = 0


def rewrite_corpus(
    input_path: str | Path,
    output_path: str | Path,
    step: Normalize | Trim,
    workers: int | None = None,
    console: Console | None = None,
) -> Outcome:
    """Process every recording of a folder or a metadata CSV; the copies and their metadata go elsewhere.

    Copies have the tree, names, rates, channels and formats of the originals. What an earlier run has
    finished is kept; a recording that cannot be processed is named in the outcome and left out of the
    metadata.

    Args:
        input_path: a folder or a metadata CSV.
        output_path: a folder; its files that no earlier run has written are never touched.
        step: what is done.
        workers: threads (decoding, filtering and encoding run beside each other); `None` for one a core.
        console: where progress is shown; `None` shows none.

    Raises:
        UserError: as `plan_rewriting`; or a copy would replace a file that no earlier run wrote.
    """
    plan = plan_rewriting(input_path, output_path)
    _check_times_stay(plan.tables, step)
    command = type(step).__name__.lower()
    folder = Path(output_path).expanduser()
    outcome = Outcome(folder / f"{command}_report.csv", other_files=plan.other_files)
    outcome.bad.update(plan.unreadable)
    with Manifest(folder, command) as manifest:
        report = Path(outcome.report.name)
        _check_nothing_in_the_way(manifest, [*plan.targets.values(), *plan.tables, report])
        _rewrite_all(plan, manifest, step, workers or os.cpu_count() or 1, console, outcome)
        for target, table in plan.tables.items():
            copies = _with_copies(table, plan, folder, outcome)
            if len(copies):
                with _own(manifest, target) as path:
                    write_metadata(copies, path)
                outcome.tables.append(path)
        with _own(manifest, report) as path:
            write_text(path, _report(plan, outcome))
    return outcome


def _check_nothing_in_the_way(manifest: Manifest, targets: list[Path]) -> None:
    if foreign := [str(target) for target in targets if not manifest.is_own(target)]:
        raise UserError(
            f"{manifest.folder}: has files where copies would go that kser did not write, or that were "
            f"changed since: {listed(foreign)}; choose another output folder or move them away"
        )


def _rewrite_all(
    plan: Plan,
    manifest: Manifest,
    step: Normalize | Trim,
    workers: int,
    console: Console | None,
    outcome: Outcome,
) -> None:
    title = f"{type(step).__name__.lower()} {manifest.folder}"
    settings = {"step": type(step).__name__, **asdict(step)}
    with (
        progress_bar(console, title, len(plan.targets), "files") as show,
        ThreadPoolExecutor(workers) as pool,
    ):
        sources = {
            pool.submit(_rewrite_one, source, target, manifest, step, settings): source
            for source, target in plan.targets.items()
        }
        try:
            for done, future in enumerate(as_completed(sources), start=1):
                source = sources[future]
                try:
                    outcome.facts[source], is_new = future.result()
                    outcome.written += is_new
                except UserError as error:
                    outcome.bad[source] = str(error)
                show(done)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _rewrite_one(
    source: Path, target: Path, manifest: Manifest, step: Normalize | Trim, settings: dict[str, Any]
) -> tuple[Facts, bool]:
    """The facts of the copy, and whether it was written now."""
    made_from = {"source": content_key(source), **settings}
    known = manifest.facts_of(target, made_from)
    if known is not None:
        return Facts(**known), False
    manifest.begin(target)
    try:
        facts = rewrite(source, manifest.folder / target, step)
    except UserError:
        manifest.abandon(target)
        raise
    manifest.finish(target, made_from, asdict(facts))
    return facts, True


def _with_copies(table: pd.DataFrame, plan: Plan, folder: Path, outcome: Outcome) -> pd.DataFrame:
    """The rows whose recording has a copy, with the copy's path."""
    sources = [Path(os.path.normpath(file_of(path))) for path in table["path"]]
    has_copy = [source in outcome.facts for source in sources]
    copies = [
        in_other_file(path, (folder / plan.targets[source]).absolute())
        for path, source in zip(table["path"], sources, strict=True)
        if source in outcome.facts
    ]
    return table[has_copy].assign(path=copies)


def _check_times_stay(tables: Mapping[Path, pd.DataFrame], step: Normalize | Trim) -> None:
    """Refuse to trim files of which a table names parts: the parts would be elsewhere."""
    if not isinstance(step, Trim):
        return
    for target, table in tables.items():
        if parts := [path for path in table["path"] if segment_of(path) is not None]:
            raise UserError(
                f"{target}: start and end name parts of files, such as {parts[0]}, which trimming would "
                "move; trim in the experiment instead (trim_db), where each part is trimmed by itself"
            )


@contextmanager
def _own(manifest: Manifest, target: Path) -> Iterator[Path]:
    """The path of a table to write, which the next run may replace."""
    manifest.begin(target)
    yield manifest.folder / target
    manifest.finish(target, {}, {})


def _report(plan: Plan, outcome: Outcome) -> str:
    text = io.StringIO()
    rows = csv.DictWriter(text, _REPORT_COLUMNS, lineterminator="\n")
    rows.writeheader()
    for row in _report_rows(plan, outcome):
        rows.writerow({name: inert(cell) for name, cell in row.items()})
    return text.getvalue()


def _report_rows(plan: Plan, outcome: Outcome) -> Iterator[dict[str, Any]]:
    for source, target in sorted(plan.targets.items()):
        if source in outcome.facts:
            facts = asdict(outcome.facts[source])
            rounded = {
                name: round(value, 6) if type(value) is float else value for name, value in facts.items()
            }
            yield {"recording": target.as_posix(), "source": source, **rounded}
    for source, reason in sorted(outcome.bad.items()):
        yield {"recording": "", "source": source, "note": f"left out: {reason}"}
