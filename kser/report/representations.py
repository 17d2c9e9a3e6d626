"""Representations: what an analysis of the study's layers found."""

from kser.evaluation.statistics.tables import NOTHING
from kser.report.images import file_image
from kser.report.markup import Html, details, element, join, notes, paragraph
from kser.report.tables import table
from kser.representations.analysing.analysis_folder import Analysis
from kser.words import counted


def representations_section(analysis: Analysis) -> Html:
    """The figures of an analysis with their captions, and where its numbers are."""
    facts = analysis.facts
    speakers = "" if facts["speakers"] is None else f" of {counted(facts['speakers'], 'speaker')}"
    files = ", ".join(f"{name}.csv" for name in [*analysis.tables, "seeds"])
    return join(
        [
            paragraph(
                f"Hidden states of {counted(len(facts['stores']), 'checkpoint')} for "
                f"{counted(facts['utterances'], 'utterance')}{speakers}. Every number is in "
                f"{analysis.folder}: {files}."
            ),
            notes(facts["notes"]),
            *(_figure(analysis, name, caption) for name, caption in analysis.figures.items()),
            details("What was compared", _checkpoints(analysis)),
        ]
    )


def _figure(analysis: Analysis, name: str, caption: str) -> Html:
    image = file_image(
        analysis.figure_file(name, "svg"), analysis.figure_file(name, "png"), caption, analysis.width(name)
    )
    return element("figure", image, element("figcaption", caption))


def _checkpoints(analysis: Analysis) -> Html:
    rows = [
        [each["model"], each["seed"] or NOTHING, each["stage"], each["folder"]]
        for each in analysis.facts["stores"]
    ]
    return table("Stores of hidden states", ["model", "seed", "updates", "folder"], rows)
