"""A module of kser as source text of keras-hub: other imports and names, less in it, no types."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from contrib.keras_hub.parts import EVERYWHERE, NAMES, PARTS, Part
from contrib.keras_hub.prose import narrowed

REDUCED = Path(__file__).parent / "reduced"

Splice = tuple[int, int, str]
"""What stands between two places of a text, and what is put there."""


class BuildError(Exception):
    """kser has changed, and parts.py or reduced/ must follow."""


def rewritten(part: Part, repository: Path) -> str:
    """The source text of a part's target, not yet formatted.

    Args:
        part: what becomes what.
        repository: folder of kser's clone.

    Raises:
        BuildError: an edit or a name that the part speaks of does not occur in the source.
    """
    source = edited(part, (repository / part.source).read_text(encoding="utf-8"))
    reduced = (REDUCED / Path(part.source).name).read_text(encoding="utf-8") if part.reduced else ""
    source = spliced(source, list(changes(part, source, reduced)))
    for name, other in NAMES.items():
        source = re.sub(rf"\b{name}\b", other, source)
    return narrowed(source)


def edited(part: Part, source: str) -> str:
    """The source with the edits of a part and those of every module."""
    for old, new in part.edits.items():
        if old not in source:
            raise BuildError(f"{part.source}: does not hold the text that parts.py edits: {old!r}")
        source = source.replace(old, new)
    for old, new in EVERYWHERE.items():
        source = source.replace(old, new)
    return source


def changes(part: Part, source: str, reduced: str) -> Iterator[Splice]:
    """What else becomes of an edited source."""
    tree, place = ast.parse(source), Places(source)
    found = dict(definitions(tree))
    if missing := set(part.left_out) - set(found):
        raise BuildError(f"{part.source}: has no {', '.join(sorted(missing))}, which parts.py leaves out")
    others, added, imports, constants = substitutes(reduced, found)
    gone = [found[name] for name in (*part.left_out, *others)]
    for name in part.left_out:
        yield (*place.lines(found[name]), "")
    for name, text in others.items():
        yield (*place.lines(found[name]), text)
    yield from imports_moved(tree, place, imports, constants)
    yield len(source), len(source), added
    for node in ast.walk(tree):
        if not any(within(node, other) for other in gone):
            yield from without_types(node, place, source)
            if isinstance(node, (ast.Name, ast.arg, ast.FunctionDef)):
                yield from renamed(node, place, part.identifiers, source)


def substitutes(reduced: str, found: dict[str, ast.stmt]) -> tuple[dict[str, str], str, str, str]:
    """What a module of `reduced/` has: text in place of definitions, functions to add, imports, constants."""
    tree, place = ast.parse(reduced), Places(reduced)
    others: dict[str, str] = {}
    imports, constants, functions = "", "", ""
    for node in tree.body:
        text = reduced[slice(*place.lines(node))]
        if isinstance(node, ast.ClassDef):
            for name, method in definitions(ast.Module(node.body, [])):
                others[f"{node.name}.{name}"] = reduced[slice(*place.lines(method))]
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            imports += text
        elif isinstance(node, ast.Assign):
            constants += f"\n{text}"
        elif isinstance(node, ast.FunctionDef) and node.name in found:
            others[node.name] = text
        else:
            functions += f"\n\n{text}"
    if missing := set(others) - set(found):
        raise BuildError(f"reduced: {', '.join(sorted(missing))}: not in the module of kser")
    return others, functions, imports, constants


def definitions(tree: ast.Module) -> Iterator[tuple[str, ast.stmt]]:
    """Functions, classes, methods as `Class.method`, and assignments to one name, each with its name."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield node.name, node
        elif isinstance(node, ast.ClassDef):
            yield node.name, node
            for name, member in definitions(ast.Module(node.body, [])):
                yield f"{node.name}.{name}", member
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if isinstance(target, ast.Name):
                yield target.id, node


def imports_moved(tree: ast.Module, place: "Places", added: str, constants: str) -> Iterator[Splice]:
    """Imports of kser's modules as those of keras-hub; of modules that stay behind there are none.

    Args:
        tree: of the source.
        place: in the source.
        added: further imports.
        constants: what follows them.
    """
    nodes = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
    after = place.lines(nodes[-1] if nodes else tree.body[0])[1]
    yield after, after, f"\n{added}{constants}"
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("kser."):
            yield (*place.lines(node), "".join(map(import_line, [node] * len(node.names), node.names)))


def import_line(node: ast.ImportFrom, alias: ast.alias) -> str:
    """The import of one name or module of kser from keras-hub, empty where it stays behind."""
    targets = {part.source.removesuffix(".py").replace("/", "."): part.target for part in PARTS}
    is_module = f"{node.module}.{alias.name}" in targets
    target = targets.get(f"{node.module}.{alias.name}" if is_module else str(node.module))
    if target is None:
        return ""
    module = target.removesuffix(".py").replace("/", ".")
    package, _, stem = module.rpartition(".")
    imported = f"{package} import {stem}" if is_module else f"{module} import {alias.name}"
    return f"from {imported}{f' as {alias.asname}' if alias.asname else ''}\n"


def without_types(node: ast.AST, place: "Places", source: str) -> Iterator[Splice]:
    """keras-hub has no annotations."""
    if isinstance(node, ast.arg) and node.annotation is not None:
        start = place.of(node.lineno, node.col_offset) + len(node.arg)
        yield start, place.end(node.annotation), ""
    elif isinstance(node, ast.FunctionDef) and node.returns is not None:
        end = place.end(node.returns)
        yield source.rindex("->", 0, place.start(node.returns)) - 1, end, ""
    elif isinstance(node, ast.AnnAssign):
        yield place.end(node.target), place.end(node.annotation), ""


def renamed(
    node: ast.Name | ast.arg | ast.FunctionDef, place: "Places", identifiers: dict[str, str], source: str
) -> Iterator[Splice]:
    """Variables and functions under their other names."""
    if isinstance(node, ast.FunctionDef):
        name, start = node.name, source.index(node.name, place.start(node) + len("def "))
    else:
        name, start = node.id if isinstance(node, ast.Name) else node.arg, place.start(node)
    if name in identifiers and source.startswith(name, start):  # within an f-string places are not exact
        yield start, start + len(name), identifiers[name]


def within(node: ast.AST, other: ast.stmt) -> bool:
    """Whether a node lies in the lines of another."""
    line = getattr(node, "lineno", 0)
    return other.lineno <= line <= int(other.end_lineno or 0)


class Places:
    """Where the nodes of a text's syntax tree begin and end, in characters."""

    def __init__(self, source: str):
        self._lines = source.splitlines(keepends=True)
        self._starts = [0]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line))

    def of(self, line: int, column: int) -> int:
        """The place of a line, from 1, and of a column in bytes."""
        text = self._lines[line - 1].encode()[:column].decode()
        return self._starts[line - 1] + len(text)

    def start(self, node: ast.expr | ast.stmt | ast.arg) -> int:
        return self.of(node.lineno, node.col_offset)

    def end(self, node: ast.expr | ast.stmt | ast.arg) -> int:
        return self.of(int(node.end_lineno or 0), int(node.end_col_offset or 0))

    def lines(self, node: ast.stmt) -> tuple[int, int]:
        """From the first line of a statement, with its decorators, to the end of its last."""
        decorators = getattr(node, "decorator_list", [])
        first = min([node.lineno, *(decorator.lineno for decorator in decorators)])
        return self._starts[first - 1], self._starts[int(node.end_lineno or 0)]


def spliced(source: str, splices: list[Splice]) -> str:
    """A text with all of those changes, which do not overlap."""
    for start, end, text in sorted(splices, key=lambda splice: splice[:2], reverse=True):
        source = source[:start] + text + source[end:]
    return source
