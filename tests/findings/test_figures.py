"""Figures: small, described, in both languages, and refused rather than drawn empty."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from matplotlib.figure import Figure
from PIL import Image
from simulated import SHAPES, simulate, write_trials

from studylib import StudyError, analysis, findings
from studylib.findings._differences import Difference
from studylib.findings._figures.saving import _small, save
from studylib.findings._figures.style import look
from studylib.findings._finding import Finding
from studylib.findings.slopes import OverSizes
from studylib.recipe.cards import card_named
from studylib.recipe.dry_run import RanksSummary
from studylib.recipe.layouts import search_layouts
from studylib.recipe.published_runs import check_published
from studylib.result import Text, Verdict
from studylib.spec import ModelSpec, TrialSpec

TITLE = Text(en="A finding", ja="発見:谷は平ら、です。")
ALT = Text(en="What is drawn", ja="図の説明")
SHAPE = Text(en="shape", ja="形状")


@pytest.fixture(scope="module")
def trials() -> pl.DataFrame:
    return simulate(sizes=("0.3M", "1M"))


@pytest.fixture(scope="module")
def largest(trials) -> pl.DataFrame:
    return trials.filter(pl.col("size") == "1M")


@pytest.fixture(scope="module")
def curves(largest, tmp_path_factory) -> pl.DataFrame:
    folder = tmp_path_factory.mktemp("study")
    write_trials(folder, largest)
    return analysis.read_curves(folder, largest)


def valley(trials: pl.DataFrame) -> findings.LossValley:
    return findings.LossValley.of(trials, analysis.fit_valleys(trials), findings.ASPECT)


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for ax in figure.axes for text in ax.texts]


def test_a_saved_figure_is_small_sharp_and_described(trials, largest, curves, tmp_path):
    fits = analysis.fit_valleys(trials)
    carried, reason = fits.carry({"params": 2e9})
    verdict = analysis.decide(largest, draws=2000).verdict("flops")
    rates = [
        largest.with_columns(lr_factor=pl.lit(factor), val_bpb=pl.col("val_bpb") + abs(factor - 1) / 100)
        for factor in (0.5, 1.0, 2.0)
    ]
    noise, factors = (
        analysis.noise_floor(largest),
        {"shapes": [f"{layers}×{hidden}" for layers, hidden in SHAPES["1M"]]},
    )
    layouts = largest.rename({"tokens_per_s": "trials_an_hour"}).with_columns(others=pl.lit(0.01))
    drawn: list[Finding] = [
        valley(trials), findings.Optimum.of(fits, carried, reason, 2e9, findings.ASPECT),
        findings.Leaders.of([verdict], "1M", SHAPE), findings.Comparison.of(largest, "8×104", SHAPE),
        findings.Effects.of(analysis.effects_by_size(largest, "8×104"), factors, noise),
        findings.Curves.of(largest, curves, SHAPE), findings.Speed.of(largest, {}, SHAPE),
        findings.LearningRate.of(pl.concat(rates), noise, SHAPE), findings.Layouts.of(layouts),
        findings.MidRun.of(curves, "8×104", "2×208"),
    ]  # fmt: skip
    for finding in drawn:
        record = finding.save(tmp_path)
        assert record.file == f"{finding.name}.png"
        path = tmp_path / record.file
        assert 10_000 < path.stat().st_size <= 150_000, path
        with Image.open(path) as picture:
            assert picture.width >= 1000
            assert picture.info["Description"] == record.alt.en


def test_figures_of_a_recipe(tmp_path):
    """Layouts that fit and ranks of the fastest, as they are counted; what is built is the same (tests/recipe)."""
    card = card_named("h100-sxm")
    model = ModelSpec(num_layers=8, hidden_size=1024, num_heads=8, vocab_size=32_768, seq_len=2048)
    layouts = search_layouts(TrialSpec(model=model, train_steps=9, global_batch_size=64), card, 16, pp=4)
    chosen = layouts[0]
    rows = [
        {"pp": stage, "layers": 2, "copies_bytes": 1e8, "total_bytes": held, "weights_bytes": 2e8, "gradients_bytes": 2e8,
         "optimizer_bytes": 4e8, "activations_bytes": held - 9e8, "logits_bytes": 0.0}
        for stage, held in enumerate(chosen.memory_by_stage)
    ]  # fmt: skip
    ranks = RanksSummary(
        ranks=16, parameters=1, lightest_bytes=1e9, heaviest_bytes=chosen.memory_bytes, heaviest_stage=0, mean_bytes=1e9,
        usable_bytes=chosen.usable_bytes, card_bytes=chosen.card_bytes, fits=True, balance=0.9, bubble_share=0.1, tensor_bytes=0.0,
        pipeline_bytes=1e9, data_bytes=1e9,
    )  # fmt: skip
    memory = findings.RankMemory.of(pl.DataFrame(rows), ranks, chosen.said(), card.label)
    assert [one.total for one in memory.stages] == pytest.approx([held / 1e9 for held in chosen.memory_by_stage])
    assert memory.stages[0].weights == pytest.approx(0.3), "with autocast's copies"
    search = findings.LayoutSearch.of(layouts, card.label)
    assert search.fastest[0].seconds == chosen.cost.seconds and search.gpus == 16
    first = search.fastest[0]
    parts = first.computing + first.tensor + first.pipeline + first.bubble + first.replicas
    assert parts == pytest.approx(first.seconds)
    assert findings.LayoutSearch.of([one for one in layouts if not one.fits], card.label) is None
    for finding in (memory, search, findings.PublishedSpeed.of(check_published())):
        record = finding.save(tmp_path)
        assert 10_000 < (tmp_path / record.file).stat().st_size <= 150_000


def test_the_same_figure_gives_the_same_bytes(largest, tmp_path):
    found = valley(largest)
    for name in ("a", "b"):
        found.save(tmp_path, name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_titles_in_both_languages_are_drawn(largest, tmp_path):
    figure = findings.Speed.of(largest, {}, SHAPE).figure()
    record = save(figure, tmp_path, "speed", TITLE, ALT)
    assert record.file == "speed.png"
    assert figure.get_suptitle() == TITLE.en
    assert TITLE.ja in figure.axes[0].get_title(loc="left")


def test_long_titles_and_labels_leave_rows_their_room(largest, tmp_path):
    """Two rows with labels of three lines below titles of several: no label reaches into the next."""
    name = "a shape that is far longer than all of the others and"
    own = largest.filter(pl.col("variant").is_in(["8×104", "4×144", "2×208"]))
    own = own.with_columns(pl.col("variant").replace({"4×144": f"{name} four deep", "2×208": f"{name} two deep"}))
    figure = findings.Comparison.of(own, "8×104", SHAPE).figure()
    save(figure, tmp_path, "long", Text(en="A title of many words " * 12, ja="多くの語からなる長い題名" * 9), ALT)
    figure.draw_without_rendering()
    low, high = sorted(
        (label.get_window_extent() for label in figure.axes[0].get_yticklabels()), key=lambda box: box.y0
    )
    assert low.y1 < high.y0


def test_a_glyph_that_no_font_has_is_an_error(largest, tmp_path):
    figure = findings.Speed.of(largest, {}, SHAPE).figure()
    with pytest.raises(UserWarning, match="Glyph"):
        save(figure, tmp_path, "speed", Text(en="\U0001f9ff", ja="あ"), ALT)
    assert not list(tmp_path.iterdir())


def test_a_figure_without_description_is_refused(largest, tmp_path):
    figure = findings.Speed.of(largest, {}, SHAPE).figure()
    with pytest.raises(StudyError, match=r"alt\.ja"):
        save(figure, tmp_path, "speed", TITLE, Text(en="x", ja=" "))
    with pytest.raises(StudyError, match="name"):
        save(figure, tmp_path, "../speed", TITLE, ALT)


def test_series_differ_by_more_than_colour(largest, curves):
    figure = findings.Curves.of(largest, curves, SHAPE).figure()
    handles = figure.legends[0].get_lines()
    assert len(handles) == len(SHAPES["1M"])
    assert len({line.get_linestyle() + str(line.get_marker()) for line in handles}) == len(handles)
    assert "bits per byte" in figure.axes[0].get_ylabel()


def test_the_title_of_curves_tells_a_gap_from_noise(largest, curves):
    clear = findings.Curves.of(largest, curves, SHAPE)
    assert clear.told_apart and clear.interval[0] < clear.gap_percent < clear.interval[1]
    noisy = largest.with_columns(val_bpb=1.0 + 0.01 * ((pl.int_range(pl.len()) * 7) % 5))
    even = findings.Curves.of(noisy, curves, SHAPE)
    assert not even.told_apart and even.interval[0] < even.gap_percent < even.interval[1]
    one = findings.Curves.of(largest.filter(pl.col("seed") == 0), curves, SHAPE)
    assert one.interval is None and not one.told_apart


def test_more_series_than_colours_still_differ():
    assert len({str(look(index)) for index in range(64)}) == 64


def test_the_valley_says_when_there_is_no_optimum(largest):
    rising = largest.with_columns(val_bpb=1 + pl.col("aspect").log() * 0.1 + pl.col("seed") * 0.001)
    fits = analysis.fit_valleys(rising)
    assert fits.budgets[0].optimum is None and fits.exponents() == {}
    assert any("no optimum" in text for text in texts(valley(rising).figure()))
    optimum = findings.Optimum.of(fits, None, Text(en="one size", ja="一規模"), 1e10, findings.ASPECT)
    assert any("not carried" in text for text in texts(optimum.figure()))


def test_the_valley_says_when_its_curve_misses_the_means(largest):
    bent = largest.with_columns(val_bpb=1 + (pl.col("aspect").log() * 3).sin() * 0.1 + pl.col("seed") * 0.01)
    smooth = bent.with_columns(val_bpb=1 + (pl.col("aspect").log() - 4) ** 2 * 0.1 + pl.col("seed") * 0.01)
    for frame, said in ((bent, True), (smooth, False)):
        noise = pl.Series(np.random.default_rng(0).normal(0, 0.001, len(frame)))
        found = valley(frame.with_columns(val_bpb=pl.col("val_bpb") + noise))
        assert any("misses the means" in text for text in texts(found.figure())) is said
        assert found.bottoms[0].fitted is not said


def test_a_comparison_marks_what_is_not_told_apart():
    found = findings.Comparison.of(simulate(sizes=("0.3M",), noise=0.012), "4×80", SHAPE)
    axes = found.figure().axes[0]
    assert len(axes.get_yticks()) == 4
    assert "4×80 at the same seed" in axes.get_xlabel()
    marked = [line for line in axes.lines if line.get_marker() not in ("None", None) and len(line.get_xdata())]
    hollow = [line.get_xdata()[0] for line in marked if line.get_markerfacecolor() == "white"]
    assert hollow == [one.difference[1] for one in found.differences[::-1] if not one.sure]
    assert 0 < len(hollow) < len(marked)


def test_bars_of_probability_fit_many_variants():
    p = dict(zip((f"v{i}" for i in range(12)), np.full(12, 1 / 12), strict=True))
    verdict = Verdict(basis="flops", winner="v0", ahead=False, p_best=p, expected_regret_bpb=0.1, text=TITLE)
    figure = findings.Leaders.of([verdict], "1M", SHAPE).figure()
    assert "4 less likely not shown" in figure.axes[0].get_xlabel()
    assert len(figure.axes[0].get_yticks()) == 8


def test_choices_are_called_by_what_they_choose():
    fields = ("schedule.name", "optimizer.beta2", "cleaning")
    runs = [{"idea": "a", "choice": one, "params": 3e7, "seeds": 3, "gpu_hours": 2.0, "gain": 0.5} for one in fields]
    listed = findings.NextRuns(runs=runs, budget=None, gpu_hours=6.0, now=4.0, after=2.5, why_none=None).drawn_from()
    names = [label.get_text().split("  ")[0] for label in listed.figure().axes[0].get_yticklabels()]
    assert names == ["schedule", "beta2", "cleaning"]


def test_nothing_to_draw_is_no_figure_or_an_error(largest):
    noise = analysis.noise_floor(largest)
    assert findings.Speed.of(largest.with_columns(tokens_per_s=pl.lit(None, dtype=pl.Float64)), {}, SHAPE) is None
    assert findings.Leaders.of([], "1M", SHAPE).figure() is None
    assert findings.LearningRate.of(largest.clear().with_columns(lr_factor=1.0), noise, SHAPE).figure() is None
    nowhere = findings.Curves.of(largest, analysis.read_curves(Path("nowhere"), largest), SHAPE)
    with pytest.raises(StudyError, match="validation"):
        nowhere.figure()


def test_a_title_is_right_of_one_as_of_many(largest):
    one = OverSizes(variant="a", first=(0, 1, 2), last=(0, 1, 2), at_target=None, p_better=0.2, trend="unclear")
    found = findings.Slopes(
        target=1e10, sizes=("1M", "4M"), effects=(one, one.replace(trend="holds"), one.replace(trend="holds"))
    )
    assert found.title(**found.facts).en.endswith("of 3 effects 2 hold, 1 is unclear")
    found = found.replace(effects=(one.replace(trend="shrinks"), one, one))
    assert found.title(**found.facts).en.endswith("of 3 effects 1 shrinks, 2 are unclear")


def test_a_comparison_of_one_that_differs_names_it_once():
    differences = tuple(Difference(variant=name, difference=(0.1, 0.2, 0.3), sure=name == "b") for name in "ab")
    found = findings.Comparison(subject=SHAPE, baseline="base", differences=differences, detectable=0.1)
    title = found.title(**found.facts)
    assert title.en == "1 of 2 differs significantly from base: b (+0.2000 bits per byte)"
    assert title.ja == "2 案中 1 案が base と有意に異なる:b(+0.2000 bits/byte)"


def test_large_pictures_are_reduced_and_keep_their_description():
    noise = np.random.default_rng(0).integers(0, 255, (400, 400, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, format="png")
    reduced = _small(buffer.getvalue(), "noise")
    assert len(reduced) < len(buffer.getvalue()) / 2
    with Image.open(io.BytesIO(reduced)) as picture:
        assert picture.info["Description"] == "noise"
