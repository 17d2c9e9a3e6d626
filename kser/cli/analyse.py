"""`kser analyse`: what the layers of models hold, and what training changed in them."""

from pathlib import Path
from typing import Annotated

import typer

from kser.cli.options import option
from kser.cli.terminal import console, progress_console, warn
from kser.console import print_line


def analyse(
    stores: Annotated[
        list[Path],
        typer.Argument(
            metavar="STORE...",
            help="Folders that kser embed wrote, of one model or of several.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path,
        option("output", "Folder to write: results/EXPERIMENT/analysis for kser report to find it."),
    ],
    features: Annotated[
        list[Path] | None,
        option("features", "A folder that kser features wrote; may be repeated.", metavar="FOLDER"),
    ] = None,
    parts: Annotated[str, option("parts", "What is computed.", metavar="all|PART,PART")] = "all",
    measures: Annotated[
        str,
        option(
            "measures",
            "Of similarity of layers: cka, rbf_cka, svcca, pwcca, procrustes, rsa.",
            metavar="NAME,NAME",
        ),
    ] = "cka",
    standardise: Annotated[
        bool,
        typer.Option(
            "--standardise/--raw",
            help="Whether channels have variance 1 before similarity, ranks and maps.",
        ),
    ] = True,
    speaker: Annotated[str, option("speaker", "Column of the speakers.")] = "actor",
    sentence: Annotated[str, option("sentence", "Column of the sentences.")] = "sentence",
    classes: Annotated[
        str | None,
        option(
            "classes",
            "Columns that probes read as classes (default: of class_id, gender, sentence and the speakers' "
            "those that there are).",
            metavar="COLUMN,COLUMN",
        ),
    ] = None,
    numbers: Annotated[
        str | None,
        option("numbers", "Columns that probes read as numbers.", metavar="COLUMN,COLUMN"),
    ] = None,
    permutations: Annotated[
        int, option("permutations", "Random pairings that similarity to features is tested by; 0: none.")
    ] = 199,
    control_draws: Annotated[
        int, option("control_draws", "Random targets that each probe is compared with; 0: none.")
    ] = 1,
    control_by: Annotated[
        str | None,
        option(
            "control_by",
            "Column whose values get random labels for these (default: each utterance gets another one's).",
            metavar="COLUMN",
        ),
    ] = None,
    probe_seeds: Annotated[int, option("probe_seeds", "How often probes are trained, in other folds.")] = 1,
    map_method: Annotated[
        str,
        option("map", "Of the maps of utterances; umap needs the extra of that name.", metavar="pca|umap"),
    ] = "pca",
    keep_known: Annotated[
        bool,
        typer.Option("--keep-known", help="Keep utterances of speakers whom a model was trained on."),
    ] = False,
    seed: Annotated[int, option("seed", "Random seed.")] = 0,
    workers: Annotated[
        int | None, option("workers", "Processes (default: as many as there are processors).")
    ] = None,
) -> None:
    """Analyse the layers of models, and what training changed.

    Tables are CSV, figures SVG and PNG. Parts: similarity of layers with each other; features: similarity
    with groups of features; drift of layers in training; geometry: ranks and silhouettes; probes for emotion,
    speaker, gender, sentence, numbers and features; maps. An interrupted command continues where it stopped.
    """
    from kser.progress_bar import bar_of_reports
    from kser.representations.analysing.settings import PARTS, AnalysisSettings
    from kser.representations.analysing.study import analyse, summary_line
    from kser.representations.analysing.workers import usual_workers

    settings = AnalysisSettings(
        parts=PARTS if parts == "all" else _names(parts),
        measures=_names(measures),
        standardise=standardise,
        speaker=speaker,
        sentence=sentence,
        classes=None if classes is None else _names(classes),
        numbers=() if numbers is None else _names(numbers),
        permutations=permutations,
        control_draws=control_draws,
        control_by=control_by,
        probe_seeds=probe_seeds,
        map_method=map_method,  # type: ignore[arg-type]  # the settings check it
        keep_known=keep_known,
        seed=seed,
    )
    workers = usual_workers() if workers is None else workers
    with bar_of_reports(progress_console(), "analysis", "jobs") as show:
        analysis = analyse(stores, output, settings, features=features or (), workers=workers, show=show)
    for note in analysis.facts["notes"]:
        warn(note)
    print_line(console(), summary_line(analysis))


def _names(given: str) -> tuple:
    return tuple(name.strip() for name in given.split(",") if name.strip())
