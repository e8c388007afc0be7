"""Made text: rules that rewrite, the filter of samples, and files that are whole or not there."""

from __future__ import annotations

import json
import random

import pytest

from studylib.data import PreparedData, prepare
from studylib.data.digest import FileDigests
from studylib.data.pseudo import RULES, Filter, rewrite, training_documents, write_made_text
from studylib.data.pseudo.filter import repeated_share
from studylib.errors import StudyError
from studylib.registry import SOURCES
from studylib.spec import DataSpec, SourceSpec, TokenizerSpec

MINIWORLD = SourceSpec(name="ja", options={"register": "ja", "bytes": 150_000})
TOKENIZER = TokenizerSpec(vocab_size=700, sample_bytes=80_000)


def chance() -> float:
    return 0.0


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> PreparedData:
    return prepare(DataSpec(sources=(MINIWORLD,), tokenizer=TOKENIZER), tmp_path_factory.mktemp("data"))


@pytest.mark.parametrize(
    ("rule", "text", "told"),
    [
        ("polite", "町である。人が住んでいる。\n橋があった。", "町です。人が住んでいます。\n橋がありました。"),
        ("polite", "町です。", "町です。"),
        ("eras", "1926年と1925年、2021年", "昭和元年と大正14年、令和3年"),
        ("eras", "12345年、1850年、1867年", "12345年、1850年、1867年"),
        ("full_width", "3人と15匹", "３人と１５匹"),
        ("reorder", "あ。い。う。え。", "あ。う。え。い。"),
        ("reorder", "あ。い。\n見出し", "あ。い。\n見出し"),
    ],
)
def test_rules_say_the_same_in_another_way(rule, text, told):
    assert RULES[rule](text, chance) == told


def test_reordering_keeps_every_sentence_and_the_first_in_place():
    text = "".join(f"{letter}。" for letter in "あいうえおかき")
    told = RULES["reorder"](text, random.Random(0).random)
    assert told != text and sorted(told) == sorted(text) and told.startswith("あ。")


def test_rewriting_reads_training_text_alone_and_is_deterministic(prepared):
    documents = list(training_documents(prepared, "ja"))
    assert len(documents) == prepared.sources["ja"].train.num_documents
    assert sum(len(text.encode()) for text in documents) == prepared.sources["ja"].train.num_bytes
    told = list(rewrite(prepared, "ja", ["polite", "reorder"]))
    assert told == list(rewrite(prepared, "ja", ["polite", "reorder"]))
    assert told != list(rewrite(prepared, "ja", ["polite", "reorder"], seed=1))
    assert len(told) > 0.9 * len(documents) and not set(told) & set(documents)
    with pytest.raises(StudyError, match=r"rules: 'polit' is not a known rule; choose from .*did you mean polite"):
        list(rewrite(prepared, "ja", ["polit"]))


def test_the_filter_drops_short_long_repetitive_and_duplicate_texts():
    sound = (
        "山あいの小さな町に、古い橋と新しい図書館がある。春には多くの人が川べりを歩き、夏には花火を見に集まるという。"
    )
    other = (
        "港の朝は早い。漁師たちは暗いうちに網を引き、市場では魚の競りが始まる。灯台の明かりが消えるころ、船は沖へ出る。"
    )
    keep = Filter(min_characters=20, max_characters=500)
    assert keep.keeps(sound) and keep.keeps(other)
    assert not keep.keeps(sound), "the same again"
    assert not keep.keeps(sound.replace("花火", "祭り")), "nearly the same again"
    assert not keep.keeps("短い。")
    assert not keep.keeps(sound * 20)
    assert not keep.keeps("同じことを言う。" * 10)
    assert keep.counts == {"kept": 2, "short": 1, "long": 1, "repetitive": 1, "duplicate": 2}


def test_repetition_is_counted_in_six_grams():
    assert repeated_share("abcdefghij") == 0
    assert repeated_share("abcdef" * 2) == pytest.approx(1 / 7)
    assert repeated_share("aaaaaaaaaaa") == pytest.approx(5 / 6)
    assert repeated_share("abc") == 0


@pytest.mark.parametrize(
    "wrong",
    [{"min_characters": 0}, {"min_characters": 50, "max_characters": 40}, {"most_repeated": 0}, {"most_shared": 1.5}],
)
def test_impossible_filters_are_refused(wrong):
    with pytest.raises(StudyError, match=next(name for name in wrong if name != "max_characters")):
        Filter(**wrong)


def test_made_text_is_whole_or_not_there(tmp_path):
    file = tmp_path / "made.jsonl"

    def dies():
        yield "一つ目の文章"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_made_text(file, dies())
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(StudyError, match="nothing was kept"):
        write_made_text(file, [])
    record = write_made_text(file, ["一つ目", "二つ目\n改行"])
    assert record == {"documents": 2, "bytes": len("一つ目二つ目\n改行".encode())}
    assert [json.loads(line)["text"] for line in file.read_text().splitlines()] == ["一つ目", "二つ目\n改行"]


def test_generated_text_may_come_after_the_plan(tmp_path):
    source = SOURCES["generated"]("sampled", {"made": "0123"}).in_study(tmp_path)
    source.check()
    with pytest.raises(StudyError, match=r"sampled: made: '0123' has not been made yet"):
        next(source.documents())
    write_made_text(tmp_path / "made" / "0123" / "text.jsonl", ["作られた文章"])
    assert [one.text for one in source.documents()] == ["作られた文章"]
    assert list(source.inputs(FileDigests())) == ["made/0123"], "a study folder may be moved"


def test_auxiliary_text_changes_neither_tokenizer_nor_what_is_validated(prepared, tmp_path):
    write_made_text(tmp_path / "made" / "0123" / "text.jsonl", list(rewrite(prepared, "ja", ["polite"])))
    made = SourceSpec(kind="generated", name="made", auxiliary=True, options={"made": "0123"})
    more = prepare(DataSpec(sources=(MINIWORLD, made), tokenizer=TOKENIZER), tmp_path / "data")
    assert more.tokenizer_file.read_bytes() == prepared.tokenizer_file.read_bytes()
    assert (more.sources["ja"].train.tokens[:] == prepared.sources["ja"].train.tokens[:]).all()
    assert more.sources["made"].train.num_tokens > 1000
    with pytest.raises(StudyError, match="'made' is auxiliary, like all the others"):
        DataSpec(sources=(MINIWORLD,)).replace(sources=(made,))
