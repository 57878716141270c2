"""The wheel holds what the flows need at run time besides their code: built here, without any index."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from flows import deploy

ROOT = Path(__file__).parent.parent.parent


def test_the_wheel_holds_the_definitions_of_the_deployments(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    for name in ("runtime", "config", "rules", "models", "connectors", "flows", "gateway", "sandbox", "cli"):
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree / name)
    build = "from setuptools import build_meta; print(build_meta.build_wheel('.'))"
    done = subprocess.run([sys.executable, "-c", build], cwd=tree, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    [wheel] = tree.glob("*.whl")
    with zipfile.ZipFile(wheel) as held:
        names = set(held.namelist())
        assert "config/bodies.yaml" in names
        assert "models/migrations/script.py.mako" in names
        assert held.read("flows/prefect.yaml") == deploy.FILE.read_bytes()
    for one in deploy.definitions():
        module, _, _ = one.entrypoint.rpartition(".")
        assert module.replace(".", "/") + ".py" in names
