"""Listening to the worst confusions, only on request: recordings of a corpus are not for everyone."""

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile as sf

from kser.audio.loading import load_audio
from kser.corpora.metadata import TableFormat, read_metadata
from kser.errors import UserError
from kser.experiment.evaluating.evaluation_results import PREDICTIONS_FILE
from kser.report.confusions import averaged_confusions, confused_pairs
from kser.report.images import data_uri
from kser.report.markup import Html, element, join, notes, paragraph
from kser.report.predictions import read_predictions
from kser.report.study_folder import Evaluation, Study
from kser.report.tables import table
from kser.words import counted

SAMPLING_RATE = 16_000
LONGEST_S = 10.0
PAIRS, CLIPS_OF_PAIR = 4, 2
MOST_BYTES = 8_000_000
"""Of all recordings of a page, as FLAC."""


@dataclass
class Mistake:
    """A recording that was assigned to another class.

    Attributes:
        path: of the recording.
        utterance: its name in the metadata.
        speaker: who speaks.
        true: its class.
        predicted: the class it was assigned to.
        by: the runs that did so, with their probability of it.
    """

    path: Path
    utterance: str
    speaker: str
    true: str
    predicted: str
    by: list[tuple[str, float]] = field(default_factory=list)

    @property
    def confidence(self) -> float:
        """The highest probability that a run gave the wrong class."""
        return max(probability for _, probability in self.by)


def listening_section(study: Study) -> Html:
    """For each test set the most frequent confusions, each with its most confident mistakes."""
    parts: list[Html] = [
        paragraph(
            "This page holds recordings of the corpus, because --with-audio asked for them. Many corpora "
            "must not be passed on: read the licence before you give this file to anyone.",
            class_="note licence",
        )
    ]
    left = MOST_BYTES
    for dataset in study.datasets:
        problems: list[str] = []
        mistakes = worst_mistakes(study, dataset, problems)
        rows = []
        for mistake in mistakes:
            try:
                clip, cut = encoded_clip(mistake.path)
            except UserError as error:
                problems.append(str(error))
                continue
            if len(clip) > left:
                problems.append(
                    f"{mistake.utterance}: left out, the page holds {MOST_BYTES / 1e6:g} MB at most"
                )
                continue
            left -= len(clip)
            rows.append(_row(mistake, clip, cut))
        if rows:
            parts.append(_players(dataset, rows))
        elif problems:
            parts.append(paragraph(f"{dataset}: no mistake can be played, for these reasons:"))
        else:
            parts.append(paragraph(f"{dataset}: there is no mistake to listen to."))
        parts.append(notes(list(dict.fromkeys(problems))))
    return join(parts)


def worst_mistakes(study: Study, dataset: str, problems: list[str]) -> list[Mistake]:
    """The misclassified recordings of a test set, the most frequent pairs of classes first.

    Args:
        study: with any number of models and seeds; a recording occurs once, with all runs that got it wrong.
        dataset: name of the test set.
        problems: receives a line for each evaluation whose predictions cannot be used.

    Returns:
        At most `CLIPS_OF_PAIR` of each of `PAIRS` pairs, the most confident first.
    """
    found: dict[tuple[str, str, str], Mistake] = {}
    for run in study.evaluations:
        if run.dataset != dataset:
            continue
        try:
            for mistake in _mistakes(run):
                key = (mistake.utterance, mistake.true, mistake.predicted)
                if found.setdefault(key, mistake) is not mistake:
                    found[key].by.extend(mistake.by)
        except UserError as error:
            problems += str(error).splitlines()
    chosen = []
    for true, predicted in _frequent_pairs(study, dataset, found):
        pair = [each for each in found.values() if (each.true, each.predicted) == (true, predicted)]
        chosen += sorted(pair, key=lambda mistake: (-mistake.confidence, mistake.utterance))[:CLIPS_OF_PAIR]
    return chosen


def _frequent_pairs(
    study: Study, dataset: str, found: Mapping[tuple[str, str, str], Mistake]
) -> list[tuple[str, str]]:
    """By the confusion matrices; without any, by the mistakes found."""
    counts: dict[tuple[str, str], float] = {}
    for (_, tested), averaged in averaged_confusions(study).items():
        if tested == dataset:
            for true, predicted, count, _ in confused_pairs(averaged):
                counts[true, predicted] = counts.get((true, predicted), 0.0) + count
    if not counts:
        for (_, true, predicted), mistake in found.items():
            counts[true, predicted] = counts.get((true, predicted), 0.0) + len(mistake.by)
    return sorted(counts, key=lambda pair: -counts[pair])[:PAIRS]


def _mistakes(run: Evaluation) -> Iterator[Mistake]:
    table = read_predictions(run.folder, ("utterance", "true", "predicted"))
    paths = _paths(run)
    mistaken = table[(table["true"] != table["predicted"]) & (table["true"] != "")]
    usable = 0
    for row in mistaken.to_dict("records"):
        probability = _number(row.get(f"p_{row['predicted']}", ""))
        if row["utterance"] in paths and np.isfinite(probability):
            usable += 1
            yield Mistake(
                Path(paths[row["utterance"]]),
                row["utterance"],
                row.get("actor", ""),
                row["true"],
                row["predicted"],
                [(f"{run.model}, seed {run.seed}", probability)],
            )
    if len(mistaken) and not usable:
        raise UserError(
            f"{run.folder / PREDICTIONS_FILE}: none of its {len(mistaken)} mistakes has a probability and "
            f"a recording in {run.report.get('test_csv')}, so they cannot be played"
        )


def _number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return float("nan")


def _paths(run: Evaluation) -> dict[str, str]:
    """Where the recordings are, by utterance."""
    columns = run.report.get("columns", {})
    table = read_metadata(
        Path(str(run.report.get("test_csv", ""))),
        output_column=(),
        check_files=False,
        table_format=TableFormat(tuple(columns.items())),
    )
    return dict(zip(table["utterance"], table["path"], strict=True))


def encoded_clip(path: Path) -> tuple[bytes, bool]:
    """A recording as mono FLAC of 16 bit, and whether it was cut to `LONGEST_S`.

    Raises:
        UserError: it cannot be read.
    """
    waveform = load_audio(path, SAMPLING_RATE)
    longest = round(LONGEST_S * SAMPLING_RATE)
    buffer = io.BytesIO()
    sf.write(buffer, np.clip(waveform[:longest], -1.0, 1.0), SAMPLING_RATE, format="FLAC", subtype="PCM_16")
    return buffer.getvalue(), len(waveform) > longest


def _row(mistake: Mistake, clip: bytes, cut: bool) -> list[object]:
    name = f"{mistake.utterance}: {mistake.true}, predicted as {mistake.predicted}"
    player = element(
        "audio", controls=True, preload="none", src=data_uri("audio/flac", clip), aria_label=name
    )
    runs = sorted(mistake.by, key=lambda by: -by[1])
    surest = ", ".join(f"{run} ({probability:.0%})" for run, probability in runs[:3])
    more = f" and {counted(len(runs) - 3, 'more run')}" if len(runs) > 3 else ""
    length = f" (first {LONGEST_S:g} s)" if cut else ""
    return [
        mistake.true,
        mistake.predicted,
        join([player, length]),
        f"{Path(mistake.utterance).name}, speaker {mistake.speaker}",
        f"{surest}{more}",
    ]


def _players(dataset: str, rows: Sequence[Sequence[object]]) -> Html:
    headings = ["true", "predicted", "recording", "file and speaker", "by which run, and its probability"]
    caption = f"{dataset}: the most confident mistakes among the {PAIRS} most frequent confusions"
    return table(caption, headings, rows, text_columns=len(headings), row_headings=2)
