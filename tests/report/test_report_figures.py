"""Figures: small, described, in both languages, and refused rather than drawn empty."""

from __future__ import annotations

import io

import numpy as np
import polars as pl
import pytest
from PIL import Image
from simulated import SHAPES, simulate

from studylib import StudyError, analysis
from studylib import report as rp
from studylib.result import Text, Verdict

TITLE = Text(en="A finding", ja="発見:谷は平ら、です。")
ALT = Text(en="What is drawn", ja="図の説明")


@pytest.fixture(scope="module")
def trials() -> pl.DataFrame:
    return simulate(sizes=("0.3M", "1M"))


def test_a_saved_figure_is_small_sharp_and_described(study):
    for path in (study / "depth_width").glob("*.png"):
        assert path.stat().st_size <= 150_000, path
        with Image.open(path) as picture:
            assert picture.width >= 1000
            assert picture.info["Description"]


def test_the_same_figure_gives_the_same_bytes(trials, tmp_path):
    fits = analysis.fit_valleys(trials.filter(pl.col("size") == "1M")).budgets
    names = ["a", "b"]
    for name in names:
        rp.save(rp.valley(trials, fits), tmp_path, name, TITLE, ALT)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_titles_in_both_languages_are_drawn(trials, tmp_path):
    figure = rp.throughput(trials.filter(pl.col("size") == "1M"))
    record = rp.save(figure, tmp_path, "speed", TITLE, ALT)
    assert record.file == "speed.png"
    assert figure.get_suptitle() == TITLE.en
    assert TITLE.ja in figure.axes[0].get_title(loc="left")


def test_a_glyph_that_no_font_has_is_an_error(trials, tmp_path):
    figure = rp.throughput(trials.filter(pl.col("size") == "1M"))
    with pytest.raises(UserWarning, match="Glyph"):
        rp.save(figure, tmp_path, "speed", Text(en="\U0001f9ff", ja="あ"), ALT)
    assert not list(tmp_path.iterdir())


def test_a_figure_without_description_is_refused(trials, tmp_path):
    figure = rp.throughput(trials.filter(pl.col("size") == "1M"))
    with pytest.raises(StudyError, match=r"alt\.ja"):
        rp.save(figure, tmp_path, "speed", TITLE, Text(en="x", ja=" "))
    with pytest.raises(StudyError, match="name"):
        rp.save(figure, tmp_path, "../speed", TITLE, ALT)


def test_series_differ_by_more_than_colour(study):
    hashes = simulate(sizes=("16M",))
    figure = rp.learning_curves(analysis.read_curves(study, hashes))
    handles = figure.legends[0].get_lines()
    assert len(handles) == len(SHAPES["16M"])
    assert len({line.get_linestyle() + str(line.get_marker()) for line in handles}) == len(handles)
    assert "bits per byte" in figure.axes[0].get_ylabel()


def test_the_valley_says_when_there_is_no_optimum(trials):
    rising = trials.filter(pl.col("size") == "1M").with_columns(
        val_bpb=1 + pl.col("aspect").log() * 0.1 + pl.col("seed") * 0.001
    )
    (fit,) = analysis.fit_valleys(rising).budgets
    assert fit.optimum is None
    texts = [text.get_text() for text in rp.valley(rising, [fit]).axes[0].texts]
    assert any("no optimum" in text for text in texts)
    texts = [text.get_text() for text in rp.optimum_against_size([fit], None).axes[0].texts]
    assert any("not carried" in text for text in texts)


def test_the_valley_says_when_its_curve_misses_the_means(trials):
    bent = trials.filter(pl.col("size") == "1M").with_columns(
        val_bpb=1 + (pl.col("aspect").log() * 3).sin() * 0.1 + pl.col("seed") * 0.01
    )
    smooth = bent.with_columns(val_bpb=1 + (pl.col("aspect").log() - 4) ** 2 * 0.1 + pl.col("seed") * 0.01)
    for frame, said in ((bent, True), (smooth, False)):
        noise = pl.Series(np.random.default_rng(0).normal(0, 0.001, len(frame)))
        frame = frame.with_columns(val_bpb=pl.col("val_bpb") + noise)
        (fit,) = analysis.fit_valleys(frame).budgets
        texts = [text.get_text() for text in rp.valley(frame, [fit]).axes[0].texts]
        assert any("misses the means" in text for text in texts) is said


def test_forest_marks_what_is_not_told_apart(trials):
    own = trials.filter(pl.col("size") == "0.3M")
    table = analysis.compare_to_baseline(own, "4×80")
    table = table.with_columns(low=pl.when(pl.col("variant") == "1×160").then(None).otherwise("low"))
    axes = rp.forest(table, "4×80", noise=0.01).axes[0]
    assert len(axes.get_yticks()) == 4
    assert "same seed" in axes.get_xlabel()


def test_bars_of_probability_fit_many_variants(tmp_path):
    p = dict(zip((f"v{i}" for i in range(12)), np.full(12, 1 / 12), strict=True))
    verdict = Verdict(basis="flops", winner="v0", ahead=False, p_best=p, expected_regret_bpb=0.1, text=TITLE)
    figure = rp.p_best([verdict])
    assert "4 less likely not shown" in figure.axes[0].get_xlabel()
    assert len(figure.axes[0].get_yticks()) == 8


@pytest.mark.parametrize(
    "draw",
    [
        lambda t: rp.valley(t, []),
        lambda t: rp.p_best([]),
        lambda t: rp.throughput(t.with_columns(tokens_per_s=pl.lit(None, dtype=pl.Float64))),
        lambda t: rp.optimum_against_size([], None),
        lambda t: rp.learning_curves(analysis.read_curves(__import__("pathlib").Path("nowhere"), t)),
    ],
)
def test_nothing_to_draw_is_an_error(draw, trials):
    with pytest.raises(StudyError):
        draw(trials)


def test_large_pictures_are_reduced_and_keep_their_description():
    from studylib.report.figures.saving import _small

    noise = np.random.default_rng(0).integers(0, 255, (400, 400, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, format="png")
    reduced = _small(buffer.getvalue(), "noise")
    assert len(reduced) < len(buffer.getvalue()) / 2
    with Image.open(io.BytesIO(reduced)) as picture:
        assert picture.info["Description"] == "noise"
