"""Nested mappings of a result: what becomes a table, what stays a tree, and how intervals are said."""

from __future__ import annotations

from studylib.report.nested import effect, flat, parts_of, several, span, trend
from studylib.result import Text


def one_effect(**more):
    ends = {"125k": [-2.0, -1.0, 0.0], "1M": [-3.5, -3.0, -2.5]}
    return {"effect_by_size": ends, "trend": "grows", "supported": False, "p_better_at_target": 0.95} | more


def test_effects_of_variants_are_one_table_and_what_stands_beside_them_is_not_lost():
    given = {
        "muon": one_effect(),
        "lion": one_effect(at_target=[0.5, 1.0, 1.5]),
        "not_carried": Text(en="why", ja="理由").model_dump(),
    }
    effects, rest = parts_of(given)
    assert (effects.kind, effects.title, effects.columns) == ("effects", "", ("125k", "1M"))
    assert list(effects.content) == ["muon", "lion"]
    assert rest.kind == "tree" and rest.content == {"not_carried": {"en": "why", "ja": "理由"}}


def test_effects_under_a_name_of_their_own_have_it_as_title():
    tree, table = parts_of({"rate": {"optimum": 3.0, "target": {"params": 1e10}}, "optimizers": {"muon": one_effect()}})
    assert (table.kind, table.title) == ("effects", "optimizers")
    assert tree.kind == "tree" and list(tree.content) == ["rate"], "values beside mappings are no records"


def test_records_that_are_alike_are_one_table_by_the_keys_that_lead_to_them():
    by_budget = {
        "125k": {"optimum": 3.0, "interval": [2.0, 4.0]},
        "250k": {"optimum": None, "reason": {"en": "why", "ja": "理由"}},
    }
    by_kind = {pieces: {kind: {"chars": 1.5, "bytes": 3.0} for kind in ("ja", "en")} for pieces in ("2048", "4096")}
    optima, kinds = parts_of({"optimum_by_budget": by_budget, "by_kind": by_kind})
    assert (optima.kind, optima.title, optima.columns) == (
        "records",
        "optimum by budget",
        ("optimum", "interval", "reason"),
    )
    assert [path for path, _ in optima.content] == [("125k",), ("250k",)]
    assert [path for path, _ in kinds.content] == [("2048", "ja"), ("2048", "en"), ("4096", "ja"), ("4096", "en")]


def test_what_is_of_unequal_depth_or_too_wide_to_be_read_stays_a_tree():
    uneven = {"a": {"x": 1, "y": 2}, "b": {"c": {"x": 1, "y": 2}}}
    wide = {"a": {f"field {n}": n for n in range(9)}}
    (part,) = parts_of({"uneven": uneven, "wide": wide, "plain": {"x": 1}, "empty": {}})
    assert part.kind == "tree" and list(part.content) == ["uneven", "wide", "plain", "empty"]
    assert parts_of({}) == []


def test_a_tree_is_told_by_paths():
    content = {
        "sources": {"ja": {"max_bytes": 10, "why": {"en": "a", "ja": "b"}}},
        "left": {},
        "ends": {"low": 1, "middle": 2, "high": 3},
    }
    assert dict(flat(content)) == {
        "sources · ja · max bytes": 10, "sources · ja · why": {"en": "a", "ja": "b"}, "left": {},
        "ends": {"low": 1, "middle": 2, "high": 3},
    }  # fmt: skip
    assert dict(flat({"registers": {"en": {"kind": "files"}, "ja": {"kind": "hub"}}})) == {
        "registers · en · kind": "files", "registers · ja · kind": "hub",
    }  # fmt: skip


def test_intervals_and_lists_are_said_as_people_write_them():
    assert span([2257.78, 4572.64]) == Text(en="2258 to 4573", ja="2258〜4573")
    assert span([1.0, 2.5, 3.0]) == Text(en="2.5 (1 to 3)", ja="2.5(1〜3)")
    assert effect([-3.456, -3.0, -2.5]) == Text(en="-3.00 (-3.46 to -2.50)", ja="-3.00(-3.46〜-2.50)")
    assert effect(None) == span(None) == Text(en="–", ja="–")
    assert (several([1, 2.5, "x"]), several([])) == ("1, 2.5, x", "–")
    assert '"a": 1' in several([{"a": 1}])
    assert trend("shrinks") == Text(en="shrinks", ja="縮小") and trend("one size").en == "–"
