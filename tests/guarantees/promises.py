"""Reads the promises from the document and the marks from the tests; imports no test."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "delivery-guarantees.md"
_MARK = re.compile(r"\*\*\[([A-Z][0-9]+)\]\*\*")


@dataclass(frozen=True)
class Bearer:
    """A test (or a class or file of tests) that bears marks."""

    path: str
    line: int
    name: str
    marks: tuple[str, ...]


def promised(text: str) -> list[str]:
    """Every mark in the document, in its order, as often as it stands there."""
    return _MARK.findall(text)


def bearers(root: Path = ROOT) -> Iterator[Bearer]:
    """Every test that bears a mark, by file and line. Raises SyntaxError for a test that is no Python, ValueError for a mark that cannot be read."""
    for path in sorted((root / "tests").rglob("*.py")):
        yield from borne(path.read_text(encoding="utf-8"), path.relative_to(root).as_posix())


def borne(source: str, path: str) -> Iterator[Bearer]:
    """The tests of one file that bear marks: functions, classes, or the file itself by `pytestmark`."""
    tree = ast.parse(source, path)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            said = [mark for decorator in node.decorator_list for mark in _marks(decorator, path)]
            if said:
                yield Bearer(path, node.lineno, node.name, tuple(said))
        elif isinstance(node, ast.Assign) and any(isinstance(target, ast.Name) and target.id == "pytestmark" for target in node.targets):
            listed = node.value.elts if isinstance(node.value, ast.List | ast.Tuple) else [node.value]
            said = [mark for one in listed for mark in _marks(one, path)]
            if said:
                yield Bearer(path, node.lineno, "(all)", tuple(said))


def _marks(node: ast.AST, path: str) -> list[str]:
    """The arguments of `pytest.mark.guarantee(...)`, none for anything else."""
    if isinstance(node, ast.Attribute) and _dotted(node) == "pytest.mark.guarantee":
        raise ValueError(f"{path}:{node.lineno}: guarantee without a mark; write @pytest.mark.guarantee(\"F5\")")
    if not isinstance(node, ast.Call) or _dotted(node.func) != "pytest.mark.guarantee":
        return []
    said = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
    if not said or len(said) != len(node.args) or node.keywords:
        raise ValueError(f"{path}:{node.lineno}: marks must be written out as words, as in @pytest.mark.guarantee(\"F5\", \"M4\")")
    return said


def _dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def faults(document: str, found: list[Bearer]) -> list[str]:
    """What is wrong between document and tests, one line each."""
    marks = Counter(promised(document))
    told = [f"[{mark}] stands {count} times in the document" for mark, count in marks.items() if count > 1]
    kept = {mark for bearer in found for mark in bearer.marks}
    told += [f"[{mark}] has no test" for mark in marks if mark not in kept]
    told += [f"{b.path}:{b.line} {b.name} names [{mark}], which the document does not promise" for b in found for mark in b.marks if mark not in marks]
    told += [f"{b.path}:{b.line} {b.name} names [{mark}] twice" for b in found for mark, count in Counter(b.marks).items() if count > 1]
    return told


def table(document: str, found: list[Bearer]) -> str:
    """Promise → tests, one promise a block."""
    lines = []
    for mark in promised(document):
        tests = [f"{b.path}::{b.name}" for b in found if mark in b.marks]
        lines += [f"{mark:4} {len(tests)} test{'' if len(tests) == 1 else 's'}", *(f"       {test}" for test in tests)]
    return "\n".join(lines)
