"""Who leads at each size: a change counts where it is more than noise."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from studylib import analysis, findings
from studylib.analysis.by_size import by_size, leading_by_size
from studylib.result import IdeaResult, Text, read_result

CHOICE = Text(en="choice", ja="選択")


def trials(
    losses: dict[float, dict[str, float]], *, seeds: int = 4, noise: float = 0.001, random: int = 0
) -> pl.DataFrame:
    """Trials at each size whose variants have these losses."""
    generator = np.random.default_rng(random)
    rows = [
        {"size": f"{params:.0f}", "variant": name, "seed": seed, "status": "done", "non_embedding_params": int(params),
         "val_bpb": loss + 0.02 * seed + generator.normal(0, noise)}
        for params, own in losses.items()
        for name, loss in own.items()
        for seed in range(seeds)
    ]  # fmt: skip
    return pl.DataFrame(rows)


CROSSING = {1e6: {"wide": 1.5, "deep": 1.45, "even": 1.6}, 1e5: {"wide": 2.0, "deep": 2.1, "even": 2.2}}


def change(losses, **settings):
    return by_size(leading_by_size(trials(losses, **settings))).change


def test_sizes_rise_and_each_names_its_leader():
    found = by_size(leading_by_size(trials(CROSSING)))
    assert [(one.size, one.leader, one.ahead) for one in found.sizes] == [
        ("100000", "wide", True),
        ("1000000", "deep", True),
    ]
    assert found.change == "changed"


def test_what_noise_can_do_is_not_a_change():
    near = {1e5: {"wide": 2.0, "deep": 2.002}, 1e6: {"wide": 1.502, "deep": 1.5}}
    assert {change(near, noise=0.02, random=random) for random in range(4)} <= {"noise", "unsure"}
    one_sure = {1e5: {"wide": 2.0, "deep": 2.3}, 1e6: {"wide": 1.502, "deep": 1.5}}
    assert change(one_sure, noise=0.01, random=3) in ("noise", "unsure")


def test_a_leader_stays_surely_or_not():
    kept = {1e5: {"wide": 2.0, "deep": 2.2}, 1e6: {"wide": 1.5, "deep": 1.6}}
    assert change(kept) == "kept"
    level = {1e5: {"wide": 2.0, "deep": 2.2}, 1e6: {"wide": 1.4, "deep": 1.41}}
    assert change(level, noise=0.02, random=1) in ("unsure", "noise")


def test_a_leader_that_was_not_tried_at_the_other_end_is_not_a_change(tmp_path):
    new = {1e5: {"wide": 2.0, "deep": 2.2}, 1e6: {"wide": 1.5, "deep": 1.6, "later": 1.3}}
    assert change(new) == "untried"
    record = findings.LeadersBySize.of(trials(new), CHOICE).save(tmp_path)
    assert "not both were tried at both" in record.title.en


def test_shapes_are_called_by_what_they_stand_for():
    losses = {1e5: {"2x16": 2.0, "1x32": 2.2}, 1e6: {"4x32": 1.5, "2x64": 1.6}}
    aspect = {"2x16": "aspect 8", "4x32": "aspect 8", "1x32": "aspect 32", "2x64": "aspect 32"}
    rows = trials(losses).with_columns(pl.col("variant").replace(aspect).alias("asked"))
    found = by_size(leading_by_size(rows, label="asked"))
    assert {one.leader for one in found.sizes} == {"aspect 8"} and found.change == "kept"


def test_errors_of_moves_make_a_leader_less_sure():
    rows = trials({1e5: {"wide": 2.0, "deep": 2.05}, 1e6: {"wide": 1.5, "deep": 1.55}})
    drawn = np.random.default_rng(0).normal(0, 0.2, 8_000)
    moved = leading_by_size(rows, errors={"1000000/wide": drawn})
    assert moved[0].decision.ahead and not moved[1].decision.ahead


def test_one_size_has_no_row():
    one = trials({1e5: {"wide": 2.0, "deep": 2.1}})
    assert by_size(leading_by_size(one)) is None and findings.LeadersBySize.of(one, CHOICE) is None
    alone = trials({1e4: {"wide": 2.3}, 1e5: {"wide": 2.0, "deep": 2.1}})
    assert [one.size for one in leading_by_size(alone)] == ["100000"], "at 1e4 there is nobody to lead"


def test_the_finding_fills_its_field_of_the_result(tmp_path):
    found = findings.LeadersBySize.of(trials(CROSSING), CHOICE)
    record = found.save(tmp_path)
    assert "the verdict changed with size" in record.title.en and "結論が変わった" in record.title.ja
    result = IdeaResult(
        idea="x", scale="smoke", question=CHOICE, verdict=CHOICE, winner=None, decided=False, metrics=(), provenance={},
        **found.fields(),
    )  # fmt: skip
    result.write(tmp_path)
    assert read_result(tmp_path).by_size == by_size(leading_by_size(trials(CROSSING)))


def test_wanted_aspects_name_shapes():
    from studylib.ideas.depth_width.tables import with_asked_aspect

    shapes = {"8x16": 2.0, "2x24": 12.0, "2x16": 8.0, "1x200": 200.0}
    rows = pl.DataFrame([{"size": "a", "variant": name, "aspect": value} for name, value in shapes.items()])
    asked = with_asked_aspect(rows, [3, 8, 64])["asked"].to_list()
    assert asked == ["aspect 3", "aspect 12", "aspect 8", "aspect 64"]


@pytest.mark.parametrize(
    ("interval", "claimed", "seeds", "more"),
    [
        ((-1.0, 3.0), (0.0, float("inf")), 3, 25),  # half-width 2, room 1: 3 * (1.429 * 2) ** 2
        ((-0.1, 3.0), (0.0, float("inf")), 3, 8),
        ((-0.6, 0.4), (-0.5, 0.5), 3, 10),
    ],
)
def test_an_underpowered_row_says_how_many_seeds_would_settle_it(interval, claimed, seeds, more):
    row = analysis.score(CHOICE, "", interval, claimed, seeds=seeds)
    assert row.outcome == "underpowered"
    assert f"about {more} seeds (now {seeds})" in row.settle.en and f"約 {more} シード" in row.settle.ja


def test_so_many_seeds_settle_it_in_four_of_five_studies():
    """Simulated: an estimate of 1 above the claim's end, known from 3 seeds with a half-width of 2."""
    generator, sd = np.random.default_rng(0), 2.0 * 3**0.5 / 1.96
    means = 1 + generator.normal(0, sd / 25**0.5, 4_000)
    settled = np.mean(
        [analysis.outcome((one - 1.96 * sd / 5, one + 1.96 * sd / 5), (0.0, np.inf)) == "agrees" for one in means]
    )
    assert 0.77 < settled < 0.83


def test_what_cannot_be_settled_is_said():
    known = analysis.score(CHOICE, "", (-1.0, 1.0001), (0.0, np.inf), seeds=3)
    assert "more than 200 seeds would be needed" in known.settle.en
    assert analysis.score(CHOICE, "", (1.0, 2.0), (0.0, np.inf), seeds=3).settle is None, "it is settled"
    assert analysis.score(CHOICE, "", (-1.0, 2.0), (0.0, np.inf)).settle is None, "no seeds behind it"
    needs = Text(en="another size", ja="別の規模")
    assert analysis.score(CHOICE, "", None, (0.0, np.inf), seeds=3, needs=needs).settle == needs


def test_a_slope_is_settled_by_sizes_too():
    row = analysis.score(CHOICE, "", (0.1, 1.3), (0.0, 1.0), seeds=3, sizes=(1e5, 1e6))
    assert "about 25 seeds (now 3), or sizes up to 72.2M parameters, would settle it" in row.settle.en
    one_size = analysis.score(CHOICE, "", (0.1, 1.3), (0.0, 1.0), seeds=3, sizes=(1e6, 1e6))
    assert "about 25 seeds (now 3) would settle it" in one_size.settle.en
    aspect = analysis.score(CHOICE, "", (10.0, 160.0), (0.0, 90.0), seeds=3, logarithmic=True)
    assert aspect.settle.en.startswith("about 18 seeds")
