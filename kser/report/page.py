"""The page: all sections in one HTML file that needs nothing else."""

import re
from collections.abc import Callable
from datetime import datetime
from functools import partial
from importlib.resources import files
from pathlib import Path
from string import Template

from kser.errors import UserError
from kser.files import write_text
from kser.report.asked import asked_section
from kser.report.calibration import calibration_section
from kser.report.confusions import confusions_section, heat_style
from kser.report.data import data_section
from kser.report.environment import environment_section
from kser.report.groups import groups_section
from kser.report.layers import layer_curves, layers_section
from kser.report.listening import listening_section
from kser.report.markup import Html, element, escaped, join, paragraph
from kser.report.representations import representations_section
from kser.report.results import results_section
from kser.report.statistics import statistics_section
from kser.report.study_folder import Study, read_study
from kser.report.training import training_section
from kser.report.warnings import study_warnings, warnings_box
from kser.representations.analysing.analysis_folder import Analysis, analysis_at
from kser.words import counted

REPORT_FILE = "report.html"
ANALYSIS_FOLDER = "analysis"


def write_report(
    folder: str | Path,
    path: str | Path | None = None,
    *,
    logs: str | Path | None = None,
    with_audio: bool = False,
    analysis: str | Path | None = None,
    reading: Callable[[int, int], None] | None = None,
    writing: Callable[[int, int], None] | None = None,
) -> tuple[Study, Path]:
    """Read a study and write its report.

    Args:
        folder: the results of an experiment, or a folder that leads to them, see `read_study`.
        path: the HTML file, which is written whole or not at all; without it `REPORT_FILE` in the results.
        logs: folder of its logs, see `read_study`.
        with_audio: whether recordings become part of the page.
        analysis: folder that `kser analyse` wrote; without it `ANALYSIS_FOLDER` in the results, if any.
        reading: gets how many runs are read, and of how many.
        writing: gets how many sections are written, and of how many.

    Returns:
        The study that was read, and the file.

    Raises:
        UserError: there is nothing to report on, or the file cannot be written.
    """
    study = read_study(folder, logs, reading)
    path = study.folder / REPORT_FILE if path is None else Path(path)
    found = _analysis(study, analysis)
    now = datetime.now().astimezone()
    page = report_page(study, now, with_audio=with_audio, analysis=found, progress=writing)
    write_text(path, page)
    return study, path


def report_page(
    study: Study,
    made_at: datetime,
    *,
    with_audio: bool = False,
    analysis: Analysis | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> str:
    """The report as HTML.

    Args:
        study: what the page is about.
        made_at: the time that the page shows as its own.
        with_audio: whether recordings become part of the page.
        analysis: of its layers.
        progress: gets how many sections are written, and of how many.
    """
    sections: dict[str, Callable[[], Html]] = {
        "Models and settings": partial(asked_section, study),
        "Data and splits": partial(data_section, study),
        "Training": partial(training_section, study),
        **_results(study, with_audio),
        **({"Representations": partial(representations_section, analysis)} if analysis else {}),
        "Environment": partial(environment_section, study, made_at=made_at),
    }
    anchors = {title: re.sub(r"\W+", "-", title.lower()) for title in sections}
    links = [element("li", element("a", title, href=f"#{anchor}")) for title, anchor in anchors.items()]
    bodies = []
    for done, (title, section) in enumerate(sections.items(), start=1):
        heading = element("h2", title, id=anchors[title])
        bodies.append(element("section", heading, section(), aria_labelledby=anchors[title]))
        if progress:
            progress(done, len(sections))
    template = files("kser.report")
    return Template(template.joinpath("page.html").read_text(encoding="utf-8")).substitute(
        title=escaped(study.name),
        style=template.joinpath("page.css").read_text(encoding="utf-8") + heat_style(),
        subtitle=escaped(_subtitle(study)),
        made_at=escaped(f"{made_at:%d %B %Y}"),
        description=paragraph(study.description, class_="description") if study.description else "",
        warnings=warnings_box(study_warnings(study)),
        links=join(links),
        sections=join(bodies, Html("\n")),
    )


def _analysis(study: Study, folder: str | Path | None) -> Analysis | None:
    """The analysis that was named, or that lies in the results."""
    if folder is None:
        return analysis_at(study.folder / ANALYSIS_FOLDER)
    found = analysis_at(Path(folder))
    if found is None:
        raise UserError(f"--analysis {folder}: holds no analysis; kser analyse makes such a folder")
    return found


def _results(study: Study, with_audio: bool) -> dict[str, Callable[[], Html]]:
    """The sections of each kind of report that was found; where there are several, titles name the kind."""
    if not study.kinds:
        return {"Results": partial(paragraph, "No run has been evaluated.")}
    found: dict[str, Callable[[], Html]] = {}
    for kind in study.kinds:
        part = study.of_kind(kind)
        sections: dict[str, Callable[[], Html]] = {"Results": partial(results_section, part, kind)}
        if curves := layer_curves(part):
            sections["Layers"] = partial(layers_section, curves, kind)
        if kind.confusion_file:
            sections["Confusions"] = partial(confusions_section, part, kind.confusion_file)
            if with_audio:
                sections["Listening to mistakes"] = partial(listening_section, part)
        sections["Groups of speakers"] = partial(groups_section, part, kind)
        if kind.has_calibration:
            sections["Calibration"] = partial(calibration_section, part)
        sections["Statistics"] = partial(statistics_section, part, kind)
        suffix = f": {kind.name}" if len(study.kinds) > 1 else ""
        found |= {f"{title}{suffix}": section for title, section in sections.items()}
    return found


def _subtitle(study: Study) -> str:
    seeds = len({run.seed for run in study.runs})
    return ", ".join(
        [
            counted(len(study.models), "model"),
            counted(seeds, "seed"),
            counted(len(study.runs), "run"),
            counted(len(study.datasets), "test set"),
        ]
    )
