"""An exported tokenizer gives the ids that the model was trained on, whatever the text."""

from __future__ import annotations

import io
import random
from itertools import islice

import pytest
import sentencepiece

from studylib.bench.tokenizer_export import KINDS, NORMALIZATIONS, differing_rows
from studylib.data import Tokenizer
from studylib.data.extend import extend_tokenizer
from studylib.data.miniworld import documents
from studylib.data.tokenizer import train_tokenizer
from studylib.data.tokenizer_json import write_tokenizer_json
from studylib.errors import StudyError
from studylib.spec import TokenizerSpec

pytest.importorskip("transformers", reason="the test extra installs transformers")

RUNS = ["".join(c * n for c in "aーあ！.-= 笑") for n in (1, 2, 3, 4, 5, 7, 16)]
SAMPLE = [one.text for register in ("ja", "en", "code") for one in islice(documents(register), 12)] + RUNS * 3
NEW = ["鱻は魚が三つ。鱻、鱻。", "ぎょぎょぎょ、ぎょぎょ。", "qzxqzx qzx"] * 20
HOSTILE = [
    "", " ", "  ", "\n", "\n\n \n", " 行頭 行末 ", "\t\tx\r\ny", "　全角　", "a\0b\x01\x7f",
    "<s>a</s><pad><unk>", "</s", "<s", "s>", "<0x0A><0x41>0x41>", "<", "▁", "a▁b ▁▁", "\U0010fffd▁\U0010fffd0\U0010fffd1",
    "か\u3099ｶﾞﾊﾟ①㋿㌔ﷺ²\u0301", "e\u0301e\u0323\u0301\u0301\u0323", "\ufeff\u200b\u2060", "👩‍👩‍👧‍👦🇯🇵", "𠮷野家鱻",
    "１２３4567890", "12,345.67", "ABCＡＢＣ", "ｗｗｗwww", "\ufffd⁇▅",
]  # fmt: skip


def invented() -> list[str]:
    """Runs of equal characters, where segmentations tie; then characters from all over."""
    rng = random.Random(3)
    runs = ["".join(rng.choice("aーあ！.-= 笑\n") * rng.randint(1, 40) for _ in range(5)) for _ in range(150)]
    ranges = [(1, 0x250), (0x300, 0x340), (0x3000, 0x3100), (0x4E00, 0x9FFF), (0xE000, 0x110000)]
    wild = ["".join(chr(rng.randrange(*rng.choice(ranges))) for _ in range(40)) for _ in range(150)]
    long = ["あ゙い" * 20_000, "とても長い行1つ " * 4_000, " " * 40_000 + "x", "=" * 50_000]
    return runs + wild + long


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_and_normalisation_is_encoded_alike(kind, normalization):
    spec = TokenizerSpec(kind=kind, vocab_size=520, normalization=normalization)
    tokenizer = train_tokenizer(spec, SAMPLE)
    grown = extend_tokenizer(tokenizer, NEW, 12, spec)
    assert len(grown.encode("鱻")) == 1 < len(tokenizer.encode("鱻")), "pieces were added"
    for one in (tokenizer, grown):
        assert differing_rows(one, [*HOSTILE, *SAMPLE, *NEW, *invented()]) == ([], [])


def test_a_vocabulary_without_the_characters_of_byte_names_is_encoded_alike():
    tokenizer = train_tokenizer(TokenizerSpec(vocab_size=440), [one.translate({60: "", 48: ""}) for one in SAMPLE])
    assert len(tokenizer.encode("<")) == 1 and tokenizer.is_byte(tokenizer.encode("<")[0])
    assert differing_rows(tokenizer, HOSTILE) == ([], [])


def test_one_exported_id_that_differs_is_found(monkeypatch):
    """The comparison above can fail."""
    tokenizer = train_tokenizer(TokenizerSpec(vocab_size=440), [*SAMPLE, "a < b / s > c " * 400])
    assert differing_rows(tokenizer, ["plain", "a</s>b"]) == ([], [])
    monkeypatch.setattr("studylib.data.tokenizer_json._NEVER", 0.0)
    assert differing_rows(tokenizer, ["plain", "a</s>b"])[0] == ["a</s>b"]


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({}, "normalization, add_dummy_prefix, remove_extra_whitespaces, byte_fallback"),
        ({"model_type": "char"}, "kind, normalization"),
    ],
)
def test_a_model_trained_elsewhere_is_refused(tmp_path, settings, named):
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(SAMPLE), model_writer=model, vocab_size=900, hard_vocab_limit=False, minloglevel=3, **settings
    )  # fmt: skip
    with pytest.raises(StudyError, match=f"cannot be exported: {named}") as raised:
        write_tokenizer_json(Tokenizer(model.getvalue()), tmp_path)
    assert "\n" not in str(raised.value) and not list(tmp_path.iterdir())
