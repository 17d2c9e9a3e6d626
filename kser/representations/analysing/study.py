"""`kser.analyse`: stores in, tables and figures out."""

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

import kser
from kser.errors import UserError
from kser.files import expanded
from kser.representations.analysing.analysis_folder import Analysis, analysis_at, write_analysis
from kser.representations.analysing.checkpoints import Checkpoint, found_checkpoints
from kser.representations.analysing.context import Context
from kser.representations.analysing.feature_groups import feature_groups
from kser.representations.analysing.jobs import Job
from kser.representations.analysing.ledger import Ledger
from kser.representations.analysing.planning import planned_jobs
from kser.representations.analysing.seed_summary import seed_summary
from kser.representations.analysing.settings import PARTS, USUAL, AnalysisSettings
from kser.representations.analysing.utterances import common_utterances
from kser.representations.analysing.workers import outcomes
from kser.representations.output_lock import output_lock
from kser.words import counted

Show = Callable[[int, int], None]
"""Takes how many jobs are done, and how many there are."""
_PARTIAL = ".partial"


def analyse(
    stores: Iterable[str | Path],
    output: str | Path,
    settings: AnalysisSettings = USUAL,
    *,
    features: Sequence[str | Path] = (),
    workers: int = 1,
    show: Show | None = None,
) -> Analysis:
    """Compare what the layers of models hold, and write tables (CSV) and figures (SVG, PNG).

    An interrupted call is continued by the next one. Equal settings of equal stores give equal numbers, for
    any number of workers.

    Args:
        stores: folders that `kser embed` wrote, of one model or of several.
        output: folder to write, see `kser.representations.analysing.analysis_folder`.
        settings: what is computed.
        features: folders that `kser features` wrote, of the same recordings.
        workers: processes. A program with more than 1 needs `if __name__ == "__main__":`.
        show: called as jobs end.

    Raises:
        UserError: workers are below 1, stores do not belong together, a column is missing, nothing
            can be computed of the data, another analysis is in the folder, or another process is writing it.

    Examples:

        analysis = kser.analyse(["states/wavlm"], "analysis", features=["features/emodb"])
        analysis.tables["probes"]  # a data frame
    """
    if workers < 1:
        raise UserError(f"--workers {workers}: must be at least 1")
    folder = expanded(output)
    checkpoints = found_checkpoints(stores)
    utterances = common_utterances(checkpoints, speaker=settings.speaker, keep_known=settings.keep_known)
    groups, feature_facts = feature_groups(features, utterances.table["path"].tolist())
    context = Context(checkpoints, utterances, groups, settings)
    context.check_named()
    jobs = planned_jobs(context)
    if not jobs:
        raise UserError(f"--parts {', '.join(settings.parts)}: nothing follows from these stores")
    facts = _facts(checkpoints, settings, feature_facts, context)
    identity = _identity(facts, context)
    if (finished := _finished(folder, identity)) is not None:
        return finished
    with output_lock(folder):
        ledger = Ledger(folder.with_name(folder.name + _PARTIAL), identity)
        _compute(context, jobs, ledger, workers, show)
        tables = _tables(jobs, ledger)
        notes = [*utterances.notes, *(note for job in jobs for note in ledger.outcomes[job.key].notes)]
        facts |= {"made_from": identity, "notes": list(dict.fromkeys(notes))}
        if not tables:
            raise UserError("\n".join(["nothing can be computed of these stores:", *facts["notes"]]))
        analysis = write_analysis(folder, facts, tables, seed_summary(tables))
        ledger.remove()
        return analysis


def _compute(context: Context, jobs: Sequence[Job], ledger: Ledger, workers: int, show: Show | None) -> None:
    left = [job for job in jobs if job.key not in ledger.outcomes]
    for job, outcome in outcomes(context, left, min(workers, max(1, len(left)))):
        ledger.add(job.key, outcome)
        if show is not None:
            show(len(ledger.outcomes), len(jobs))


def _tables(jobs: Sequence[Job], ledger: Ledger) -> dict[str, pd.DataFrame]:
    """By name, the rows of the jobs in their order."""
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in PARTS}
    for job in jobs:
        found[job.table] += ledger.outcomes[job.key].rows
    return {name: pd.DataFrame(rows) for name, rows in found.items() if rows}


def _facts(
    checkpoints: Sequence[Checkpoint], settings: AnalysisSettings, features: list[dict], context: Context
) -> dict[str, Any]:
    return {
        "stores": [
            {**each.place, "folder": str(each.store.folder), "made_from": each.store.facts["made_from"]}
            for each in checkpoints
        ],
        "features": features,
        "utterances": len(context.utterances.table),
        "speakers": None if context.speakers is None else len(set(context.speakers)),
        "settings": asdict(settings),
        "kser_version": kser.__version__,
    }


def _identity(facts: dict[str, Any], context: Context) -> str:
    """What the numbers follow from; not where the stores are."""
    stores = [{name: value for name, value in store.items() if name != "folder"} for store in facts["stores"]]
    known = {**facts, "stores": stores, "features": [each["made_from"] for each in facts["features"]]}
    digest = hashlib.blake2b(json.dumps(known, sort_keys=True).encode(), digest_size=16)
    digest.update(context.utterances.table.to_csv(index=False).encode(errors="surrogateescape"))
    return digest.hexdigest()


def _finished(folder: Path, identity: str) -> Analysis | None:
    """The same analysis, if it was made before.

    Raises:
        UserError: something else is in the folder.
    """
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return None
    analysis = analysis_at(folder)
    if analysis is None:
        raise UserError(f"--output {folder}: is there already and holds no analysis")
    if analysis.facts["made_from"] != identity:
        raise UserError(
            f"--output {folder}: holds an analysis of other stores or settings; remove it, or name another "
            "folder"
        )
    return analysis


def summary_line(analysis: Analysis) -> str:
    """What was analysed, in a line."""
    facts = analysis.facts
    speakers = "" if facts["speakers"] is None else f" of {counted(facts['speakers'], 'speaker')}"
    return (
        f"{analysis.folder}: {counted(len(facts['stores']), 'store')}, "
        f"{counted(facts['utterances'], 'utterance')}{speakers}; tables: {', '.join(analysis.tables)}"
    )
