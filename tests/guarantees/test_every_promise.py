"""The document and the tests say the same: no promise without a test, no test of what is not promised."""

from __future__ import annotations

import pytest

from tests.guarantees.promises import DOCUMENT, ROOT, Bearer, bearers, borne, faults, promised

DOCUMENTED = "* **[A1]** one\n| **[B2]** | two | as [A1] |\n1. **[B3]** three\n"


def test_every_promise_has_its_test_and_every_mark_its_promise() -> None:
    found = list(bearers())
    assert len(promised(DOCUMENT.read_text(encoding="utf-8"))) > 50
    assert faults(DOCUMENT.read_text(encoding="utf-8"), found) == []


def test_a_mention_is_no_promise() -> None:
    assert promised(DOCUMENTED) == ["A1", "B2", "B3"]


def bearer(*marks: str) -> Bearer:
    return Bearer("tests/test_x.py", 3, "test_x", marks)


@pytest.mark.parametrize(
    ("document", "marks", "wrong"),
    [
        (DOCUMENTED, ("A1", "B2", "B3"), []),
        (DOCUMENTED, ("A1", "B3"), ["[B2] has no test"]),
        (DOCUMENTED, ("A1", "B2", "B3", "C4"), ["tests/test_x.py:3 test_x names [C4], which the document does not promise"]),
        (DOCUMENTED + "**[A1]** again", ("A1", "B2", "B3"), ["[A1] stands 2 times in the document"]),
        (DOCUMENTED, ("A1", "A1", "B2", "B3"), ["tests/test_x.py:3 test_x names [A1] twice"]),
    ],
    ids=["whole", "unproved", "unpromised", "promised twice", "borne twice"],
)
def test_each_fault_is_told(document: str, marks: tuple[str, ...], wrong: list[str]) -> None:
    assert faults(document, [bearer(*marks)]) == wrong


def test_marks_are_read_wherever_they_may_stand() -> None:
    source = """
import pytest
pytestmark = [pytest.mark.slow, pytest.mark.guarantee("A1")]

@pytest.mark.parametrize("x", [1])
@pytest.mark.guarantee("B2", "B3")
def test_one(x): ...

class TestAll:
    @pytest.mark.guarantee("C4")
    async def test_two(self): ...
"""
    assert {(b.name, b.marks) for b in borne(source, "x.py")} == {("(all)", ("A1",)), ("test_one", ("B2", "B3")), ("test_two", ("C4",))}


@pytest.mark.parametrize("decorator", ["@pytest.mark.guarantee", "@pytest.mark.guarantee()", "@pytest.mark.guarantee(MARKS)", '@pytest.mark.guarantee(mark="F5")'])
def test_a_mark_that_cannot_be_read_is_told_with_its_line(decorator: str) -> None:
    with pytest.raises(ValueError, match=r"x\.py:3"):
        list(borne(f"import pytest\n\n{decorator}\ndef test_one(): ...\n", "x.py"))


def test_the_mark_is_registered_and_its_tests_are_found_by_it() -> None:
    assert "guarantee(*marks)" in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert any(b.path.startswith("tests/crash/") for b in bearers())
