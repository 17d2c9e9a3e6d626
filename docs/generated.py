"""The pages of the site that are made of the code; MkDocs calls `on_files` when it builds."""

import json
import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import typer
from mkdocs.structure.files import File, Files

from kser.checkpoints.named_checkpoints import NAMED_CHECKPOINTS
from kser.cli import app
from kser.corpora.recipes import RECIPES
from kser.experiment.config.field_hints import NAMES_ELSEWHERE
from kser.experiment.config.field_versions import FIRST_VERSION, since
from kser.experiment.config.json_schemas import json_schema
from kser.experiment.config.shipped_configs import shipped_experiments
from kser.files import read_json

REPOSITORY = Path(__file__).parents[1]
RESULTS = REPOSITORY / "eval" / "results"
EXAMPLES = REPOSITORY / "examples"
_LONGEST_EXAMPLE = 90
_WITHOUT_CONTENTS = ("---", "hide: [toc]", "---", "")
"""Gives a wide table the room of the page's contents, of which it has none."""
_AT_THE_ROOT = {"changelog": "CHANGELOG.md", "contributing": "CONTRIBUTING.md"}
"""Pages of the site that are files at the root of the repository."""
_PARTS = {
    "training_dataset": "TrainingDataset",
    "datasets": "EvaluationDataset",
    "split": "SplitConfig",
}
_TYPES = {"integer": "whole number", "boolean": "true or false", "array": "list"}
_BOUNDS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}


def on_files(files: Files, config: Any) -> Files:
    """Add the pages, and the measured results with their figures."""
    pages = {
        "commands": commands(),
        "experiment": fields("experiment", "the experiment JSON"),
        "model": fields("model", "a model JSON"),
        "corpora": corpora(),
        "checkpoints": checkpoints(),
        "results": results(),
        "elsewhere": elsewhere(),
    }
    for name, text in pages.items():
        files.append(File.generated(config, f"reference/{name}.md", content=text))
    for name, file in _AT_THE_ROOT.items():
        text = (REPOSITORY / file).read_text(encoding="utf-8")
        files.append(File.generated(config, f"project/{name}.md", content=text))
    for file in sorted(EXAMPLES.glob("*.ipynb")):
        files.append(File.generated(config, f"examples/{file.stem}.md", content=notebook(file)))
    for file in sorted(RESULTS.iterdir()):
        content = file.read_text(encoding="utf-8") if file.suffix == ".md" else file.read_bytes()
        files.append(File.generated(config, f"results/{_name_on_the_site(file)}", content=content))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Point links at the site, where pages have files of the repository in mind.

    Results are pages of it; of what is no page, such as a module, the name stays.
    """
    if page.file.src_uri.startswith("reference/"):
        return markdown  # written for the site
    is_result = page.file.src_uri.startswith("results/")
    is_project = page.file.src_uri.startswith("project/")
    is_example = page.file.src_uri.startswith("examples/")
    source = "eval/" if is_result else "" if is_example else "docs/"
    folder = REPOSITORY if is_project else (REPOSITORY / source / page.file.src_uri).parent
    depth = page.file.src_uri.count("/")

    def on_the_site(link: re.Match[str]) -> str:
        text, target, anchor = link.groups(default="")
        path = Path(os.path.normpath(folder / target))
        if path.parent == RESULTS:
            place = "" if is_result else "../" * depth + "results/"
            return f"[{text}]({place}{_name_on_the_site(path)}{anchor})"
        if path.parent == EXAMPLES:
            return f"[{text}]({'../' * depth}examples/{path.stem}.md{anchor})"
        if not path.is_relative_to(REPOSITORY / "docs"):
            return text
        is_moved = is_example or is_project
        return f"[{text}](../{path.relative_to(REPOSITORY / 'docs')}{anchor})" if is_moved else link.group()

    return re.sub(r"\[([^\]]*)\]\(([^)#:]+)(#[^)]*)?\)", on_the_site, markdown)


def _name_on_the_site(result: Path) -> str:
    """The name of a result, where pages become HTML beside reports of the same name."""
    return f"{result.stem}_report.html" if result.suffix == ".html" else result.name


def notebook(path: Path) -> str:
    """A notebook as a page: its text, its code, and what it printed."""
    lines = []
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            lines += [text, ""]
            continue
        lines += ["```python", text, "```", ""]
        for output in cell["outputs"]:
            printed = output.get("text") or output.get("data", {}).get("text/plain", [])
            lines += ["```text", "".join(printed).rstrip("\n"), "```", ""]
    return "\n".join(lines)


def commands() -> str:
    """Every command with its arguments and options."""
    lines = [
        "# Commands",
        "",
        "Options may also be written with underscores: `--eval_path` is `--eval-path`.",
        "",
    ]
    group = typer.main.get_command(app)
    for path, command in _leaves(group, ("kser",)):
        context = typer.Context(command, info_name=" ".join(path))
        lines += [f"## {' '.join(path)}", "", *_text(command.help), ""]
        lines += ["```", command.get_usage(context).replace("Usage: ", ""), "```", ""]
        rows = [_row(param, context) for param in command.params if not getattr(param, "hidden", False)]
        if rows := [row for row in rows if row is not None]:
            lines += _table(("", "what it is"), rows)
    return "\n".join(lines)


def _leaves(group: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The commands of a group that do something, with their names, those for people."""
    for name, command in group.commands.items():
        if command.hidden:
            continue
        if hasattr(command, "commands"):
            yield from _leaves(command, (*path, name))
        else:
            yield (*path, name), command


def _row(param: Any, context: typer.Context) -> tuple[str, str] | None:
    record = param.get_help_record(context)
    if record is None or "--help" in record[0]:
        return None
    return f"`{record[0]}`", record[1]


def fields(name: str, of: str) -> str:
    """Every field of a JSON file: type, default, meaning, an example, and since when it is there."""
    schema = json_schema(f"{name}.schema.json")
    lines = [f"# Fields of {of}", "", schema["description"], ""]
    lines += [f"Unless stated otherwise, fields exist since {FIRST_VERSION}.", ""]
    if required := schema.get("required"):
        lines += [f"Required: {', '.join(f'`{field}`' for field in required)}.", ""]
    lines += _fields_of(schema)
    for nested, definition in schema.get("$defs", {}).items():
        if "properties" in definition:
            lines += [f"## {nested}", "", definition.get("description", ""), "", *_fields_of(definition)]
    return "\n".join(lines)


def _fields_of(schema: dict[str, Any]) -> list[str]:
    required = schema.get("required", [])
    rows = []
    for name, field in schema["properties"].items():
        cells = (f"`{name}`", _type(field), "required" if name in required else _default(field))
        example, version = _example(schema["title"], name, field), since(schema["title"], name)
        meaning = [field.get("description", "")]
        meaning += [f"For example {example}."] if example else []
        meaning += [f"Since {version}."] if version != FIRST_VERSION else []
        rows.append((*cells, " ".join(meaning)))
    return _table(("field", "type", "default", "meaning"), rows, "fields")


def _default(field: dict[str, Any]) -> str:
    """The default of a field; a schema leaves out those that are made anew for each file, which are empty."""
    made_anew = [] if field.get("type") == "array" else {}
    return f"`{_json(field.get('default', made_anew))}`"


def _example(config: str, name: str, field: dict[str, Any]) -> str:
    """A value of a field: that of a shipped experiment which is not the default, else one of its schema."""
    given = _shipped_values().get((config, name), [])
    values = [*(value for value in given if value != field.get("default")), *field.get("examples", ())]
    short = [text for text in map(_json, values) if len(text) <= _LONGEST_EXAMPLE]
    return f"`{short[0]}`" if short else ""


@cache
def _shipped_values() -> dict[tuple[str, str], list[Any]]:
    """What the shipped experiments and their models set fields to, by class and field."""
    found: dict[tuple[str, str], list[Any]] = {}

    def collect(config: str, part: dict[str, Any]) -> None:
        for name, value in part.items():
            found.setdefault((config, name), []).append(value)
            for inner in value if isinstance(value, list) else [value]:
                if name in _PARTS:
                    collect(_PARTS[name], inner)

    for experiment in shipped_experiments().values():
        collect("ExperimentConfig", read_json(experiment.file))
        for file in experiment.models:
            collect("ModelConfig", read_json(file))
    return found


def _type(field: dict[str, Any]) -> str:
    """The type of a field in words."""
    match field:
        case {"$ref": reference}:
            name = reference.rpartition("/")[2]
            words = f"[{name}](#{name.lower()})"
        case {"anyOf": kinds} | {"oneOf": kinds}:
            words = " or ".join(dict.fromkeys(_type(kind) for kind in kinds if kind.get("type") != "null"))
        case {"enum": values}:
            words = ", ".join(f"`{_json(value)}`" for value in values)
        case {"const": value}:
            words = f"`{_json(value)}`"
        case {"type": "array", "items": items} if items:
            words = f"list of {_type(items)}"
        case {"type": "object", "additionalProperties": dict(values)}:
            words = f"object of {_type(values)}"
        case {"type": kind}:
            bounds = [f"{sign} {_bound(field[key])}" for key, sign in _BOUNDS.items() if key in field]
            words = f"{_TYPES.get(kind, kind)} {' and '.join(bounds)}".rstrip()
        case _:
            words = "anything"
    return words


def _bound(number: float) -> str:
    return f"{number:,}" if float(number).is_integer() and abs(number) >= 10_000 else f"{number:g}"


def corpora() -> str:
    """The corpora that kser has recipes for."""
    rows = [
        (
            f"`{recipe.name}`",
            f"{recipe.title}, {recipe.language}",
            recipe.licence,
            "yes" if recipe.archives else "no",
            recipe.speakers,
            f"{recipe.expected_utterances:,}",
            ", ".join(recipe.classes),
        )
        for recipe in RECIPES.values()
    ]
    header = ("name", "corpus", "licence", "download", "speakers", "utterances", "classes")
    return "\n".join(
        [
            *_WITHOUT_CONTENTS,
            "# Corpora",
            "",
            "`kser data info NAME` says how to obtain one, `kser data prepare NAME` makes its metadata CSV. "
            "Licences are those that the publishers state; read them before use. Where a corpus can be "
            "downloaded, `--download` does so.",
            "",
            *_table(header, rows, "corpora"),
        ]
    )


def checkpoints() -> str:
    """The published checkpoints with short names."""
    rows = [
        (
            f"`{checkpoint.name}`",
            checkpoint.repository,
            checkpoint.licence,
            f"{checkpoint.model_type}, {checkpoint.parameters / 1e6:.0f} M",
            f"[{checkpoint.paper}](https://arxiv.org/abs/{checkpoint.paper})",
        )
        for checkpoint in NAMED_CHECKPOINTS.values()
    ]
    return "\n".join(
        [
            *_WITHOUT_CONTENTS,
            "# Checkpoints",
            "",
            "Any Hugging Face id of these architectures loads; these have short names for "
            "`model_path_or_name`, and a fixed revision. Parameters are those of the backbone.",
            "",
            *_table(("name", "repository", "licence", "architecture, parameters", "paper"), rows),
        ]
    )


def elsewhere() -> str:
    """What fields of other toolkits are called here."""
    names: dict[str, list[str]] = {}
    for name, ours in NAMES_ELSEWHERE.items():
        names.setdefault(ours, []).append(f"`{name}`")
    rows = [(", ".join(theirs), f"`{ours}`") for ours, theirs in sorted(names.items())]
    text = ["# Names elsewhere", "", "A JSON that has one of them is refused with the name here.", ""]
    return "\n".join([*text, *_table(("elsewhere", "in kser"), rows)])


def results() -> str:
    """What was measured, the newest first."""
    lines = ["# Measured", "", "Each page has its commands.", ""]
    for file in sorted(RESULTS.glob("*.md"), reverse=True):
        title = file.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
        lines.append(f"- [{title}](../results/{file.name}), {file.name[:10]}")
    return "\n".join(lines)


def _table(header: tuple[str, ...], rows: list[tuple[str, ...]], kind: str = "") -> list[str]:
    """A table whose cells stand below each other on a small screen; style.css labels those of a kind."""
    lines = [
        f'<div class="{f"stacked {kind}".rstrip()}" markdown>',
        "",
        "| " + " | ".join(header) + " |",
        "|" + " --- |" * len(header),
    ]
    lines += ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows]
    return [*lines, "", "</div>", ""]


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _text(text: str | None) -> list[str]:
    return (text or "").splitlines()


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
