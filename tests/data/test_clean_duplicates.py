"""Deduplication: what is a copy, which member stays, and that nothing depends on the order of the text."""

from __future__ import annotations

import random
import re
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studylib.bench._cleaning_minhash import curve, side_by_side
from studylib.data.clean import Batch
from studylib.data.document import Document
from studylib.data.fold import Folded, plain
from studylib.data.minhash import MinHash
from studylib.data.miniworld import documents
from studylib.data.near import NearTo, SignatureFile, clusters, heads
from studylib.errors import StudyError
from studylib.frozen import validated
from studylib.spec.cleaning import CleanerSpec

SHORT = ["桜", "はい。", "了解です。", "3番線", "4番線", "送料無料", "在庫あり", "ご清聴ありがとうございました。",
         "ご静聴ありがとうございました。", "椿山駅前", "霧浜駅前", "第三章", "第四章"]  # fmt: skip


def articles(count: int, first: int = 0) -> list[str]:
    stream = (one.text for one in documents("ja", start=first))
    return [text for text, _ in zip((one for one in stream if len(one) > 200), range(count), strict=False)]


def edited(text: str, draw: random.Random, edits: int = 1) -> str:
    for _ in range(edits):
        place = draw.randrange(len(text))
        text = text[:place] + draw.choice("あいうえお山川") + text[place + 1 :]
    return text


def judged(texts: list[str], size: int = 1000, **spec) -> tuple[list[str], Counter, list]:
    """Reasons, counts and copies, as the pipeline asks for them."""
    cleaner = CleanerSpec(**spec).built()
    every = [Batch([Document(one) for one in texts[a : a + size]], a) for a in range(0, len(texts), size)]
    conclusion = cleaner.conclude(cleaner.survey(batch) for batch in every)
    found = [cleaner.judge(batch, conclusion) for batch in every]
    counts: Counter = sum((one.counts for one in found), Counter())
    return [one for some in found for one in some.reasons], counts, [c for one in found for c in one.copies or []]


def kept(texts: list[str], **spec) -> list[str]:
    return [text for text, reason in zip(texts, judged(texts, **spec)[0], strict=True) if not reason]


def test_exact_copies_go_and_twins_in_other_characters_are_counted_apart():
    base = articles(3)
    wide = base[0].translate({code: code + 0xFEE0 for code in range(ord("0"), ord("9") + 1)})
    assert wide != base[0]
    spaced = base[1].replace("\n", " \n\n")
    assert spaced != base[1]
    reasons, counts, _ = judged([wide, *base, spaced, base[2], base[2], *SHORT], cleaner="exact")
    other, same = "copy in other characters", "exact copy"
    assert reasons[:7] == [other, "", "", "", other, same, same]
    assert not any(reasons[7:])
    assert counts == {"clusters of 2": 2, "clusters of 3 to 4": 1}
    as_they_are, _, _ = judged([wide, *base, spaced, base[2]], cleaner="exact", normalize=False)
    assert as_they_are == ["", "", "", "", "", same]


@pytest.mark.parametrize("cleaner", ["exact", "minhash"])
def test_texts_without_an_ngram_are_copies_of_their_equals_only(cleaner):
    texts = [*SHORT, "", "  "]
    reasons, _, _ = judged([*texts, *texts], cleaner=cleaner)
    first, again = reasons[: len(SHORT)], reasons[len(texts) : len(texts) + len(SHORT)]
    assert not any(first) and all(again)
    assert sum(not one for one in (reasons[len(SHORT) : len(texts)] + reasons[-2:])) == 1  # nothing equals nothing


def test_near_copies_leave_the_longest():
    draw = random.Random(5)
    base = articles(40)
    longer = [edited(one, draw, 2) + "以上。" for one in base]
    shorter = [edited(one, draw)[:-4] for one in base]
    reasons, counts, _ = judged([*base, *longer, *shorter], cleaner="minhash")
    assert reasons == ["near copy"] * 40 + [""] * 40 + ["near copy"] * 40
    assert counts["clusters of 3 to 4"] == 40


@pytest.mark.parametrize("cleaner", ["exact", "minhash", "line_copies"])
def test_neither_order_nor_batches_change_what_is_kept(cleaner):
    draw = random.Random(2)
    base = articles(30)
    texts = [*base, *base[:10], *(edited(one, draw) for one in base), *SHORT, *SHORT]
    texts += [one.replace("。", "。　") for one in base[:5]] + [
        f"{one}\nこの欄は毎週月曜日に更新します。" for one in base
    ]
    expected = sorted(kept(texts, cleaner=cleaner))
    assert len(expected) < len(texts) or cleaner == "line_copies"
    for size in (1, 7, 1000):
        draw.shuffle(texts)
        assert sorted(kept(texts, size=size, cleaner=cleaner)) == expected


def test_minhash_finds_pairs_as_its_curve_says():
    for row in curve(MinHash(), pairs=4000):
        assert row.found == pytest.approx(row.expected, abs=0.02), row
    for row in curve(MinHash(bands=20, rows=5), similarities=(0.6,), pairs=2500):
        assert row.found == pytest.approx(row.expected, abs=0.02), row


def test_datatrove_finds_the_same_copies():
    draw = random.Random(4)
    base = ["".join(draw.choices("春夏秋冬山川花鳥風月東西南北あいうえお", k=300)) for _ in range(40)]
    texts = [*base, *base[:10], *(edited(one, draw) for one in base[10:30]), *SHORT[:6]]
    ours, theirs = side_by_side(texts, MinHash())
    assert ours.removed == theirs.removed == 30 and ours.pairs == theirs.pairs == 30
    assert ours.only_here == theirs.only_here == 0 and ours.only_of_alike == 0


def test_a_band_shared_by_chance_joins_nothing(tmp_path):
    minhash = MinHash()
    signatures = minhash.signatures(Folded(articles(60)))
    chance = signatures.copy()
    chance[1::2, 3] = chance[::2, 3]  # pairs that have nothing in common but this key
    alike = signatures.copy()
    alike[1::2] = alike[::2]
    for rows, number in ((chance, 60), (alike, 30)):
        with open(tmp_path / "signatures", "w+b") as stream:
            file = SignatureFile(stream, minhash.width)
            file.add(rows[:25])
            file.add(rows[25:])
            labels = clusters(file, np.arange(60, dtype=np.uint64), minhash)
        assert len(np.unique(labels)) == number
        assert NearTo([rows[:1]], minhash)(rows[1:2]).tolist() == [number == 30]


def test_clusters_are_what_pairs_join(tmp_path):
    """Against comparing all pairs, with texts edited so often that some are near through others only."""
    draw, texts = random.Random(3), articles(15)
    for start in texts[:15]:
        for _ in range(6):
            texts.append(start := edited(start, draw, 6))
    minhash = MinHash()
    signatures = minhash.signatures(Folded(texts))
    expected = list(range(len(texts)))
    for left in range(len(texts)):
        near = NearTo([signatures[left : left + 1]], minhash)(signatures)
        for right in np.flatnonzero(near).tolist():
            old, new = expected[right], expected[left]
            expected = [new if one == old else one for one in expected]
    with open(tmp_path / "signatures", "w+b") as stream:
        file = SignatureFile(stream, minhash.width)
        file.add(signatures)
        found = clusters(file, Folded(texts).digests(), minhash)
    pairs = set(zip(found.tolist(), expected, strict=True))
    assert len(pairs) == len(set(expected)) == len(set(found.tolist()))
    assert 15 <= len(pairs) < len(texts)


def test_no_text_at_all():
    assert MinHash(5, 3, 5).signatures(Folded([])).shape == (0, 4)
    for cleaner in ("exact", "minhash", "line_copies"):
        asked = CleanerSpec(cleaner=cleaner).built()
        empty = asked.survey(Batch([]))
        assert asked.judge(Batch([]), asked.conclude(iter([empty, empty]))).reasons == []
        assert asked.judge(Batch([]), asked.conclude(iter([]))).reasons == []


def test_heads_are_the_smallest_by_all_that_is_given():
    labels = np.array([5, 2, 5, 2, 5, 9])
    head, size = heads(labels, np.array([1, 0, 0, 0, 0, 0]), np.array([0, 3, 7, 1, 4, 0]))
    assert head.tolist() == [4, 3, 4, 3, 4, 5] and size.tolist() == [3, 2, 3, 2, 3, 1]
    assert [one.tolist() for one in heads(np.empty(0, np.int64), np.empty(0))] == [[], []]


def test_texts_from_one_template_are_counted_whether_they_merge_or_not():
    short = [f"椿山の天気予報。{n}日の最高気温は{n + 9}度、降水確率は{n * 3}パーセントです。" for n in range(1, 9)]
    long = [articles(1)[0] + f"発行部数は{n}部。" for n in (12, 34, 57)]
    reasons, counts, _ = judged([*short, *long], cleaner="minhash")
    assert reasons[:8] == [""] * 8 and sorted(reasons[8:]) == ["", "copy in other numbers", "copy in other numbers"]
    assert counts["kept: another with other numbers"] == 8


def test_kept_documents_come_again_by_the_size_of_their_cluster():
    base = articles(4)
    texts = [base[0], *[base[1]] * 2, *[base[2]] * 5, *[base[3]] * 40]
    assert judged(texts, cleaner="exact")[2] == []
    for options, expected in (
        ({"rehydrate": "log2"}, [1, 2, 3, 6]),
        ({"rehydrate": "log2", "most_copies": 4}, [1, 2, 3, 4]),
        ({"rehydrate": {2: 3, 10: 7}}, [1, 3, 3, 7]),
    ):
        for cleaner in ("exact", "minhash"):
            reasons, _, copies = judged(texts, cleaner=cleaner, **options)
            assert [times for times, reason in zip(copies, reasons, strict=True) if not reason] == expected


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"cleaner": "minhash", "bands": 0}, "bands"),
        ({"cleaner": "exact", "rehydrate": "often"}, "rehydrate"),
        ({"cleaner": "exact", "rehydrate": {2: 0}}, "rehydrate"),
        ({"cleaner": "line_copies", "documents": 1}, "documents"),
    ],
)
def test_bad_options_are_named(options, field):
    with pytest.raises(StudyError, match=field):
        validated(CleanerSpec, options)


def test_lines_of_many_documents_are_taken_out_but_not_code_nor_short_ones():
    menu, code = "ホーム｜会社概要｜お問い合わせ｜サイトマップ", "import numpy as np"
    texts = [f"{menu}\n{one}\nはい。\n{code}\n```\n同じ長さの行を数える関数\n```" for one in articles(8)]
    cleaner = CleanerSpec(cleaner="line_copies").built()
    given = [*texts, f"{menu.replace('｜', '|')}\n", "この行はここだけにあります。"]
    batch = Batch([Document(one) for one in given])
    found = cleaner.judge(batch, cleaner.conclude(iter([cleaner.survey(batch)])))
    assert found.texts[:8] == [one.removeprefix(f"{menu}\n") for one in texts]
    assert found.texts[9] == given[9] and found.reasons == [""] * 8 + ["nothing but copied lines", ""]
    assert found.counts == {"lines taken out": 9}
    for place, spans in found.spans.items():
        assert [given[place][one.start : one.stop] for one in spans] == [given[place].split("\n")[0] + "\n"]
    with_code = CleanerSpec(cleaner="line_copies", code=True).built()
    found = with_code.judge(batch, with_code.conclude(iter([with_code.survey(batch)])))
    assert code not in found.texts[0] and "同じ長さの行" not in found.texts[0] and "はい。" in found.texts[0]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(alphabet="aBé１ａＡアｱｶﾞがか\u3099\u3000 \n\t。！ー１23桜𠮷", max_size=12), max_size=6))
def test_texts_are_folded_together_as_one_by_one(texts):
    folded = Folded(texts)
    found = ["".join(map(chr, folded.codes[a:b])) for a, b in zip(folded.starts, folded.ends, strict=True)]
    assert found == [plain(text) for text in texts]
    assert len(set(folded.digests().tolist())) == len(set(found))
    assert folded.letters().tolist() == [sum(map(str.isalnum, one)) for one in found]
    bare = folded.without_numbers()
    without = ["".join(map(chr, bare.codes[a:b])) for a, b in zip(bare.starts, bare.ends, strict=True)]
    assert without == [re.sub(r"[0-9]+", "0", text) for text in found]
