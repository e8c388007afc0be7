"""Objectives on windows of tokens: published span statistics, nothing lost, the same again from (seed, step, row)."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from studylib.choices.objective._spans import Denoiser
from studylib.choices.objective.ul2 import DENOISERS
from studylib.errors import StudyError
from studylib.registry import OBJECTIVES
from studylib.rows import IGNORED, Marks, shares
from studylib.spec import ObjectiveSpec, validated

LENGTH = 257
EOS, PAD, EXTRA = 2, 3, 10_000
MARKS = Marks(eos=EOS, pad=PAD, first_extra=EXTRA)
FIRST_SENTINEL = EXTRA + 3
DRAWING = ("fim", "prefix_lm", "ul2")  # whose rows are not the windows as they are


def windows(rows: int = 64, length: int = LENGTH, eos: float = 0.01) -> np.ndarray:
    """Text in which every token of a row is another one, but for the ends of documents."""
    random = np.random.default_rng(3)
    found = np.stack([random.permutation(np.arange(4, 4 + 2 * length))[:length] for _ in range(rows)])
    found[random.random(found.shape) < eos] = EOS
    return found


def make(name: str, **options):
    return OBJECTIVES[name](ObjectiveSpec(name=name, **options))


def filled_in(row: np.ndarray, prefix_len: int) -> np.ndarray:
    """The text of a denoising row: every sentinel of the prefix replaced by what follows it behind the prefix."""
    targets = row[prefix_len:][row[prefix_len:] != PAD]
    ends = np.flatnonzero(targets >= FIRST_SENTINEL)
    assert ends[0] == 0 and ends[-1] == len(targets) - 1, "targets begin and end with a sentinel"
    spans = {targets[a]: targets[a + 1 : b] for a, b in pairwise(ends)}
    assert list(spans) == [FIRST_SENTINEL + place for place in range(len(spans))], "each sentinel once, in order"
    parts = [spans.pop(token) if token >= FIRST_SENTINEL else [token] for token in row[1:prefix_len]]
    assert not spans
    return np.concatenate(parts)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_rows_depend_on_seed_step_and_row_only(name):
    one, text = make(name), windows()
    first, again = one.batch(text, MARKS, 1, 7), make(name).batch(text, MARKS, 1, 7)
    for field in ("tokens_BT", "labels_BT", "prefix_len_B"):
        assert np.array_equal(getattr(first, field), getattr(again, field)), field
    assert first.tokens_BT.shape == text.shape and first.tokens_BT.dtype == np.int64
    half = one.batch(text[:10], MARKS, 1, 7)
    assert np.array_equal(half.tokens_BT, first.tokens_BT[:10])
    for other in (one.batch(text, MARKS, 1, 8), one.batch(text, MARKS, 2, 7)):
        same = np.array_equal(other.tokens_BT, first.tokens_BT) and np.array_equal(other.labels_BT, first.labels_BT)
        assert same == (name not in DRAWING)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_labels_are_the_next_tokens_and_extra_ids_stay_in_their_room(name):
    one = make(name)
    made = one.batch(windows(200), MARKS, 0, 0)
    assert made.tokens_BT.max() < EXTRA + one.extra_tokens(LENGTH - 1)
    assert one.masked == (made.labels_BT is not None) and one.prefixes == (made.prefix_len_B is not None)
    if not one.masked:
        return
    counted = made.labels_BT != IGNORED
    assert np.array_equal(made.labels_BT[counted], made.tokens_BT[:, 1:][counted])
    assert counted.any(axis=1).all(), "a row without loss teaches nothing"
    places = np.arange(LENGTH - 1)
    prefix_len = made.prefix_len_B if one.prefixes else np.zeros(len(made), dtype=int)
    assert not (counted & (places + 1 < prefix_len[:, None])).any(), "what is seen both ways is not predicted"


def test_prefix_lm_borders_are_uniform_and_nothing_is_put_in_or_left_out():
    text = windows(4000, length=33)
    made = make("prefix_lm").batch(text, MARKS, 0, 0)
    assert np.array_equal(made.tokens_BT, text)
    counts = np.bincount(made.prefix_len_B, minlength=33)
    assert counts[0] == 0 and len(counts) == 33
    assert counts[1:] == pytest.approx(np.full(32, 125), abs=50)
    assert ((made.labels_BT != IGNORED).sum(axis=1) == 33 - made.prefix_len_B).all()
    part = make("prefix_lm", shortest=0.25, longest=0.5).batch(text, MARKS, 0, 0).prefix_len_B
    assert (part.min(), part.max()) == (8, 16)


@pytest.mark.parametrize(
    ("denoiser", "kind"), [(one, kind) for kind, several in DENOISERS.items() for one in several], ids=str
)
def test_denoisers_take_out_what_is_published(denoiser, kind):
    random = np.random.default_rng(0)
    size = denoiser.text_tokens(513)
    found = [denoiser.spans(size, random) for _ in range(400)]
    lengths = [[stop - start for start, stop in spans] for spans in found]
    assert np.mean([sum(one) for one in lengths]) / size == pytest.approx(denoiser.rate, rel=0.1)
    for spans in found:
        assert spans[0][0] >= 1 and spans[-1][1] <= size
        assert all(start > before for (_, before), (start, _) in pairwise(spans))
    if kind == "s":
        assert {len(one) for one in lengths} == {1}
        assert max(map(sum, lengths)) <= size // 2 and {spans[-1][1] for spans in found} == {size}
        return
    # A span has a whole number of tokens and a text a whole number of spans, so the mean is only near the wanted one.
    assert np.mean([length for one in lengths for length in one]) == pytest.approx(denoiser.mean_span, rel=0.3)
    assert {len(one) for one in lengths} == {denoiser.counts(size)[1]}


def test_all_cuts_are_equally_likely():
    """Three tokens of six in two spans, 1 + 2 or 2 + 1; of the other three one is before each, and one wherever it falls."""
    random, one = np.random.default_rng(0), Denoiser(0.5, 1.5)
    seen = [tuple(one.spans(6, random)) for _ in range(3000)]
    expected = {((a, a + n), (b, b + 3 - n)) for n in (1, 2) for a, b in ((2, 3 + n), (1, 3 + n), (1, 2 + n))}
    assert {spans: seen.count(spans) for spans in set(seen)} == pytest.approx(dict.fromkeys(expected, 500), abs=100)


def test_a_single_span_lies_anywhere_and_has_any_length():
    """T5 puts it at the end, always as long: a row of few spans would never show text behind a gap."""
    random, one = np.random.default_rng(0), Denoiser(0.15, 8)
    found = [one.spans(58, random) for _ in range(4000)]
    assert {len(spans) for spans in found} == {1}
    starts, stops = np.array([spans[0] for spans in found]).T
    assert np.unique(stops - starts).tolist() == list(range(1, 18)) and (stops - starts).mean() == pytest.approx(
        9, abs=0.3
    )
    assert starts.min() == 1 and (stops == 58).mean() == pytest.approx(0.02, abs=0.01)
    assert (58 - stops).mean() == pytest.approx(starts.mean() - 1, abs=1), "as much text behind it as before"


@pytest.mark.parametrize("length", [9, 33, 257, 1025])
@pytest.mark.parametrize(
    "weights", [{}, {"r": 1, "s": 0, "x": 0}, {"r": 0, "s": 1, "x": 0}, {"r": 0, "s": 0, "x": 1}], ids=str
)
def test_ul2_rows_hold_the_window_exactly(weights, length):
    one, text = make("ul2", **weights), windows(40, length)
    made = one.batch(text, MARKS, 0, 0)
    held = 0
    for row, prefix_len, window in zip(made.tokens_BT, made.prefix_len_B, text, strict=True):
        whole = filled_in(row, prefix_len)
        assert np.array_equal(whole, window[: len(whole)])
        held += len(whole)
        # No room for one more token of text and the two sentinels that it may bring.
        assert (row == PAD).sum() <= 2
    assert held == made.text_tokens
    assert made.tokens_BT.max() < EXTRA + one.extra_tokens(length - 1)


def test_ul2_mixes_by_weight_and_says_the_mode():
    text = windows(4000, length=129)
    modes = make("ul2").batch(text, MARKS, 0, 0).tokens_BT[:, 0] - EXTRA
    assert np.bincount(modes) / 4000 == pytest.approx(np.array([2, 1, 4]) / 7, abs=0.03)
    made = make("ul2", r=1, s=1, x=1, causal=1).batch(text, MARKS, 0, 0)
    plain = made.prefix_len_B == 0
    assert plain.mean() == pytest.approx(0.25, abs=0.03)
    assert np.array_equal(made.tokens_BT[plain], text[plain])
    assert (made.labels_BT[plain] != IGNORED).all()


def test_ul2_padding_and_crop_are_what_is_said():
    text = np.full((256, 513), 4, dtype=np.int64)
    made = shares([make("ul2", r=1, s=0, x=0).batch(text, MARKS, 0, 0)])
    assert 0.88 < made["text_share"] < 0.97, "two sentinels for 3 or 8 tokens in 15 % of the text"
    plain = shares([make("causal").batch(text, MARKS, 0, 0)])
    assert plain["text_share"] == plain["loss_share"] == 1 and make("causal").extra_tokens(512) == 0


def parsed(row: np.ndarray) -> list[tuple[str, list[np.ndarray]]]:
    """FIM's documents as (order, [left, middle, right]) and plain stretches as ("plain", [tokens])."""
    pre, suf, mid = EXTRA, EXTRA + 1, EXTRA + 2
    found, rest = [], list(row)
    while rest:
        if rest[0] != pre:
            stop = rest.index(pre) if pre in rest else len(rest)
            found.append(("plain", [np.array(rest[:stop])]))
            rest = rest[stop:]
            continue
        stop = next((place for place, token in enumerate(rest) if token == EOS), len(rest))
        document, rest = rest[1:stop], rest[stop:]
        before, after = document[: document.index(mid)], document[document.index(mid) + 1 :]
        left, right = before[: before.index(suf)], before[before.index(suf) + 1 :]
        found.append(("psm" if left else "spm", [np.array(one, dtype=int) for one in (left, after, right)]))
    return found


def test_fim_rows_hold_the_window_exactly():
    text = windows(300, eos=0.02)
    made = make("fim", rate=0.7).batch(text, MARKS, 0, 0)
    held = 0
    for row, window in zip(made.tokens_BT, text, strict=True):
        whole = np.concatenate([np.concatenate(parts) for _, parts in parsed(row)])
        assert np.array_equal(whole, window[: len(whole)])
        assert (row >= EXTRA).sum() == LENGTH - len(whole), "what is left out made room for sentinels"
        held += len(whole)
    assert held == made.text_tokens


def test_fim_rates_and_orders():
    text = windows(2000, eos=0)  # a document a row
    cut = {rate: (make("fim", rate=rate).batch(text, MARKS, 0, 0).tokens_BT[:, 0] == EXTRA) for rate in (0, 0.5, 1)}
    assert {rate: found.mean() for rate, found in cut.items()} == pytest.approx({0: 0, 0.5: 0.5, 1: 1}, abs=0.04)
    spm = make("fim", rate=1, spm=0.3).batch(text, MARKS, 0, 0).tokens_BT
    assert (spm[:, 1] == EXTRA + 1).mean() == pytest.approx(0.3, abs=0.04)
    sizes = np.array(
        [
            [len(one) for one in parsed(row)[0][1]]
            for row in make("fim", rate=1, spm=0).batch(text, MARKS, 0, 0).tokens_BT
        ]
    )
    assert sizes.mean(axis=0) == pytest.approx(np.full(3, 254 / 3), rel=0.05), "two uniform cuts"


@pytest.mark.parametrize("name", OBJECTIVES)
def test_asked_spans_are_where_the_row_says(name):
    left, middle, right = (np.arange(start, start + size) for start, size in ((10, 20), (50, 5), (80, 15)))
    one = make(name)
    rows = [one.complete(left, middle, MARKS), one.infill(left, middle, right, MARKS)]
    for row, sees_right in zip(rows, (False, True), strict=True):
        if row is None:
            assert name not in ("fim", "ul2")
            continue
        assert np.array_equal(row.tokens[row.start : row.stop], middle)
        assert row.start > 0 and row.prefix_len <= row.start
        before = set(row.tokens[: row.start])
        assert set(left) <= before and (set(right) <= before) == sees_right
        assert not set(middle) & before
        if name == "ul2":
            assert np.array_equal(
                filled_in(row.tokens, row.prefix_len),
                np.concatenate([left, middle, *([right] if sees_right else [])]),
            )


def test_fim_asks_for_the_middle_of_the_last_document_behind_those_before_it():
    left, middle, right = np.array([8, 9, EOS, 10, 11]), np.array([12, 13]), np.array([14])
    pre, suf, mid = EXTRA, EXTRA + 1, EXTRA + 2
    before, rows = [8, 9, EOS, pre], {0.5: [suf, 14, mid, 10, 11, 12, 13], 0.0: [10, 11, suf, 14, mid, 12, 13]}
    for spm, expected in rows.items():  # the order that it was trained in
        row = make("fim", spm=spm).infill(left, middle, right, MARKS)
        assert row.tokens.tolist() == before + expected
        assert (row.start, row.stop, row.prefix_len) == (9, 11, 0)


def test_long_spans_are_asked_as_extreme():
    one, text = make("ul2"), np.arange(10, 110)
    modes = [one.infill(text[:40], text[40 : 40 + size], text[80:], MARKS).tokens[0] - EXTRA for size in (4, 11, 12)]
    assert modes == [0, 0, 2]
    assert one.complete(text[:40], text[40:44], MARKS).tokens[0] - EXTRA == 1


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("ul2", {"r": -1}, "objective.r: -1"),
        ("ul2", {"r": 0, "s": 0, "x": 0}, "leave no denoiser"),
        ("ul2", {"rate": 0.5}, "objective.rate: 0.5 is not used by ul2, but by objective fim"),
        ("fim", {"rate": 1.5}, "rate: 1.5"),
        ("prefix_lm", {"shortest": 0.8, "longest": 0.2}, "shortest: 0.8"),
        ("causal", {"prefix": 1}, "key 'prefix' in objective: 1 is not known"),
    ],
)
def test_bad_options_are_named(name, options, said):
    with pytest.raises(StudyError, match=said) as error:
        validated(ObjectiveSpec, {"name": name} | options)
    assert "\n" not in str(error.value)


def test_too_short_rows_are_refused():
    with pytest.raises(StudyError, match=r"model.seq_len: 4 is too short for ul2"):
        make("ul2").extra_tokens(4)
