"""The tokenizer: exact both ways, the same everywhere, and humane about too little text."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studylib.data import Tokenizer
from studylib.data.miniworld import documents
from studylib.data.tokenizer import train_tokenizer
from studylib.errors import StudyError
from studylib.spec import TokenizerSpec

SAMPLE = [one.text for register in ("ja", "en", "code") for one in islice(documents(register), 12)]


@pytest.fixture(scope="module", params=["unigram", "bpe"])
def tokenizer(request):
    return train_tokenizer(TokenizerSpec(kind=request.param, vocab_size=420), SAMPLE)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=80))
def test_any_text_comes_back(tokenizer, text):
    assert tokenizer.decode(tokenizer.encode(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "  行頭の空白",
        "行末の空白  ",
        "\n\n\n",
        "\r\n\r",
        "\t\tx",
        "a\0b",
        "▁",
        "a▁b ▁▁",
        "\U0010fffd",
        "\U0010fffd0▁\U0010fffd1",
        "👩‍👩‍👧‍👦🇯🇵",
        "ｶﾞｷﾞ",
        "か\u3099",
        "e\u0301",
        "\u200b\u2060\ufeff",
        "<s></s><unk><pad><0x0A>",
        "⁇ ▅ �",
        "𠮷野家",
        "\x1b[0m\x7f",
        "　全角　",
        "ﷺ㍿①",
    ],
)
def test_awkward_text_comes_back(tokenizer, text):
    assert tokenizer.decode(tokenizer.encode(text)) == text


@pytest.mark.parametrize("kind", ["unigram", "bpe"])
def test_spaces_come_back_where_the_text_trained_on_had_none(kind):
    alone = train_tokenizer(TokenizerSpec(kind=kind, vocab_size=330), [text.replace(" ", "") for text in SAMPLE])
    text = "港 の\u2581灯台 "
    assert alone.decode(alone.encode(text)) == text


def test_a_small_text_may_give_fewer_pieces():
    spec = TokenizerSpec(vocab_size=4096, known_pieces=("[電話]",))
    with pytest.raises(StudyError, match="is more than the sample of text supports"):
        train_tokenizer(spec, SAMPLE[:3])
    small = train_tokenizer(spec, SAMPLE[:3], at_most=True)
    assert 261 < small.vocab_size < 4096 and small.decode(small.encode(SAMPLE[20])) == SAMPLE[20]


def test_long_text_comes_back_and_is_tokenized_as_its_parts(tokenizer):
    text = ("長い文章▁です。\n" * 9000) + "改行のない部分" * 9000
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_the_same_sample_gives_the_same_model():
    spec = TokenizerSpec(vocab_size=420)
    assert train_tokenizer(spec, SAMPLE).model == train_tokenizer(spec, SAMPLE).model


def test_ids_and_shapes(tokenizer, tmp_path):
    tokens = tokenizer.encode("山あい")
    assert tokens.dtype == np.int32 and tokens.ndim == 1
    assert tokenizer.encode("").shape == (0,)
    assert [list(one) for one in tokenizer.encode_batch(["a", "", "bc"])] == [
        list(tokenizer.encode(one)) for one in ("a", "", "bc")
    ]
    assert len({tokenizer.eos_id, tokenizer.bos_id, tokenizer.pad_id}) == 3
    assert tokenizer.token_bytes(tokenizer.eos_id) == b""
    assert b"".join(tokenizer.token_bytes(one) for one in tokenizer.encode("é\n")) == "é\n".encode()
    (tmp_path / "t.model").write_bytes(tokenizer.model)
    assert list(Tokenizer.load(tmp_path / "t.model").encode("山あい")) == list(tokens)


def test_a_character_cut_in_half_does_not_stop_decoding(tokenizer):
    assert "\ufffd" in tokenizer.decode(tokenizer.encode("🦊")[:2])


def test_a_lone_surrogate_is_refused(tokenizer):
    with pytest.raises(StudyError, match="lone surrogate"):
        tokenizer.encode("a\ud800b")


def test_nfkc_normalizes():
    tokenizer = train_tokenizer(TokenizerSpec(vocab_size=420, normalization="nfkc"), SAMPLE)
    assert tokenizer.decode(tokenizer.encode("ＡＢＣ１")) == "ABC1"


def test_a_vocabulary_smaller_than_the_characters_still_works():
    wide = ["".join(chr(0x4E00 + (n * 37 + k * 11) % 3000) for k in range(40)) for n in range(200)]
    tokenizer = train_tokenizer(TokenizerSpec(vocab_size=600), SAMPLE + wide)
    assert tokenizer.vocab_size == 600
    assert tokenizer.decode(tokenizer.encode(wide[0])) == wide[0]


@pytest.mark.parametrize("kind", ["unigram", "bpe"])
def test_too_little_text_says_how_much_is_possible(kind):
    with pytest.raises(StudyError, match=r"vocab_size: 4000 is more than the sample .* \(it yields \d+ at most\)"):
        train_tokenizer(TokenizerSpec(kind=kind, vocab_size=4000), ["hello world"] * 5)


def test_bad_sizes_and_files_are_named(tmp_path):
    with pytest.raises(StudyError, match=r"vocab_size: 100 is less than"):
        train_tokenizer(TokenizerSpec(vocab_size=100), SAMPLE)
    with pytest.raises(StudyError, match="no text"):
        train_tokenizer(TokenizerSpec(vocab_size=400), [])
    (tmp_path / "not.model").write_bytes(b"nonsense")
    with pytest.raises(StudyError, match="not a SentencePiece model"):
        Tokenizer.load(tmp_path / "not.model")
    with pytest.raises(StudyError, match="cannot be read"):
        Tokenizer.load(tmp_path / "missing.model")
