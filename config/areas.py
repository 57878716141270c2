"""Subject areas: what a petition is about, as petition bureaus sort it, and the sector of bodies that usually answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from pydantic import Field

from config.bodies import Slug
from config.source import Located, Problem, Strict, load_located, raise_if

Zh = Annotated[str, Field(min_length=2, max_length=30)]


class Area(Strict):
    """One subject area (内容分类，一级). `sector`: who usually answers, or None where no one agency does.

    `labels`: the names other systems give this area; the first-level classes of an imported table are looked up here.
    """

    zh: Zh
    sector: Slug | None = None
    labels: tuple[Zh, ...] = ()


class Areas(Strict):
    """The content of areas.yaml. `sectors`: every sector the product may name, with its Chinese name."""

    sectors: Annotated[dict[Slug, Zh], Field(min_length=1)]
    areas: Annotated[dict[Slug, Area], Field(min_length=1)]

    def of_label(self, label: str) -> str | None:
        """The area that carries this label of another system, or None."""
        return next((slug for slug, area in self.areas.items() if label in area.labels), None)


def load_areas(path: Path) -> Areas:
    """The areas of a YAML file. Raises `ConfigError`: an undeclared sector, a name or a label used twice."""
    areas, located = load_located(path, Areas)
    raise_if(list(_faults(areas, located)))
    return areas


def _faults(areas: Areas, located: Located) -> Iterator[Problem]:
    names: dict[str, str] = {}
    labels: dict[str, str] = {}
    for slug, area in areas.areas.items():
        if area.sector is not None and area.sector not in areas.sectors:
            what = f"领域 {slug} 的部门类别 {area.sector} 没有声明"
            yield located.problem(what, "在 sectors 中补写该部门类别，或改正 sector", "areas", slug, "sector")
        if area.zh in names:
            yield located.problem(f"领域名称“{area.zh}”已用于 {names[area.zh]}", "改用另一个名称", "areas", slug, "zh")
        names.setdefault(area.zh, slug)
        for i, label in enumerate(area.labels):
            if label in labels:
                what = f"分类“{label}”已归入 {labels[label]}"
                yield located.problem(what, "一个分类只归入一个领域，删除其中一处", "areas", slug, "labels", i)
            labels.setdefault(label, slug)
