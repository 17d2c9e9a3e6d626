"""`kser normalize` and `kser trim`: recordings processed and written to another folder."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from kser.cli.options import option
from kser.cli.terminal import console
from kser.console import loud, print_line
from kser.errors import UserError

if TYPE_CHECKING:
    from kser.corpora.rewriting_corpora import Outcome

InputPath = Annotated[
    Path,
    option("input_path", "Folder with recordings (its metadata CSVs are copied too), or a metadata CSV."),
]
OutputPath = Annotated[
    Path, option("output_path", "Folder for the copies; the same command continues what was interrupted.")
]
Workers = Annotated[int | None, option("workers", "Recordings at a time (default: one a core).")]


def normalize(
    input_path: InputPath,
    output_path: OutputPath,
    target_lufs: Annotated[float, option("target_lufs", "Integrated loudness, ITU-R BS.1770.")] = -23.0,
    workers: Workers = None,
) -> None:
    """Bring recordings to one loudness.

    Tree, rate, channels, format and metadata stay. Where the format holds no more than full scale the gain
    is limited so that the peak just fits; normalize_report.csv names those files.
    """
    from kser.audio.rewriting import Normalize

    if not -70 <= target_lufs <= 0:
        raise UserError(f"--target-lufs: must be from -70 to 0, got {target_lufs:g}")
    _rewrite(input_path, output_path, Normalize(target_lufs), workers, f"at {target_lufs:g} LUFS")


def trim(
    input_path: InputPath,
    output_path: OutputPath,
    top_db: Annotated[float, option("top_db", "Silence is this many dB below the loudest frame.")] = 40.0,
    workers: Workers = None,
) -> None:
    """Cut the silence off both ends of recordings.

    Tree, rate, channels, format and metadata stay.
    """
    from kser.audio.rewriting import Trim

    if not 0 < top_db < float("inf"):
        raise UserError(f"--top-db: must be above 0, got {top_db:g}")
    _rewrite(input_path, output_path, Trim(top_db), workers, f"trimmed at {top_db:g} dB")


def _rewrite(input_path: Path, output_path: Path, step: Any, workers: int | None, result: str) -> None:
    from kser.corpora.rewriting_corpora import rewrite_corpus

    if workers is not None and workers < 1:
        raise UserError(f"--workers: must be at least 1, got {workers}")
    shown_on = console()
    outcome = rewrite_corpus(input_path, output_path, step, workers, shown_on)
    with loud(shown_on):
        for line in _summary(outcome, output_path, result):
            print_line(shown_on, line)
    if outcome.bad:
        reasons = [f"  {reason}" for _, reason in sorted(outcome.bad.items())]
        counted = f"{len(outcome.bad)} of {len(outcome.bad) + len(outcome.facts)} recordings were left out:"
        raise UserError("\n".join([counted, *reasons]))


def _summary(outcome: "Outcome", output_path: Path, result: str) -> list[str]:
    facts = outcome.facts.values()
    written_before = len(facts) - outcome.written
    lines = [
        f"{output_path}: {len(facts)} recordings {result}"
        + (f", {written_before} of them before" if written_before else "")
    ]
    if removed_s := sum(fact.removed_s for fact in facts):
        lines.append(
            f"{removed_s:.1f} s of silence cut off, {sum(fact.duration_s for fact in facts):.1f} s stay"
        )
    if limited := sum(fact.limited for fact in facts):
        lines.append(f"{limited} are softer than requested, to avoid clipping; {outcome.report} names them")
    if noted := sum(bool(fact.note) and not fact.limited for fact in facts):
        lines.append(f"{noted} others have a note in {outcome.report}")
    lines += [f"metadata: {path}" for path in outcome.tables]
    if outcome.other_files:
        lines.append(f"{outcome.other_files} files that are neither recordings nor metadata were not copied")
    return lines
