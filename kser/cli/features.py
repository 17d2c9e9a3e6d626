"""`kser features`: what experts measure of recordings, as a table in a folder."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kser.cli.options import BAD_RECORDINGS_STATUS, option
from kser.cli.terminal import complain, console, progress_console, warn
from kser.console import print_line
from kser.errors import UserError

if TYPE_CHECKING:
    from kser.representations.expert_features.table import FeatureTable


def features(
    data: Annotated[Path, option("data", "Metadata CSV of the recordings.")],
    output: Annotated[Path, option("output", "Folder to write. The same command continues it.")],
    set_name: Annotated[
        str,
        option(
            "set",
            "functionals: 58 of pitch, energy, spectrum, voice quality and timing. By openSMILE (extra "
            "opensmile): egemaps, 88; compare, 6373.",
            metavar="functionals|egemaps|compare",
        ),
    ] = "functionals",
    workers: Annotated[
        int | None,
        option("workers", "Processes to measure in (default: one a processor); they change no number."),
    ] = None,
    accept_licence: Annotated[
        bool,
        typer.Option(
            "--accept-licence",
            help="Accept openSMILE's licence: for research and private use, not for commercial products. "
            "KSER_ACCEPT_OPENSMILE_LICENCE=1 does it too.",
        ),
    ] = False,
    input_column: Annotated[str, option("input_column", "Column of the metadata with the audio.")] = "path",
) -> None:
    """Write expert features of many recordings, in groups.

    The folder has a CSV with a row for each recording, all columns of the metadata and the features, and a
    JSON file with their groups, units and source. Files that cannot be used are named and passed over; the
    exit status is 1 then.
    """

    from kser.corpora.metadata import read_recordings
    from kser.files import expanded
    from kser.progress_bar import progress_bar
    from kser.representations.expert_features.feature_set import SETS, feature_set
    from kser.representations.expert_features.features import features_to_folder

    processes = (os.cpu_count() or 1) if workers is None else workers
    if processes < 1:
        raise UserError(f"--workers {workers}: must be at least 1")
    if set_name not in SETS:
        raise UserError(f"--set {set_name}: must be one of {', '.join(SETS)}")
    chosen = feature_set(set_name, accept_licence)
    table = read_recordings(data, input_column)
    if chosen.warning:
        warn(chosen.warning)
    with progress_bar(progress_console(), f"{set_name} of {data}", len(table), "files") as show:
        made = features_to_folder(
            chosen,
            table,
            expanded(output),
            source=str(data.absolute()),
            workers=processes,
            show=show,
            say=warn,
        )
    _tell(made)
    if len(made.passed_over):
        raise typer.Exit(BAD_RECORDINGS_STATUS)


def _tell(made: "FeatureTable") -> None:
    import numpy as np

    from kser.words import counted, listed

    for reason in made.passed_over["reason"]:
        complain(reason)
    lacking = {group: np.isnan(values).all(axis=1) for group, values in made.arrays().items()}
    if (which := np.any(list(lacking.values()), axis=0)).any():
        names = made.table.loc[which, "utterance"].tolist()
        groups_lacking = " and ".join(group for group, rows in lacking.items() if rows.any())
        warn(
            f"{len(names)} of {len(made.table)} recordings have no {groups_lacking}, for want of a voice "
            f"(empty cells): {listed(names)}"
        )
    groups = ", ".join(f"{group} {len(columns)}" for group, columns in made.groups.items())
    facts = made.facts
    print_line(
        console(),
        f"{made.folder}: {counted(facts['recordings'], 'recording')}, {len(made.columns)} features "
        f"({groups})",
    )
