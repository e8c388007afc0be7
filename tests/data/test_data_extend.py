"""More pieces for a tokenizer: old ids stay, new ones are used, and every text still comes back."""

from __future__ import annotations

from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studylib.data.extend import extend_tokenizer
from studylib.data.miniworld import documents
from studylib.data.tokenizer import train_tokenizer
from studylib.errors import StudyError
from studylib.spec import TokenizerSpec

JAPANESE = [one.text for one in islice(documents("ja"), 40)]
CODE = [one.text for one in islice(documents("code"), 40)]
ADDED = 80


@pytest.fixture(scope="module", params=[("unigram", "identity"), ("bpe", "identity"), ("bpe", "nfkc")])
def both(request):
    kind, normalization = request.param
    spec = TokenizerSpec(kind=kind, vocab_size=700, normalization=normalization)
    base = train_tokenizer(spec, JAPANESE)
    return spec, base, extend_tokenizer(base, CODE, ADDED, spec)


def test_old_ids_keep_their_pieces_and_scores(both):
    _, base, grown = both
    assert grown.vocab_size == base.vocab_size + ADDED
    assert grown.pieces[: base.vocab_size] == base.pieces
    assert grown.scores[: base.vocab_size] == base.scores
    assert len(set(grown.pieces)) == grown.vocab_size
    assert (grown.eos_id, grown.bos_id, grown.pad_id) == (base.eos_id, base.bos_id, base.pad_id)


def test_new_pieces_are_used_and_make_the_new_text_shorter(both):
    _, base, grown = both
    before, after = (sum(map(len, one.encode_batch(CODE))) for one in (base, grown))
    assert after < 0.8 * before
    used = {int(token) for tokens in grown.encode_batch(CODE) for token in tokens}
    assert len(used & set(range(base.vocab_size, grown.vocab_size))) > 0.8 * ADDED


def test_old_text_is_not_cut_into_more_tokens(both):
    _, base, grown = both
    before, after = (sum(map(len, one.encode_batch(JAPANESE))) for one in (base, grown))
    assert after <= before


def test_new_pieces_obey_sentencepieces_rules(both):
    _, base, grown = both
    for piece in grown.pieces[base.vocab_size :]:
        assert len(piece) <= 16 and not any(one.isdigit() for one in piece) and "<0x" not in piece
        assert "\u2581" not in piece[1:] or not piece.strip("\u2581")


@settings(max_examples=200, deadline=None)
@given(text=st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=60))
def test_any_text_comes_back(both, text):
    spec, base, grown = both
    wanted = text if spec.normalization == "identity" else base.decode(base.encode(text))
    assert grown.decode(grown.encode(text)) == wanted


def test_the_same_text_gives_the_same_tokenizer(both):
    spec, base, grown = both
    assert extend_tokenizer(base, iter(CODE), ADDED, spec).model == grown.model


def test_an_extended_tokenizer_can_be_extended(both):
    spec, _, grown = both
    more = extend_tokenizer(grown, [one.text for one in islice(documents("en"), 20)], 20, spec)
    assert more.pieces[: grown.vocab_size] == grown.pieces
    assert all(more.decode(more.encode(text)) == text for text in CODE)


def test_more_than_the_text_holds_is_refused(both, tmp_path):
    spec, base, _ = both
    with pytest.raises(StudyError, match=r"added_pieces: 5000 is more than the text supports \(it yields \d+\)"):
        extend_tokenizer(base, ["hello hello world"] * 3, 5000, spec, tmp_path)
    assert not list(tmp_path.iterdir())
