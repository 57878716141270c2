"""Where data goes and as whom the server runs. The environment is a child's own, so that no other test sees it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from runtime import pgbinaries
from runtime.places import PlaceError, private_folder
from tests.runtime.processes import ROOT


def said(expression: str, **environment: str) -> str:
    script = f"from runtime import places, pgbinaries\ntry:\n print({expression})\nexcept RuntimeError as e:\n print('!', e)"
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={"PATH": os.environ["PATH"], "HOME": "/home/somebody", "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_data_lie_where_the_setting_says_or_where_the_user_can_keep_them() -> None:
    home = "places.data_home()"
    assert said(home, TONGLU_DATA_DIR="/srv/a b") == "/srv/a b"
    assert said(home, TONGLU_DATA_DIR="~/here") == "/home/somebody/here"
    assert "TONGLU_DATA_DIR" in said(home, TONGLU_DATA_DIR="here")
    if os.geteuid() == 0:
        assert said(home) == "/var/lib/tonglu"
    else:
        assert said(home) == "/home/somebody/.local/share/tonglu"
        assert said(home, XDG_DATA_HOME="/data") == "/data/tonglu"


def test_the_server_never_runs_as_root() -> None:
    user = "places.server_user()"
    if os.geteuid() != 0:
        assert said(user) == "None"
        return
    assert said(user) == "nobody"
    assert said(user, TONGLU_PG_USER="root").startswith("!")
    assert "TONGLU_PG_USER" in said(user, TONGLU_PG_USER="no_such_user")


def test_programs_that_are_not_there_are_named_with_the_cure() -> None:
    answer = said("pgbinaries.find()", TONGLU_PG_BIN="/no/such/folder")
    assert answer.startswith("!")
    assert "/no/such/folder" in answer
    assert said("pgbinaries.find()") == str(pgbinaries.find())
    assert pgbinaries.major_version(pgbinaries.find()) == "18"


def test_a_private_folder_is_nobody_elses(tmp_path: Path) -> None:
    folder = private_folder(tmp_path / "own", None)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert private_folder(folder, None) == folder
    (tmp_path / "link").symlink_to(folder)
    with pytest.raises(PlaceError, match="link"):
        private_folder(tmp_path / "link", None)
