"""The report on a prepared corpus: what was found against what was published, as JSON and to read."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from kser import __version__
from kser.corpora.labels import label_order
from kser.corpora.recipe import AUDIO_SUFFIXES, Recipe
from kser.corpora.recordings import Recording, same_recordings
from kser.files import write_json, write_text
from kser.grouping import grouped
from kser.markdown import markdown_table
from kser.words import listed

NOT_VERIFIED = (
    "this recipe was made after the published description and never run on the published files: "
    "compare the counts with those of the corpus's paper before you rely on it"
)


def report_paths(csv_path: str | Path) -> tuple[Path, Path]:
    """Where the report on a metadata CSV is: `NAME_report.json` and `NAME_report.md` beside it."""
    stem = Path(csv_path).with_suffix("")
    return stem.with_name(f"{stem.name}_report.json"), stem.with_name(f"{stem.name}_report.md")


def preparation_report(
    recipe: Recipe,
    folder: Path,
    table: pd.DataFrame,
    recordings: Sequence[Recording],
    beside: Path,
    left_out: Sequence[Path] = (),
) -> dict[str, Any]:
    """Put together what is known of a corpus once its files were read.

    Args:
        recipe: the corpus.
        folder: where its files lie.
        table: a row per recording that the recipe found, also of those that cannot be read.
        recordings: for each row of the table.
        beside: folder of the metadata CSV; paths below it are given relative to it.
        left_out: audio files with unexpected names.

    Returns:
        Values that JSON can hold, in the order in which to read them. Durations are in seconds.
    """
    readable = table.assign(duration_s=[recording.duration_s for recording in recordings])
    readable = readable[[not recording.problem for recording in recordings]]
    unreadable = [recording for recording in recordings if recording.problem]
    report: dict[str, Any] = {
        "corpus": recipe.name,
        "title": recipe.title,
        "recipe_verified": recipe.verified,
        "kser_version": __version__,
        "folder": shown_path(folder, beside),
        "recordings": {"found": len(table), "expected": recipe.expected_utterances},
        "speakers": {"found": int(readable["actor"].nunique()), "expected": recipe.expected_speakers},
        "utterances": len(readable),
        "other_audio_files": _audio_files_below(folder, set(table["path"])),
        "unexpected_names": [shown_path(str(path.absolute()), beside) for path in left_out],
        "unreadable": {shown_path(each.path, beside): each.problem for each in unreadable},
        "duplicates": _duplicates(table, recordings, beside),
        "faults": _faults(recordings, beside),
        "sampling_rates_hz": _counted(each.sampling_rate_hz for each in recordings if not each.problem),
        "published_sampling_rate_hz": recipe.sampling_rate_hz,
        "channels": _counted(each.channels for each in recordings if not each.problem),
        "durations": _durations(readable),
        "classes": {
            name: _group(readable[readable["class_id"] == name]) for name in _classes(recipe, readable)
        },
        "genders": {
            name: _group(readable[readable["gender"] == name]) for name in sorted(set(readable["gender"]))
        },
        "by_speaker": {name: _speaker(recipe, readable, name) for name in label_order(readable["actor"])},
    }
    if recipe.folds in readable:
        folds = readable[recipe.folds]
        report["folds"] = {name: _group(readable[folds == name]) for name in label_order(folds)}
    return report


def write_report(report: dict[str, Any], csv_path: str | Path) -> None:
    """Write a report as JSON and as Markdown beside the metadata CSV it is about."""
    json_path, markdown_path = report_paths(csv_path)
    write_json(json_path, report)
    write_text(markdown_path, as_markdown(report, Path(csv_path).name))


def difference_from_published(recipe: Recipe, table: pd.DataFrame) -> str | None:
    """A line that says how a prepared corpus differs from the published one; `None` when it does not.

    Args:
        recipe: the corpus.
        table: its metadata.
    """
    differences = []
    if len(table) != recipe.expected_utterances:
        differences.append(f"{len(table)} utterances, {recipe.expected_utterances} were published")
    if (speakers := table["actor"].nunique()) != recipe.expected_speakers:
        differences.append(f"{speakers} speakers, {recipe.expected_speakers} were published")
    if absent := sorted(set(recipe.classes) - set(table["class_id"])):
        differences.append(f"no utterance of {', '.join(absent)}")
    return f"{recipe.name}: {'; '.join(differences)}" if differences else None


def summary_lines(report: dict[str, Any]) -> list[str]:
    """The report in a few lines: length, form, classes and genders."""
    durations = report["durations"]
    rates = ", ".join(f"{rate} Hz" for rate in report["sampling_rates_hz"])
    channels = ", ".join({"1": "mono", "2": "stereo"}.get(n, f"{n} channels") for n in report["channels"])
    published = report["published_sampling_rate_hz"]
    if published is not None and list(report["sampling_rates_hz"]) != [str(published)]:
        rates += f" (published at {published} Hz)"
    return [
        f"{_minutes(durations['total_s'])} in all; an utterance {durations['min_s']:.1f} to "
        f"{durations['max_s']:.1f} s, median {durations['median_s']:.1f} s; {rates}, {channels}",
        ", ".join(f"{name} {group['utterances']}" for name, group in report["classes"].items()),
        ", ".join(
            f"{name} {group['utterances']} (speakers: {group['speakers']})"
            for name, group in report["genders"].items()
        ),
    ]


def warning_lines(report: dict[str, Any]) -> list[str]:
    """What the user should know before training on the corpus, a line each; often none."""
    lines = []
    if not report["recipe_verified"]:
        lines.append(f"not verified: {NOT_VERIFIED}")
    if names := report["unexpected_names"]:
        lines.append(f"{len(names)} audio files left out, which have unexpected names: {listed(names)}")
    lines += [f"{path}: left out: {problem}" for path, problem in report["unreadable"].items()]
    lines += [f"{path}: {words}" for files in report["faults"].values() for path, words in files.items()]
    for group in report["duplicates"]:
        differing = [name for name in ("class_id", "actor") if group[f"same_{name}"] is False]
        but = f", with another {' and '.join(differing)}" if differing else ""
        lines.append(f"{' = '.join(group['paths'])}: the same recording{but}")
    return lines


def as_markdown(report: dict[str, Any], csv_name: str) -> str:
    """The whole report to read."""
    recordings, speakers = report["recordings"], report["speakers"]
    found = markdown_table(
        ["", "found", "published"],
        [
            ["recordings", recordings["found"], recordings["expected"]],
            ["speakers", speakers["found"], speakers["expected"]],
        ],
    )
    parts = [
        f"# {report['title']}: {csv_name}\n",
        f"Prepared by kser {report['kser_version']} from `{report['folder']}`.\n",
        found,
        f"Utterances in {csv_name}: {report['utterances']}; recordings left out because they cannot be read: "
        f"{len(report['unreadable'])}; audio files that are no utterances of the corpus: "
        f"{report['other_audio_files']}.\n",
        "".join(f"- {line}\n" for line in summary_lines(report)[:1] + warning_lines(report)),
    ]
    for title, groups in (("class", "classes"), ("gender", "genders"), ("fold", "folds")):
        if groups in report:
            parts += [f"## By {title}\n", _group_table(title, report[groups])]
    classes = list(report["classes"])
    rows = [
        [name, speaker["gender"], speaker["utterances"], *(speaker["classes"][each] for each in classes)]
        for name, speaker in report["by_speaker"].items()
    ]
    parts += ["## By speaker\n", markdown_table(["speaker", "gender", "utterances", *classes], rows)]
    return "\n".join(parts)


def shown_path(path: str | Path, beside: Path) -> str:
    """A path relative to a folder where it lies below it, with forward slashes."""
    absolute, folder = Path(path).absolute(), beside.absolute()
    return (absolute.relative_to(folder) if absolute.is_relative_to(folder) else absolute).as_posix()


def _classes(recipe: Recipe, table: pd.DataFrame) -> list[str]:
    """Those of the recipe, also where nobody speaks, and any others."""
    return label_order([*recipe.classes, *table["class_id"]])


def _duplicates(table: pd.DataFrame, recordings: Sequence[Recording], beside: Path) -> list[dict[str, Any]]:
    rows = table.set_index("path")
    found = []
    for group in same_recordings(recordings):
        same = rows.loc[[each.path for each in group]]
        found.append(
            {
                "paths": [shown_path(each.path, beside) for each in group],
                "same_class_id": bool(same["class_id"].nunique() == 1),
                "same_actor": bool(same["actor"].nunique() == 1),
            }
        )
    return found


def _faults(recordings: Sequence[Recording], beside: Path) -> dict[str, dict[str, str]]:
    """By kind of fault the files that can be used in spite of it, with what it is."""
    found = grouped(
        (fault.kind, (shown_path(each.path, beside), fault.words))
        for each in recordings
        if not each.problem
        for fault in each.faults
    )
    return {kind: dict(files) for kind, files in found.items()}


def _audio_files_below(folder: Path, of_the_corpus: set[str]) -> int:
    """How many audio files lie in a folder that are no recordings of the corpus; hidden ones do not count."""
    audio = (path for path in folder.absolute().rglob("*") if path.suffix.lower() in AUDIO_SUFFIXES)
    return sum(1 for path in audio if not path.name.startswith(".") and str(path) not in of_the_corpus)


def _counted(values: Iterable[int]) -> dict[str, int]:
    return {str(value): count for value, count in Counter(values).most_common()}


def _durations(table: pd.DataFrame) -> dict[str, float]:
    durations = table["duration_s"]
    if durations.empty:
        return {"total_s": 0.0}
    values = {
        "total_s": durations.sum(),
        "min_s": durations.min(),
        "median_s": durations.median(),
        "max_s": durations.max(),
    }
    return {name: round(float(value), 3) for name, value in values.items()}


def _group(table: pd.DataFrame) -> dict[str, Any]:
    return {"utterances": len(table), "speakers": int(table["actor"].nunique()), **_durations(table)}


def _speaker(recipe: Recipe, table: pd.DataFrame, name: str) -> dict[str, Any]:
    own = table[table["actor"] == name]
    counts = own["class_id"].value_counts()
    return {
        "gender": ", ".join(sorted(set(own["gender"]))),
        "utterances": len(own),
        **_durations(own),
        "classes": {each: int(counts.get(each, 0)) for each in _classes(recipe, table)},
    }


def _group_table(title: str, groups: dict[str, dict[str, Any]]) -> str:
    measures = ("utterances", "speakers", "total_s", "min_s", "median_s", "max_s")
    rows = [[name, *(group.get(measure, "") for measure in measures)] for name, group in groups.items()]
    return markdown_table([title, *measures], rows)


def _minutes(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h" if seconds >= 7200 else f"{seconds / 60:.1f} min"
