"""All the text as counted pieces: nothing lost at the cuts, the same vocabulary, and memory that follows the pieces."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from itertools import islice

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studylib.data import counting
from studylib.data.counting import LONGEST, count_pieces, split_pieces
from studylib.data.miniworld import documents
from studylib.data.seeds import write_seeds
from studylib.data.tokenizer import run_sentencepiece, train_tokenizer
from studylib.data.train_on_counts import train_on_counts
from studylib.errors import StudyError
from studylib.spec import TokenizerSpec

TEXTS = [one.text for register in ("ja", "en", "code") for one in islice(documents(register), 60)]


def pieces_of(text: str) -> list[str]:
    return split_pieces(pl.Series([text], dtype=pl.String)).to_list()


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=60))
def test_the_pieces_are_the_text_without_tabs_and_newlines(text):
    assert "".join(pieces_of(text)) == text.replace("\t", "").replace("\n", "")


def test_cuts_are_where_they_should_be():
    assert pieces_of("日本語のテキスト、A long  word12です。\n\tx = 1.5") == [
        "日本語のテキスト", "、", "A", " long", "  word", "1", "2", "です", "。", "x", " =", " 1", ".", "5",
    ]  # fmt: skip
    assert pieces_of("ラーメンを食べるカタカナ") == ["ラーメンを食べるカタカナ"]
    assert pieces_of("か\u3099。") == ["か\u3099。"]  # a combining mark may join what follows it
    assert pieces_of("") == []
    assert [len(one) for one in pieces_of("あ" * (2 * LONGEST + 7))] == [LONGEST, LONGEST, 7]


def test_sentencepiece_never_merges_across_a_cut():
    """Every pair of classes that is cut, often enough in the text that SentencePiece would merge it if it could."""
    ends = {"ja": "語のカー", "latin": "aÉｚ", "common": "、。(−！", "digit": "7３", "other": "жא", "space": " "}
    lines = []
    for left_kind, left in ends.items():
        for right_kind, right in ends.items():
            lines += [a + b for a in left for b in right if len(pieces_of(a + b)) > 1 and left_kind != right_kind]
    assert len(lines) > 150
    spec = TokenizerSpec(kind="bpe", vocab_size=340)
    alphabet = sorted({one for line in lines for one in line} - {" "})
    # Merges that are allowed fill up the vocabulary: SentencePiece must not run out of them.
    filler = ["語の", "のカ", "カー", "aÉ", "Éｚ", "、。", "。(", "(−", "−！"] * 3 + alphabet
    tokenizer = run_sentencepiece(spec, (line for line in [*(lines * 50), *filler * 2]), hard_vocab_limit=False)
    merged = {piece.replace("\u2581", " ") for piece in tokenizer.pieces}
    assert not merged & set(lines)


def test_counts_are_exact_also_when_they_go_to_disk(tmp_path, monkeypatch):
    wanted = Counter(piece for text in TEXTS for piece in pieces_of(text))
    whole = count_pieces(TEXTS, tmp_path / "memory")
    assert dict(whole.rows()) == wanted
    monkeypatch.setattr(counting, "_MOST_ROWS", 500)
    monkeypatch.setattr(counting, "_BATCH_BYTES", 20_000)
    parts = count_pieces(iter(TEXTS), tmp_path / "disk")
    assert dict(parts.rows()) == wanted
    assert (parts.num_pieces, parts.total) == (len(wanted), wanted.total())
    assert [one.name for one in (tmp_path / "disk").iterdir()] == ["counts.parquet"]
    assert parts.characters() == whole.characters()
    assert dict(whole.characters()) == Counter(
        character for piece, count in wanted.items() for character in piece for _ in range(count)
    )


def test_thinned_counts_stand_for_all_of_them(tmp_path):
    counts = count_pieces(TEXTS, tmp_path / "counts")
    assert counts.thinned(counts.num_pieces) is counts
    before = dict(counts.rows())
    few = counts.thinned(counts.num_pieces // 4)
    after = dict(few.rows())
    assert after.keys() < before.keys() and len(after) == pytest.approx(counts.num_pieces / 4, rel=0.1)
    least = min(after.values())
    assert all(after[piece] == max(count, least) for piece, count in before.items() if piece in after)
    assert all(piece in after for piece, count in before.items() if count >= least)
    assert few.total == pytest.approx(counts.total, rel=0.05)
    common = [one for one, _ in counts.characters()[:50]]
    totals = [dict(one.characters()) for one in (counts, few)]
    ratios = [totals[1].get(one, 0) / totals[0][one] for one in common]
    assert sum(ratios) / 50 == pytest.approx(1, abs=0.05)
    assert dict(counts.thinned(counts.num_pieces // 4).rows()) == after


def test_seeds_are_the_substrings_that_cover_most(tmp_path):
    counts = count_pieces(["東京都 東京 東京タワー 京都"] * 3 + ["abcab xyz"], tmp_path / "counts")
    characters = [one for one, _ in counts.characters()]
    write_seeds(counts, characters, tmp_path / "seeds.tsv", 100)
    found = dict(line.split("\t") for line in (tmp_path / "seeds.tsv").read_text(encoding="utf-8").splitlines())
    assert found["東京"] == "9" and found["▁東京"] == "6" and found["京都"] == "6" and found["東京タワー"] == "3"
    assert found["ab"] == "2"
    assert "xyz" not in found  # once only
    assert "東京タ" not in found  # always followed by ワ
    write_seeds(counts, characters, tmp_path / "few.tsv", 3)
    few = [line.split("\t") for line in (tmp_path / "few.tsv").read_text(encoding="utf-8").splitlines()]
    covers = sorted((len(piece) * int(count) for piece, count in found.items()), reverse=True)
    assert [len(piece) * int(count) for piece, count in few] == covers[:3]


def test_seeds_do_not_depend_on_the_parts_they_are_sorted_in(tmp_path, monkeypatch):
    counts = count_pieces(TEXTS, tmp_path / "counts")
    characters = [one for one, _ in counts.characters()]
    write_seeds(counts, characters, tmp_path / "whole.tsv", 10**6)
    monkeypatch.setattr("studylib.data.seeds._SUFFIXES", 3000)
    write_seeds(counts, characters, tmp_path / "parts.tsv", 10**6)
    whole, parts = ((tmp_path / name).read_text(encoding="utf-8") for name in ("whole.tsv", "parts.tsv"))
    assert sorted(whole.splitlines()) == sorted(parts.splitlines())
    assert sorted(tmp_path.iterdir()) == sorted(tmp_path / name for name in ("counts", "whole.tsv", "parts.tsv"))


def test_bpe_is_the_same_from_counts_and_from_lines():
    spec = TokenizerSpec(kind="bpe", vocab_size=1200)
    assert train_on_counts(spec, TEXTS).pieces == train_tokenizer(spec, TEXTS).pieces


@pytest.mark.parametrize("normalization", ["identity", "nfkc"])
def test_unigram_from_counts_is_as_good_as_from_lines(normalization):
    spec = TokenizerSpec(vocab_size=1200, normalization=normalization)
    counted, plain = train_on_counts(spec, TEXTS), train_tokenizer(spec, TEXTS)
    assert len(set(counted.pieces) & set(plain.pieces)) > 0.75 * 1200  # so little text leaves much to chance
    tokens = [sum(map(len, one.encode_batch(TEXTS))) for one in (counted, plain)]
    assert tokens[0] < 1.005 * tokens[1]


def test_counts_give_the_same_model_every_time_and_leave_nothing_behind(tmp_path):
    spec = TokenizerSpec(vocab_size=600)
    assert train_on_counts(spec, iter(TEXTS), tmp_path).model == train_on_counts(spec, TEXTS, tmp_path).model
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "text", ["\tx\t\ty\n", "a\0b", "▁ ▁▁", "▅ ⁇", "<s></s><0x0A>\t5", "👩‍👩‍👧 ｶﾞ か\u3099", "\U0010fffd"]
)
def test_awkward_text_is_trained_on_and_comes_back(text):
    tokenizer = train_on_counts(TokenizerSpec(kind="bpe", vocab_size=420), [*TEXTS, text * 3])
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_bad_input_is_explained(tmp_path):
    with pytest.raises(StudyError, match=r"vocab_size: 100 is less than"):
        train_on_counts(TokenizerSpec(vocab_size=100), TEXTS)
    for kind in ("unigram", "bpe"):
        with pytest.raises(StudyError, match="no text"):
            train_on_counts(TokenizerSpec(kind=kind, vocab_size=400), ["", "\n\t\n"], tmp_path)
        with pytest.raises(StudyError, match=r"vocab_size: 4000 is more than the sample"):
            train_on_counts(TokenizerSpec(kind=kind, vocab_size=4000), ["hello world"] * 5, tmp_path)
    assert not list(tmp_path.iterdir())


def test_memory_grows_with_the_pieces_and_not_with_the_text():
    """Ten times the same text: ten times the counts, no more memory (in a process of its own)."""
    program = (
        "import json, resource, sys, tempfile\n"
        "from itertools import islice\n"
        "from studylib.data.miniworld import documents\n"
        "from studylib.data.train_on_counts import train_on_counts\n"
        "from studylib.spec import TokenizerSpec\n"
        "texts = [one.text for one in islice(documents('ja'), 250)]\n"
        "train_on_counts(TokenizerSpec(vocab_size=800), (t for _ in range(int(sys.argv[1])) for t in texts))\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    )
    peaks = [
        json.loads(subprocess.run([sys.executable, "-c", program, times], capture_output=True, check=True).stdout)
        for times in ("1", "10")
    ]
    assert peaks[1] < 1.25 * peaks[0]
