"""Nested mappings of a result for a reader: effects of variants over sizes and records that are alike as tables, the rest as a tree."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from studylib.numbers import human, pretty
from studylib.words import TRENDS, Text

_EFFECT = "effect_by_size"  # as `analysis.CarriedEffect.as_dict` has it
_MOST_COLUMNS = 8  # more cannot be read side by side


@dataclass(frozen=True)
class Part:
    """One heading's worth.

    Attributes
    ----------
    title
        The key that it stood under; empty: what stood under none.
    kind
        Which macro shows it.
    content
        Of ``effects``: by variant, as they are. Of ``records``: the keys that lead to each, and its fields. Of ``tree``: as it is.
    columns
        Sizes of the effects, fields of the records.
    """

    title: str
    kind: Literal["effects", "records", "tree"]
    content: Any
    columns: tuple[str, ...] = ()


def parts_of(extrapolation: Mapping[str, Any]) -> list[Part]:
    """Effects, what fits no table, and the other tables."""
    effects = {key: value for key, value in extrapolation.items() if _is_effect(value)}
    tables, rest = [], {}
    for key, value in extrapolation.items():
        if key not in effects:
            table = _table(key.replace("_", " "), value)
            if table is None:
                rest[key] = value
            else:
                tables.append(table)
    found = [_effects("", effects)] if effects else []
    return [*found, *([Part("", "tree", rest)] if rest else []), *tables]


def _table(title: str, value: Any) -> Part | None:
    if not isinstance(value, Mapping) or not value:
        return None
    if all(_is_effect(one) for one in value.values()):
        return _effects(title, value)
    records = list(_records(value))
    columns = tuple(dict.fromkeys(name for _, own in records for name in own))
    if len({len(path) for path, _ in records}) == 1 and records[0][0] and len(columns) <= _MOST_COLUMNS:
        return Part(title, "records", records, columns)
    return None


def _effects(title: str, effects: Mapping[str, Mapping[str, Any]]) -> Part:
    sizes = dict.fromkeys(size for one in effects.values() for size in one[_EFFECT])
    return Part(title, "effects", effects, tuple(sizes))


def _records(
    value: Mapping[str, Any], path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
    """The innermost mappings and the keys that lead to them; none that hold values beside further mappings."""
    inner = {key: one for key, one in value.items() if isinstance(one, Mapping) and not is_value(one)}
    if not inner:
        yield path, value
    elif len(inner) == len(value):
        for key, one in inner.items():
            yield from _records(one, (*path, key))


def flat(content: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Every value and the keys that lead to it: a page is too narrow for more than two levels side by side."""
    for key, value in content.items():
        here = (*path, str(key).replace("_", " "))
        if isinstance(value, Mapping) and value and not is_value(value):
            yield from flat(value, here)
        else:
            yield " · ".join(here), value


def several(values: Sequence[Any]) -> str:
    """A list in one line where it holds single values; else as JSON."""
    if any(isinstance(one, Mapping | list | tuple) for one in values):
        return pretty(values)
    return ", ".join(map(human, values)) or "–"


def _is_effect(value: Any) -> bool:
    return isinstance(value, Mapping) and isinstance(value.get(_EFFECT), Mapping)


def is_value(one: Mapping[str, Any]) -> bool:
    """A text, or a value with its interval."""
    return (set(one) == {"en", "ja"} and isinstance(one["en"], str)) or set(one) == {"low", "middle", "high"}


def span(ends: Sequence[float] | None, form: Callable[[float], str] = human) -> Text:
    """Two numbers as an interval, three as the middle one with it; "–" for nothing."""
    if ends is None:
        return Text(en="–", ja="–")
    low, *middle, high = map(form, ends)
    en, ja = f"{low} to {high}", f"{low}〜{high}"
    return Text(en=f"{middle[0]} ({en})", ja=f"{middle[0]}({ja})") if middle else Text(en=en, ja=ja)


def effect(ends: Sequence[float] | None) -> Text:
    """Percent, with its interval."""
    return span(ends, "{:+.2f}".format)


def trend(name: str) -> Text:
    """In a table; of one size there is none."""
    return Text(en="–", ja="–") if name == "one size" else Text(en=name, ja=TRENDS[name].ja)
