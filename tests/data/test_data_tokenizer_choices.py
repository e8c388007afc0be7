"""What a tokenizer is trained on: a sample, all the text, a mix; and whose tokenizer data are encoded with."""

from __future__ import annotations

import pytest

from studylib.data import PreparedData, Tokenizer, guarded_texts, prepare
from studylib.data.measure import measure_tokenizer
from studylib.data.vocabulary import training_texts
from studylib.errors import StudyError
from studylib.spec import DataSpec, ModelSpec, TokenizerSpec, TrialSpec

SMALL = {"vocab_size": 450, "kind": "bpe", "sample_bytes": 40_000}


def miniworld(*registers, tokenizer=SMALL, size=80_000, **more) -> DataSpec:
    options = [{"register": one, "bytes": size} for one in registers]
    sources = [{"kind": "miniworld", "name": one["register"], "options": one} for one in options]
    return DataSpec(**{"sources": sources, "tokenizer": tokenizer, "validation_fraction": 0.2} | more)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("data")


def sizes(texts) -> int:
    return sum(len(text.encode()) for text in texts)


def test_the_sample_follows_its_size_mix_and_seed(folder):
    texts = guarded_texts(miniworld("ja", "en"), folder)
    everything = {label: text.num_bytes("train") for label, text in texts.items()}
    spec = TokenizerSpec(**SMALL)
    assert sizes(training_texts(spec, texts)) == pytest.approx(40_000, rel=0.01)
    whole = TokenizerSpec(**SMALL | {"sample_bytes": "all", "train_on": "counts"})
    assert sizes(training_texts(whole, texts)) == sum(everything.values())
    english = TokenizerSpec(**SMALL | {"mix": {"ja": 1, "en": 3}})
    found = list(training_texts(english, texts))
    japanese = sizes(text for text in found if not text.isascii())
    assert japanese == pytest.approx(10_000, rel=0.1) and sizes(found) == pytest.approx(40_000, rel=0.02)
    only = TokenizerSpec(**SMALL | {"sample_bytes": "all", "train_on": "counts", "mix": {"ja": 1, "en": 0}})
    assert sizes(training_texts(only, texts)) == everything["ja"]
    other = TokenizerSpec(**SMALL | {"sample_seed": 1})
    assert list(training_texts(other, texts)) != list(training_texts(spec, texts))


def test_all_the_text_by_counts_is_prepared_like_any_other(folder):
    spec = miniworld("ja", tokenizer=SMALL | {"sample_bytes": "all", "train_on": "counts"})
    said: list[str] = []
    prepared = prepare(spec, folder, progress=said.append)
    assert any("all the text" in line for line in said)
    assert prepared.vocab_size == 450
    assert not list(folder.glob(".counting-*"))
    assert PreparedData(folder / spec.hash).manifest["files"] == prepared.manifest["files"]


def test_data_take_the_tokenizer_of_other_data_and_add_to_it(folder):
    base = miniworld("ja")
    borrowed = miniworld("code", tokenizer={}, tokenizer_of=base)
    grown = miniworld("code", tokenizer={}, tokenizer_of=base, added_pieces=40)
    first, same, more = (prepare(one, folder) for one in (base, borrowed, grown))
    assert same.tokenizer_file.read_bytes() == first.tokenizer_file.read_bytes()
    assert (borrowed.vocab_size, grown.vocab_size, more.vocab_size) == (450, 490, 490)
    shards = [one.sources["code"].validation for one in (same, more)]
    assert shards[0].num_bytes == shards[1].num_bytes
    assert shards[1].num_tokens < 0.95 * shards[0].num_tokens
    tokenizer = Tokenizer.load(more.tokenizer_file)
    assert tokenizer.pieces[:450] == Tokenizer.load(first.tokenizer_file).pieces
    texts = guarded_texts(grown, folder)["code"]
    assert all(tokenizer.decode(tokenizer.encode(one)) == one for one in texts.documents("train"))


def test_every_option_of_the_text_is_a_part_of_the_trials_hash():
    model = ModelSpec(num_layers=2, hidden_size=64, num_heads=4, vocab_size=4096)
    trial = TrialSpec(model=model, train_steps=10)
    changed = [
        trial.replace(**{"data.tokenizer.mix": {"miniworld": 1.0}}),
        trial.replace(**{"data.tokenizer.train_on": "counts"}),
        trial.replace(start_from="0123456789abcdef"),
        trial.replace(start_from="0123456789abcdef", new_embeddings="random"),
        trial.replace(data=DataSpec(tokenizer_of=DataSpec())),
    ]
    assert len({one.hash for one in [trial, *changed]}) == 6
    assert all(TrialSpec.model_validate_json(one.model_dump_json()) == one for one in changed)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tokenizer": {"sample_bytes": "all"}}, r"train_on: 'lines' does not fit all the text.*counts"),
        ({"tokenizer": {"sample_bytes": "every"}}, "sample_bytes"),
        ({"tokenizer": {"mix": {"english": 1}}}, r"mix: 'english' is not a source.*ja"),
        ({"tokenizer": {"mix": {"ja": 0}}}, "leaves no source"),
        (
            {"tokenizer": {"mix": {"ja": 1, "en": 2}, "sample_bytes": "all", "train_on": "counts"}},
            "several shares, but sample_bytes is all",
        ),
        ({"tokenizer": {"sample_seed": 1, "sample_bytes": "all", "train_on": "counts"}}, "draws nothing"),
        ({"tokenizer_of": DataSpec(), "tokenizer": {"kind": "bpe"}}, "is given beside tokenizer_of"),
        ({"added_pieces": 5, "tokenizer": {}}, "added_pieces: 5 needs tokenizer_of"),
    ],
)
def test_bad_choices_are_named(change, message):
    with pytest.raises(ValueError, match=message):
        miniworld("ja", "en", **change)


def test_measures_of_a_tokenizer(folder):
    data = miniworld("ja", "en")
    tokenizer = Tokenizer.load(prepare(data, folder).tokenizer_file)
    texts = guarded_texts(data, folder)
    found = measure_tokenizer(tokenizer, texts["en"].documents("validation"))
    english = list(texts["en"].documents("validation"))
    tokens = [tokenizer.encode(one) for one in english]
    assert found.tokens == sum(map(len, tokens)) and found.documents == len(english)
    assert found.chars_per_token == pytest.approx(sum(map(len, english)) / found.tokens)
    assert found.bytes_per_token == pytest.approx(sizes(english) / found.tokens)
    assert found.used_share == pytest.approx(len({int(one) for some in tokens for one in some}) / 450)
    assert found.byte_share < 0.1 and found.mb_per_s > 0
    strange = measure_tokenizer(tokenizer, ["🦊🐙" * 50])
    assert strange.byte_share == 1.0 and strange.chars_per_token == 0.25
    assert measure_tokenizer(tokenizer, english * 50, max_bytes=1000).documents < len(english) * 50
    with pytest.raises(StudyError, match="without text"):
        measure_tokenizer(tokenizer, [""])
