"""Words of the world for the templates of pages, drawn when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from studylib.data.miniworld import scenery as s
from studylib.data.miniworld import words as w
from studylib.data.miniworld.draw import Draw
from studylib.data.miniworld.web.numerals import kanji_number
from studylib.data.miniworld.web.personal import MAKERS as PERSONAL_MAKERS
from studylib.data.miniworld.world import NOW, World

T = TypeVar("T")


def common(draw: Draw, values: Sequence[T]) -> T:
    """The first ones most often."""
    return values[int(draw.unit() ** 2 * len(values))]


def _site(world: World, draw: Draw) -> str:
    town, field = common(draw, world.towns), draw.pick(w.FIELDS)
    return draw.pick(_SITES).format(
        town=town.bare[0], field=field.name[0], job=field.job[0], thing=draw.pick(field.things)[0]
    )


_SITES = (
    "{town}ナビ", "{town}暮らしの手帖", "週刊{town}", "{field}日和", "{thing}図鑑", "{town}{field}通信", "{job}のつれづれ日記", "{field}の広場", "まるごと{town}",
    "{thing}ドットコム", "{town}百科", "はじめての{field}", "{field}ジャーナル", "{town}タイムズ", "みんなの{thing}", "{job}になろう", "{town}文庫", "{thing}研究所",
)  # fmt: skip
_MAKERS: dict[str, Callable[[World, Draw], str]] = {
    "town": lambda world, draw: common(draw, world.towns).name[0],
    "bare": lambda world, draw: common(draw, world.towns).bare[0],
    "town_en": lambda world, draw: common(draw, world.towns).bare[1],
    "region": lambda world, draw: draw.pick(world.regions)[0],
    "person": lambda world, draw: common(draw, world.people).name[0],
    "person_en": lambda world, draw: common(draw, world.people).name[1],
    "family": lambda world, draw: common(draw, world.people).family[0],
    "given": lambda world, draw: common(draw, world.people).given[0],
    "firm": lambda world, draw: common(draw, world.firms).name[0],
    "firm_en": lambda world, draw: common(draw, world.firms).name[1],
    "product": lambda world, draw: draw.pick(common(draw, world.firms).products)[0],
    "product_en": lambda world, draw: draw.pick(common(draw, world.firms).products)[1],
    "work": lambda world, draw: common(draw, world.works).name[0],
    "species": lambda world, draw: common(draw, world.species).name[0],
    "feature": lambda world, draw: draw.pick(world.features).name[0],
    "event": lambda world, draw: draw.pick(world.events).name[0],
    "school": lambda world, draw: draw.pick(world.schools).name[0],
    "field": lambda world, draw: draw.pick(w.FIELDS).name[0],
    "field_en": lambda world, draw: draw.pick(w.FIELDS).name[1],
    "job": lambda world, draw: draw.pick(w.FIELDS).job[0],
    "job_en": lambda world, draw: draw.pick(w.FIELDS).job[1],
    "thing": lambda world, draw: draw.pick(draw.pick(w.FIELDS).things)[0],
    "thing_en": lambda world, draw: draw.pick(draw.pick(w.FIELDS).things)[1],
    "topic": lambda world, draw: draw.pick(draw.pick(w.FIELDS).topics)[0],
    "goods": lambda world, draw: draw.pick(w.THINGS)[0],
    "goods_en": lambda world, draw: draw.pick(w.THINGS)[1],
    "material": lambda world, draw: draw.pick(w.MATERIALS)[0],
    "place": lambda world, draw: draw.pick(s.PLACES)[0],
    "season": lambda world, draw: draw.pick(s.SEASONS)[0],
    "quote": lambda world, draw: draw.pick(s.QUOTES)[0],
    "dish": lambda world, draw: draw.pick(s.DISHES)[0],
    "garden": lambda world, draw: draw.pick(s.GARDENS)[0],
    "shop": lambda world, draw: draw.pick(s.SHOPS)[0],
    "hobby": lambda world, draw: draw.pick(w.HOBBIES)[0],
    "festival": lambda world, draw: draw.pick(w.FESTIVALS)[0],
    "colour": lambda world, draw: draw.pick(w.COLOURS)[0],
    "site": _site,
    "year": lambda world, draw: str(draw.between(1998, NOW + 5)),
    "old_year": lambda world, draw: str(draw.between(1880, 1997)),
    "month": lambda world, draw: str(draw.between(1, 12)),
    "day": lambda world, draw: str(draw.between(1, 28)),
    "hour": lambda world, draw: str(draw.between(6, 21)),
    "minute": lambda world, draw: f"{draw.between(0, 59):02}",
    "n": lambda world, draw: str(draw.between(2, 9)),
    "nn": lambda world, draw: str(draw.between(11, 98)),
    "kn": lambda world, draw: kanji_number(draw.between(1, 60)),
    "big": lambda world, draw: f"{draw.between(1001, 98999):,}",
    "price": lambda world, draw: f"{draw.between(3, 598) * 100 + draw.pick((0, 80, 98)):,}",
    "percent": lambda world, draw: str(draw.between(1, 18) * 5),
    "decimal": lambda world, draw: f"{draw.between(1, 99)}.{draw.between(0, 9)}",
}  # fmt: skip


class Words:
    """Slots of templates. One page says the same for the same slot; a figure at the end asks for another one
    (``{town2}``), a line before it for a new one each time (``{_n}``). Capitals are invented personal data, marked as
    such (``{PHONE}``)."""

    __slots__ = ("_draw", "_kept", "_world")

    def __init__(self, world: World, draw: Draw):
        self._world, self._draw = world, draw
        self._kept: dict[str, str] = {}

    def __getitem__(self, slot: str) -> str:
        kept = self._kept.get(slot)
        if kept is not None:
            return kept
        if slot.isupper():
            return PERSONAL_MAKERS[slot](self._world, self._draw)
        made = _MAKERS[slot.strip("_0123456789")](self._world, self._draw)
        if slot[0] != "_":
            self._kept[slot] = made
        return made
