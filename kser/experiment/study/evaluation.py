"""Evaluating all rows of evaluation CSVs, and summarising them over seeds."""

from collections.abc import Sequence
from pathlib import Path

from kser.errors import UserError
from kser.experiment.evaluating.evaluation_csv import (
    EvaluationRow,
    evaluation_csvs,
    read_evaluation_csv,
)
from kser.experiment.evaluating.evaluation_summary import EvaluationSummary, summarise_evaluations
from kser.experiment.evaluating.evaluator import EvaluatedRow, Evaluator
from kser.experiment.runs.paths import ERROR_FILE
from kser.experiment.runs.run_lock import locked
from kser.experiment.study.events import (
    EvaluationSummarised,
    ProgressListener,
    TestSetEvaluated,
    TestSetStarted,
    ignore,
)
from kser.experiment.study.failures import record_unexpected
from kser.experiment.study.results import IncompleteError
from kser.pipeline.audio_cache import AudioCache
from kser.pipeline.utterances import OnBadAudio


def evaluate(
    eval_path: str | Path,
    *,
    by: Sequence[str] = (),
    redo: bool = False,
    on_bad_audio: OnBadAudio = "error",
    audio_cache: str | Path | None = None,
    progress: ProgressListener | None = None,
) -> EvaluationSummary:
    """Evaluate every row of an evaluation CSV or of a folder of them, and summarise over seeds.

    Rows that were evaluated before are not evaluated again, unless their model or test set has changed or
    `redo` is set. The summary goes to the folder `summary` beside the CSV, see `summarise_evaluations`.

    Args:
        eval_path: the CSV or folder.
        by: columns of the test sets whose groups are compared, besides `gender`.
        redo: evaluate again what was evaluated before.
        on_bad_audio: whether files that cannot be used are an error, or with "skip" are left out and listed.
        audio_cache: folder for decoded audio, or `None`.
        progress: gets the events, see `kser.experiment.study.events`; `None` for silence.

    Raises:
        UserError: the CSV is wrong.
        IncompleteError: rows that cannot be evaluated, for whatever reason, a line each; all others are done
            first. The traceback of an unexpected error is in error.txt of the row's folder.
    """
    eval_path = Path(eval_path)
    progress = progress or ignore
    csv_paths = evaluation_csvs(eval_path)
    rows = list(dict.fromkeys(row for path in csv_paths for row in read_evaluation_csv(path)))
    _check_outputs(rows, eval_path)
    cache = None if audio_cache is None else AudioCache(Path(audio_cache).absolute())
    evaluator = Evaluator(redo, on_bad_audio, cache, by, progress)
    evaluated, mistakes = _evaluate_rows(rows, evaluator, progress)
    mistakes += [
        f"{eval_path}: by: no test set has the column {column}"
        for column in by
        if evaluated and not any(column in done.report["subgroups"] for done in evaluated)
    ]
    summary = None
    if evaluated:
        name = eval_path.stem if eval_path.is_file() else "all"
        folder = csv_paths[0].parent / "summary" / name
        with locked(folder):
            summary = summarise_evaluations(evaluated, folder)
        progress(EvaluationSummarised(name, summary))
    if summary is None or mistakes:
        raise IncompleteError("\n".join(mistakes), summary)
    return summary


def _evaluate_rows(
    rows: Sequence[EvaluationRow], evaluator: Evaluator, progress: ProgressListener
) -> tuple[list[EvaluatedRow], list[str]]:
    evaluated: dict[int, EvaluatedRow] = {}
    mistakes = []
    # By model, so that each is loaded once; the results are in the order of the CSV.
    order = sorted(range(len(rows)), key=lambda place: (list(map(str, rows[place].models)), place))
    for place, number in enumerate(order, start=1):
        row = rows[number]
        progress(TestSetStarted(row.title, place, len(rows)))
        try:
            evaluated[number] = evaluator.evaluate(row)
        except UserError as error:
            mistakes.append(f"{row.title}: {error}")
            continue
        except Exception as error:
            # An unexpected error must not cost the rows after it.
            mistakes.append(f"{row.title}: {record_unexpected(error, row.eval_out_path / ERROR_FILE)}")
            continue
        (row.eval_out_path / ERROR_FILE).unlink(missing_ok=True)
        done = evaluated[number]
        progress(TestSetEvaluated(f"{row.title}, {done.which_models}", done))
    return [evaluated[number] for number in sorted(evaluated)], mistakes


def _check_outputs(rows: Sequence[EvaluationRow], eval_path: Path) -> None:
    """Two evaluations must not write to one folder."""
    taken: dict[Path, EvaluationRow] = {}
    for row in rows:
        other = taken.setdefault(row.eval_out_path, row)
        if other != row:
            raise UserError(
                f"{eval_path}: eval_out_path {row.eval_out_path} is in two rows: {other.title} and "
                f"{row.title}; each needs its own folder"
            )
