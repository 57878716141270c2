"""The mapping for real messages, tried on them where they are at hand. They are no part of the repository and must not become one.

Looked for in TONGLU_SHARED_DATA, else in ``../shared/data`` beside the repository. Without them these tests are skipped; the reason begins with
"expected: ", which is how a strict run (TONGLU_STRICT_SKIPS=1, see tests/conftest.py) knows that this skip is no accident.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import REPO, Tonglu
from tests.models.ledger import Ledger

NAME = "teddy2020c_messages.xlsx"
MAPPING = REPO / "config" / "imports" / "teddy2020c_messages.yaml"


@pytest.fixture
def messages(tmp_path: Path) -> Path:
    """A copy of the file, so that nothing is written beside the original."""
    folder = Path(os.environ.get("TONGLU_SHARED_DATA") or REPO.parent / "shared" / "data")
    source = folder / NAME
    if not source.is_file():
        pytest.skip(f"expected: {NAME} is not at hand; put it into ../shared/data or name its folder in TONGLU_SHARED_DATA")
    return Path(shutil.copyfile(source, tmp_path / NAME))


def test_all_messages_come_in_once_and_are_routed(tonglu: Tonglu, ledger: Ledger, messages: Path) -> None:
    ran = tonglu.run("import", messages, "--mapping", MAPPING, "--route")
    assert ran.code == 0, ran.err
    assert "读入 4326 行：新登记 4326，已有 0，退件 0" in ran.out
    assert "分流：转送 1695，交经办人 2631" in ran.out
    again = tonglu.run("import", messages, "--mapping", MAPPING)
    assert "新登记 0，已有 4326" in again.out
    with ledger.transaction() as connection:
        sent = connection.execute("select count(*) from petition where klass = 'accusation' and handoffs > 0").fetchone()
    assert sent == (0,)
    assert tonglu.run("verify").code == 0


def test_the_mapping_itself_is_sound() -> None:
    from cli.importing.mapping import load_mapping
    from tests.models.ledger import house

    assert load_mapping(MAPPING, house()).columns[0] == "留言编号"
