"""Known pieces (masks of personal data) are one token in every tokenizer, in every way of encoding, and come back."""

from __future__ import annotations

import json
from collections import Counter
from itertools import islice

import numpy as np
import pytest

from studylib.data import Tokenizer
from studylib.data.clean._masks import MASKS
from studylib.data.extend import extend_tokenizer
from studylib.data.measure import measure_tokenizer
from studylib.data.miniworld import documents
from studylib.data.tokenizer import train_tokenizer
from studylib.data.train_on_counts import train_on_counts
from studylib.errors import StudyError
from studylib.spec import TokenizerSpec

# One is the start of another, one is in a learned word, one is of letters beside which letters stand.
PIECES = (*MASKS.values(), "〘電話番号〙〘内線〙", "学校", "<TEL>", "xyz")
TEXTS = [one.text for register in ("ja", "en") for one in islice(documents(register), 25)]
MASKED = [
    text.replace("。", f"。{mask}へ学校から<TEL>。", 3)
    for text, mask in zip(TEXTS, list(MASKS.values()) * 9, strict=False)
]
CODE = [f"{one.text}\n# {mask}" for one in islice(documents("code"), 30) for mask in MASKS.values()]


@pytest.fixture(
    scope="module",
    params=[(kind, normal, way) for kind in ("unigram", "bpe") for normal in ("identity", "nfkc") for way in ("lines", "counts")],
    ids=" ".join,
)  # fmt: skip
def trained(request):
    kind, normalization, way = request.param
    spec = TokenizerSpec(
        kind=kind, vocab_size=640, normalization=normalization, train_on=way, known_pieces=PIECES, sample_bytes=10**6
    )
    train = train_on_counts if way == "counts" else train_tokenizer
    return spec, train(spec, MASKED)


@pytest.fixture(scope="module", params=["as trained", "extended"])
def tokenizer(trained, request):
    spec, made = trained
    return made if request.param == "as trained" else extend_tokenizer(made, CODE, 24, spec)


def found(tokenizer: Tokenizer, text: str) -> list[str]:
    return [tokenizer.known_pieces[one] for one in tokenizer.encode(text).tolist() if one in tokenizer.known_pieces]


def test_the_vocabulary_holds_each_once_and_no_part_of_one(trained):
    spec, tokenizer = trained
    assert sorted(tokenizer.known_pieces.values()) == sorted(PIECES)
    assert tokenizer.vocab_size == spec.vocab_size
    assert all(tokenizer.pieces[token] == piece for token, piece in tokenizer.known_pieces.items())
    learned = Counter(tokenizer.pieces) - Counter(PIECES)
    assert not any("〘" in piece or "学校" in piece for piece in learned)


@pytest.mark.parametrize("piece", PIECES)
def test_a_known_piece_is_one_token_wherever_it_stands(tokenizer, piece):
    (token,) = tokenizer.encode(piece).tolist()
    assert tokenizer.known_pieces[token] == piece
    for before, behind in [
        ("連絡は", "まで"),
        (" ", " "),
        ("a", "b"),
        ("\n", "\n"),
        ("1", "2"),
        ("〘", "〙"),
        ("  ", ""),
        ("。", "。"),
    ]:
        tokens = tokenizer.encode(before + piece + behind).tolist()
        assert tokens == [*tokenizer.encode(before).tolist(), token, *tokenizer.encode(behind).tolist()]
        assert tokenizer.decode(tokens) == before + piece + behind


def test_the_longest_is_taken(tokenizer):
    assert found(tokenizer, "〘電話番号〙〘内線〙〘電話番号〙〘内線") == ["〘電話番号〙〘内線〙", "〘電話番号〙"]
    assert found(tokenizer, "xyxyzyz小学校学") == ["xyz", "学校"]


def test_parts_of_a_piece_are_text(tokenizer):
    for text in ("〘電話番号", "電話番号〙", "〘電話 番号〙", "〘電話\n番号〙", "▁〘▁電話番号〙", "学", "<TE", "L>"):
        assert not found(tokenizer, text) and tokenizer.decode(tokenizer.encode(text)) == text


def test_what_normalises_to_a_known_piece_is_one(tokenizer):
    wide = "＜ＴＥＬ＞〘ＩＰアドレス〙"
    is_nfkc = tokenizer.encode("Ａ").tolist() == tokenizer.encode("A").tolist()
    assert found(tokenizer, wide) == (["<TEL>", MASKS["ip"]] if is_nfkc else [])


def test_long_texts_are_cut_and_found_alike(tokenizer):
    """A chunk boundary never falls into a known piece, and threads change nothing."""
    text = "".join(f"{'あ' * (one % 97)}{MASKS['phone']}" for one in range(3000))
    assert found(tokenizer, text) == [MASKS["phone"]] * 3000
    assert tokenizer.decode(tokenizer.encode(text)) == text
    again = tokenizer.encode_batch([text, "", MASKS["card"]], num_threads=4)
    assert np.array_equal(again[0], tokenizer.encode(text)) and [len(one) for one in again[1:]] == [0, 1]
    chunks, counts = tokenizer.encode_chunks([text.encode()])
    assert counts == [len(chunks)] and np.array_equal(np.concatenate(chunks), again[0])


def test_characters_a_token_count_a_mask_as_one(tokenizer):
    mask = MASKS["email"]
    metrics = measure_tokenizer(tokenizer, [mask * 5])
    assert metrics.tokens == 5 and metrics.chars_per_token == len(mask)
    assert metrics.bytes_per_token == len(mask.encode()) and metrics.byte_share == 0


def test_it_is_exported_as_it_encodes(tokenizer):
    pytest.importorskip("transformers", reason="the test extra installs transformers")
    from studylib.bench.tokenizer_export import differing_rows

    hostile = [before + piece + behind for piece in PIECES for before in ("", " ", "あ", "  ", "\n", "ﾊ", "e", "〘", "<s>", "<s")
               for behind in ("", " ", "\u3099", "\u0301x", "\n", "〙", "</s>", "▁", "１")]  # fmt: skip
    hostile += [
        "〘電話番号〙" * 3 + "〘内線〙",
        "xyxyzyz",
        "＜ＴＥＬ＞〘ＩＰアドレス〙",
        "〘電話番号",
        "a\0<TEL>\U0010fffd1",
        "<s<TEL>s>",
    ]
    assert differing_rows(tokenizer, [*hostile, *MASKED, *CODE[:20]]) == ([], [])


def test_without_known_pieces_a_mask_is_cut():
    plain = train_tokenizer(TokenizerSpec(vocab_size=640), TEXTS)
    assert len(plain.encode(MASKS["phone"])) > 1 and plain.known_pieces == {}


def test_masks_differ_and_are_the_same_after_nfkc():
    TokenizerSpec(known_pieces=tuple(MASKS.values()), normalization="nfkc")
    assert len(set(MASKS.values())) == len(MASKS)


def test_the_specification_says_which_it_is_of(tmp_path):
    one, two = (TokenizerSpec(known_pieces=pieces) for pieces in ((), ("〘住所〙",)))
    assert one != two and json.loads(two.model_dump_json())["known_pieces"] == ["〘住所〙"]


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"known_pieces": [""]}, "is empty"),
        ({"known_pieces": ["a b"]}, "white space"),
        ({"known_pieces": ["a\u3000b"]}, "white space"),
        ({"known_pieces": ["\n"]}, "white space"),
        ({"known_pieces": ["▁a"]}, "white space"),
        ({"known_pieces": ["a\0"]}, "no character"),
        ({"known_pieces": ["x", "y", "x"]}, "is named twice"),
        ({"known_pieces": ["</s>"]}, "name of a mark"),
        ({"known_pieces": ["<0x0A>"]}, "name of a mark or a byte"),
        ({"known_pieces": ["＜ＴＥＬ＞"], "normalization": "nfkc"}, "makes it '<TEL>'"),
        ({"known_pieces": ["a", "b"], "vocab_size": 2}, "are as many as vocab_size"),
    ],
)
def test_bad_pieces_are_refused_in_one_line(fields, why):
    with pytest.raises((StudyError, ValueError), match=why) as raised:
        TokenizerSpec(**fields)
    assert "data.tokenizer.known_pieces" in str(raised.value)


@pytest.mark.parametrize("train", [train_tokenizer, train_on_counts])
def test_a_vocabulary_without_room_is_refused(train):
    spec = TokenizerSpec(vocab_size=330, known_pieces=tuple(MASKS.values()))
    with pytest.raises(StudyError, match="256 bytes, 5 marks, 8 known pieces and some pieces"):
        train(spec, TEXTS)
