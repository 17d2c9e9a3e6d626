"""Tests reach kser through public names: what is private may change without them."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
# As in "kser.files._replace", which monkeypatch takes.
PRIVATE_PATH = re.compile(r"kser(\.\w+)*\._[a-z]\w*")


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def private_uses(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and name of every private name of kser that a file uses."""
    of_kser = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "kser":
            of_kser |= {alias.asname or alias.name for alias in node.names}
            yield from ((node.lineno, alias.name) for alias in node.names if is_private(alias.name))
        elif isinstance(node, ast.Import):
            of_kser |= {alias.asname or "kser" for alias in node.names if alias.name.split(".")[0] == "kser"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and is_private(node.attr) and first_name(node) in of_kser:
            yield node.lineno, node.attr
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from ((node.lineno, found[0]) for found in PRIVATE_PATH.finditer(node.value))
        elif isinstance(node, ast.Call) and is_patching(node) and first_name(node.args[0]) in of_kser:
            name = node.args[1]
            if isinstance(name, ast.Constant) and is_private(str(name.value)):
                yield node.lineno, str(name.value)


def first_name(node: ast.expr) -> str | None:
    """`a` of `a.b.c`."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def is_patching(call: ast.Call) -> bool:
    """Whether it is `….setattr(module, "name", …)` or the like."""
    function = call.func.attr if isinstance(call.func, ast.Attribute) else first_name(call.func)
    return function in {"setattr", "getattr", "delattr"} and len(call.args) > 1


@pytest.mark.thorough
def test_tests_use_no_private_names_of_kser():
    offenders = [
        f"{path.relative_to(TESTS)}:{line}: {name}"
        for path in sorted(TESTS.rglob("*.py"))
        if path != Path(__file__)
        for line, name in sorted(private_uses(ast.parse(path.read_text(encoding="utf-8"))))
    ]
    assert not offenders, "\n".join(offenders)
