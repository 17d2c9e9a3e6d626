"""Docstrings and comments in lines of 80 characters, which no formatter breaks, and in keras-hub's form."""

import ast
import io
import re
import textwrap
import tokenize
from collections.abc import Iterator
from itertools import groupby

WIDTH = 80
ENTRY = re.compile(r"^(\w[\w, ]*|`[^`]+`|- .*?): ")
TYPED = re.compile(r"^(\w[\w, ]*: (?:bool|dict|float|int|list of int|string)), ([`\w])")


def narrowed(source: str) -> str:
    """Source text whose docstrings and comments fit into 80 columns."""
    return comments_narrowed(docstrings_narrowed(source))


def docstrings_narrowed(source: str) -> str:
    """Source text with each docstring filled anew."""
    lines = source.splitlines()
    nodes = [node for node in ast.walk(ast.parse(source)) if hasattr(node, "body")]
    found = [node for node in nodes if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))]
    strings = [node.body[0] for node in found if node.body and ast.get_docstring(node, clean=False)]
    for node in sorted(strings, key=lambda node: node.lineno, reverse=True):
        assert isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        new = docstring(str(node.value.value), node.col_offset)
        lines[node.lineno - 1 : node.end_lineno] = new.splitlines()
    return "\n".join(lines) + "\n"


def docstring(text: str, indent: int) -> str:
    """A docstring with its quotes, indented."""
    margin = " " * indent
    first, _, rest = text.partition("\n")
    paragraphs = f"{first}\n{textwrap.dedent(rest)}".strip().split("\n\n")
    filled = "\n\n".join(sections(paragraphs, WIDTH - indent))
    head, _, tail = filled.partition("\n\n")
    alone = not tail and "\n" not in head
    if len(head.split("\n")[0]) + indent + (6 if alone else 3) > WIDTH:
        # Room for the quotes, before and, as the formatter wants it, after a single line.
        head = textwrap.fill(" ".join(head.split()), WIDTH - indent - 6, break_long_words=False)
        filled = f"{head}\n\n{tail}" if tail else head
    short = "\n" not in filled
    ending = '"""' if short else '\n"""'
    return textwrap.indent(f'"""{filled}{ending}', margin)


def sections(paragraphs: list[str], width: int) -> Iterator[str]:
    """The paragraphs of a docstring, filled; an example as a block of Markdown."""
    paragraphs = list(paragraphs)
    while paragraphs:
        paragraph = paragraphs.pop(0)
        if paragraph.strip() == "Examples:":
            code = []
            while paragraphs and paragraphs[0].startswith("    "):
                code.append(paragraphs.pop(0))
            block = textwrap.dedent("\n\n".join(code))
            yield f"Examples:\n```python\n{block}\n```"
            continue
        if paragraph.startswith("Source: "):
            paragraph = "Reference:\n" + textwrap.indent(paragraph.removeprefix("Source: "), "    ")
        yield filled_paragraph(paragraph, width)


def filled_paragraph(paragraph: str, width: int) -> str:
    """A paragraph whose entries (`name: text`) each begin a line, with what follows indented below."""
    entries: list[list[str]] = []
    for line in paragraph.splitlines():
        indent, text = len(line) - len(line.lstrip()), line.strip()
        begins = not entries or indent != _indent(entries[-1][-1]) or ENTRY.match(text) is not None
        deeper = entries and indent > _indent(entries[-1][0]) and not _is_label(entries[-1][0])
        if begins and not (deeper and not _is_label(entries[-1][-1])):
            entries.append([line])
        else:
            entries[-1].append(line)
    return "\n".join(filled_entry(entry, width) for entry in entries)


def filled_entry(entry: list[str], width: int) -> str:
    indent = _indent(entry[0])
    text = " ".join(line.strip() for line in entry)
    text = TYPED.sub(lambda match: f"{match[1]}. {match[2].upper()}", text)
    hanging = indent + 4 if indent and ENTRY.match(text) else indent
    return textwrap.fill(
        text,
        width,
        initial_indent=" " * indent,
        subsequent_indent=" " * hanging,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _is_label(line: str) -> bool:
    return line.rstrip().endswith(":")


def comments_narrowed(source: str) -> str:
    """Source text with comments filled anew; one beside code goes before it where the line is too long."""
    lines = source.splitlines()
    tokens = [
        token
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    ]
    alone = [token for token in tokens if not token.line[: token.start[1]].strip()]
    beside = [token for token in tokens if token not in alone and len(token.line.rstrip()) > WIDTH]
    changes: list[tuple[int, int, list[str]]] = []
    for token in beside:
        row, column = token.start
        code = token.line[:column].rstrip()
        changes.append((row - 1, row, [*_comment([token.string], _indent(code)), code]))
    numbered = enumerate(alone)
    for _, group in groupby(numbered, lambda pair: (pair[1].start[0] - pair[0], pair[1].start[1])):
        block = [token for _, token in group]
        if any(len(token.line.rstrip()) > WIDTH for token in block):
            row, column = block[0].start
            filled = _comment([token.string for token in block], column)
            changes.append((row - 1, row - 1 + len(block), filled))
    for start, end, new in sorted(changes, reverse=True):
        lines[start:end] = new
    return "\n".join(lines) + "\n"


def _comment(strings: list[str], indent: int) -> list[str]:
    text = " ".join(string.lstrip("# ") for string in strings)
    margin = f"{' ' * indent}# "
    return textwrap.wrap(text, WIDTH, initial_indent=margin, subsequent_indent=margin, break_long_words=False)
