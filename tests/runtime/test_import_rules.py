"""The finer import rules, which the contracts of .importlinter cannot say: what may stand on `connectors.wire` alone."""

from __future__ import annotations

import grimp
import pytest

ROOMS = ("runtime", "config", "rules", "models", "connectors", "flows", "gateway", "sandbox", "cli")


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(*ROOMS)


def within(module: str, *packages: str) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


@pytest.mark.parametrize(
    ("package", "allowed"),
    [("connectors.wire", ("connectors.wire",)), ("sandbox", ("sandbox", "connectors.wire")), ("runtime", ("runtime",))],
)
def test_it_stands_on_nothing_else_of_the_house(
    graph: grimp.ImportGraph, package: str, allowed: tuple[str, ...]
) -> None:
    importers = [module for module in graph.modules if within(module, package)]
    assert importers
    strangers = [
        f"{importer} -> {imported}"
        for importer in importers
        for imported in graph.find_modules_directly_imported_by(importer)
        if not within(imported, *allowed)
    ]
    assert strangers == []


def test_importing_the_wire_format_runs_no_other_code_of_the_connectors(graph: grimp.ImportGraph) -> None:
    assert graph.find_modules_directly_imported_by("connectors") == set()
