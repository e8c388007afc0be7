"""Pairs of answers: how they are read, what of them is learnt, the road of all text, and rows."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from studylib.data import Tokenizer, check_sources, look_at_sources, prepare
from studylib.data.chat.conversation import Conversation, Message, Preference
from studylib.data.chat.encode import ConversationEncoder
from studylib.data.chat.pack import validation_conversations
from studylib.data.chat.pairs import PairRows, PairStream, validation_pairs
from studylib.data.chat.rows import notes_of, preferences
from studylib.data.digest import Allowance
from studylib.data.document import Document
from studylib.data.prepared import PreparedData
from studylib.data.staged import StagedStream
from studylib.data.text import GuardedText
from studylib.data.tokenizer import PAD
from studylib.errors import StudyError
from studylib.registry import CHAT_TEMPLATES
from studylib.rows import IGNORED
from studylib.spec import DataSpec, ObjectiveSpec, SourceSpec, TokenizerSpec

CONTROL = tuple(piece for template in CHAT_TEMPLATES.values() for piece in template.pieces)
ASKED, GOOD, BAD = "灯台の色は？", "白です。", "知らない。"
USER, YES, NO = (
    {"role": role, "content": content} for role, content in (("user", ASKED), ("assistant", GOOD), ("assistant", BAD))
)
PAIR = Preference((Message("user", ASKED),), GOOD, BAD)
PLAIN = {"prompt": ASKED, "chosen": GOOD, "rejected": BAD}


def read(*rows: dict) -> tuple[list[Preference], Counter]:
    notes = notes_of(pairs=True)
    made = preferences([Document("", origin=f"row {n}", record=row) for n, row in enumerate(rows)], notes)
    return [one.conversation for one in made], +Counter(notes)


# --- reading


@pytest.mark.parametrize(
    "row",
    [
        PLAIN,
        {"question": ASKED, "chosen": GOOD, "rejected": BAD, "prompt": None},
        {"instruction": ASKED, "input": "", "chosen": GOOD, "rejected": BAD},
        {"chosen": [USER, YES], "rejected": [USER, NO]},
        {"prompt": [USER], "chosen": [YES], "rejected": [NO]},
        {"prompt": ASKED, "chosen": [YES], "rejected": [NO]},
        {"prompt": ASKED, "chosen": [USER, YES], "rejected": [USER, NO], "messages": [USER, YES]},
        {"prompt": [USER], "chosen": [USER, YES], "rejected": [USER, NO]},
        {"prompt": ASKED, "chosen": [USER, YES], "rejected": BAD},
        {
            "conversations": [{"from": "human", "value": ASKED}],
            "chosen": {"from": "gpt", "value": GOOD},
            "rejected": {"from": "gpt", "value": BAD},
        },
    ],
)
def test_shapes_of_pairs_and_the_prompt_is_there_once(row):
    assert read(row) == ([PAIR], Counter())


def test_a_prompt_that_goes_on_in_the_answers():
    system, more = {"role": "system", "content": "丁寧に。"}, {"role": "user", "content": "高さは？"}
    row = {"prompt": [system, USER, YES], "chosen": [USER, YES, more, YES], "rejected": [USER, YES, more, NO]}
    ((pair,), _) = read(row)
    assert [one.content for one in pair.prompt] == ["丁寧に。", ASKED, GOOD, "高さは？"]
    assert (pair.chosen, pair.rejected) == (GOOD, BAD)
    ((pair,), _) = read({"system": "丁寧に。"} | PLAIN)
    assert pair.prompt == (Message("system", "丁寧に。"), Message("user", ASKED))


@pytest.mark.parametrize(
    ("row", "counted"),
    [
        (PLAIN | {"rejected": None}, {"rows_without_answer": 1}),
        (PLAIN | {"prompt": None}, {"rows_without_answer": 1}),
        (PLAIN | {"prompt": "", "system": "丁寧に。"}, {"rows_without_answer": 1}),
        (
            {"chosen": [USER, YES], "rejected": [USER | {"content": "形は？"}, NO]},
            {"pairs_with_different_prompts": 1},
        ),
        ({"prompt": ASKED, "chosen": [USER, USER, YES], "rejected": BAD}, {"pairs_with_different_prompts": 1}),
    ],
)
def test_rows_that_are_no_pairs_are_counted_and_reading_goes_on(row, counted):
    assert read(row, PLAIN) == ([PAIR], Counter(counted))


def test_equal_and_empty_answers_are_kept():
    found, notes = read(PLAIN | {"rejected": GOOD}, PLAIN | {"rejected": ""}, PLAIN | {"chosen": "", "rejected": ""})
    assert [(one.chosen, one.rejected) for one in found] == [(GOOD, GOOD), (GOOD, ""), ("", "")]
    assert notes == Counter(pairs_of_equal_answers=2)


@pytest.mark.parametrize(
    ("asked", "answers", "kept"),
    [
        (ASKED, (ASKED + GOOD, ASKED + BAD), (GOOD, BAD)),
        ("色を言え。", ("色を言え。\n" + GOOD, "色を言え。\n\n" + BAD), (GOOD, BAD)),
        ("こんにちは", ("こんにちは！", "こんにちは。"), None),  # a greeting is answered so
        (ASKED, (ASKED + GOOD, BAD), None),
    ],
)
def test_a_prompt_that_both_answers_repeat_is_taken_out(asked, answers, kept):
    ((pair,), notes) = read({"prompt": asked, "chosen": answers[0], "rejected": answers[1]})
    assert (pair.chosen, pair.rejected) == (kept or answers)
    assert notes == Counter(pairs_repeating_prompt=int(kept is not None))


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (
            {"messages": [USER, YES]},
            "row 0: shape: 'messages' is no pair of answers, which pairs: true .* asks for: prompt/",
        ),
        (
            {"message_id": "a", "parent_id": None, "role": "prompter", "text": "x"},
            "row 0: shape: 'message_id/parent_id",
        ),
        ({"question": ASKED, "answer": GOOD}, "row 0: fields: 'question, answer' are no known shape"),
        ({"chosen": GOOD, "rejected": BAD}, "row 0: fields: 'chosen, rejected' have no prompt beside chosen"),
        ({"chosen": [USER], "rejected": [USER, NO]}, "row 0: chosen: 'chosen' does not end with an answer"),
        ({"prompt": ASKED, "chosen": [], "rejected": [NO]}, "row 0: chosen: 'chosen' does not end with an answer"),
        ({"prompt": ASKED, "chosen": 3, "rejected": BAD}, "row 0: chosen: 'int' is not a list of messages"),
    ],
)
def test_what_is_no_pair_is_one_line(row, why):
    with pytest.raises(StudyError, match=why) as error:
        read(row)
    assert "\n" not in str(error.value)


def test_a_pair_lies_as_text_and_turns():
    pair = Preference((Message("system", "丁寧に\n。"), Message("user", "")), "", "はい\n")
    assert Preference.of(pair.text.encode(), pair.turns) == pair
    assert pair.text == "丁寧に\n。\n\n\nはい\n"
    assert pair.sides == (
        Conversation((*pair.prompt, Message("assistant", ""))),
        Conversation((*pair.prompt, Message("assistant", "はい\n"))),
    )


# --- what is learnt


@pytest.fixture(scope="module")
def tokenizer(data_folder, tiny_data) -> Tokenizer:
    known = tiny_data.replace(**{"tokenizer.known_pieces": CONTROL})
    return Tokenizer.load(prepare(known, data_folder).tokenizer_file)


@pytest.fixture(scope="module", params=CHAT_TEMPLATES)
def encoder(request, tokenizer) -> ConversationEncoder:
    return ConversationEncoder(tokenizer, CHAT_TEMPLATES[request.param]())


HOSTILE = "".join(CONTROL) + "</s><s><pad>### 応答:\n" + CONTROL[0][:-1]
ENCODED = (
    PAIR,
    Preference((*PAIR.prompt, Message("assistant", GOOD), Message("user", "ほか？")), "はい。", "はい。いいえ。"),
    Preference((Message("system", HOSTILE), Message("user", HOSTILE)), HOSTILE, ""),
    Preference((Message("user", " 一"),), " 二", "\n三"),
)


@pytest.mark.parametrize("pair", ENCODED)
def test_both_sides_have_the_prompts_tokens_and_one_start(pair, encoder, tokenizer):
    made = encoder([pair])
    cut = made.sizes[0, 0]
    sides = (made.tokens[:cut], made.learnt[:cut]), (made.tokens[cut:], made.learnt[cut:])
    prompt = made.sizes[0, 3]
    assert prompt == made.sizes[1, 3] and np.array_equal(sides[0][0][:prompt], sides[1][0][:prompt])
    for (tokens, learnt), answer in zip(sides, (pair.chosen, pair.rejected), strict=True):
        assert not learnt[:prompt].any() and learnt[prompt:].all(), "earlier answers are of the prompt"
        assert tokens[-1] == encoder.end_id and tokenizer.decode(tokens[prompt:-1]) == answer
        assert tokens[0] == tokenizer.eos_id and tokenizer.bos_id not in tokens
        (alone,) = (encoder([Conversation((*pair.prompt, Message("assistant", answer)))]),)
        assert np.array_equal(tokens, alone.tokens), "as a conversation is"
        marks = np.isin(tokens, tokenizer.special_ids).sum()
        turns = sum(one.role == "assistant" for one in pair.prompt) + 1
        assert marks == 1 + (turns if encoder.end_id == tokenizer.eos_id else 0), "what somebody wrote is text"
    assert made.sizes[:, 1].sum() == len(pair.text.encode())
    assert made.sizes[:, 2].tolist() == [len(answer.encode()) for answer in (pair.chosen, pair.rejected)]


def test_pairs_are_encoded_alike_alone_and_together(encoder):
    together, alone = encoder(ENCODED), [encoder([one]) for one in ENCODED]
    for name in ("tokens", "learnt", "sizes"):
        assert np.array_equal(getattr(together, name), np.concatenate([getattr(one, name) for one in alone]))
    assert len(encoder([]).tokens) == 0


# --- the road of all text


def rows_of(count: int = 300) -> list[dict]:
    """Questions, each with two answers; every fiftieth has equal ones, every seventh is long."""
    random = np.random.default_rng(3)
    kana = list("あいうえおかきくけこさしすせそたちつてとなにぬねのはひふへほ")
    words = ["".join(random.choice(kana, random.integers(2, 5))) for _ in range(80)]
    rows = []
    for number in range(count):
        asked, good, bad = ("、".join(random.choice(words, size)) for size in random.integers(3, 9, 3))
        good = good * (6 if number % 7 == 0 else 1)
        rows.append(
            {"prompt": f"{asked}とは？", "chosen": f"{good}です。", "rejected": good if number % 50 == 0 else bad}
        )
        if number % 50 == 0:
            rows[-1]["rejected"] = rows[-1]["chosen"]
    return rows


def written(rows: list[dict], folder: Path, name: str = "pairs.jsonl") -> Path:
    path = folder / name
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def source_of(path: Path, name: str = "pairs", **more) -> SourceSpec:
    return SourceSpec(kind="chat", name=name, options={"path": str(path), "pairs": True}, **more)


def data_of(*sources: SourceSpec, **more) -> DataSpec:
    return DataSpec(sources=sources, tokenizer=TokenizerSpec(kind="bpe", vocab_size=350), **more)


def only_text(folder: Path) -> GuardedText:
    (text,) = (GuardedText(one) for one in (folder / "text").iterdir() if one.name[0] != ".")
    return text


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> PreparedData:
    folder = tmp_path_factory.mktemp("pairs")
    extra = [PLAIN | {"rejected": None}, {"chosen": [USER, YES], "rejected": [USER | {"content": "形は？"}, NO]}]
    return prepare(data_of(source_of(written([*rows_of(), *extra], folder))), folder / "data")


def test_pairs_go_the_road_of_all_text(prepared):
    text, expected = only_text(prepared.folder.parent), read(*rows_of())[0]
    sides = [list(text.conversations(side)) for side in ("train", "validation")]
    assert text.has_pairs and not text.has_conversations
    assert Counter(sides[0] + sides[1]) == Counter(expected) and all(sides)
    tokenizer, shards = Tokenizer.load(prepared.tokenizer_file), prepared.shards("pairs")
    encoder = ConversationEncoder(tokenizer, CHAT_TEMPLATES["headings"]())
    manifest = prepared.manifest["sources"]["pairs"]
    for name, shard, side in zip(("train", "validation"), (shards.train, shards.validation), sides, strict=True):
        made = encoder(side)
        assert shard.has_pairs and not shard.has_conversations and shard.num_documents == 2 * len(side)
        assert np.array_equal(shard.tokens, made.tokens) and np.array_equal(shard.learnt, made.learnt)
        assert manifest[name]["documents"] == len(side)
        assert shard.num_bytes == manifest[name]["bytes"] == sum(len(one.text.encode()) for one in side)
    assert manifest["left_out"] == {"documents": 0, "bytes": 0}
    assert {name: count for name, count in manifest["notes"].items() if count} == {
        "rows_without_answer": 1,
        "pairs_with_different_prompts": 1,
        "pairs_of_equal_answers": 6,
    }


def test_the_gate_sees_the_prompt_both_answers_and_every_field(tmp_path):
    secret = "湖畔の観測所では、毎朝七時に水位を三度読み取ることになっている。"
    evaluation = tmp_path / "evaluation.jsonl"
    evaluation.write_text(json.dumps({"sentence": secret}, ensure_ascii=False), encoding="utf-8")
    hidden = [
        PLAIN | {"prompt": f"これを訳せ。{secret}"},
        PLAIN | {"chosen": secret},
        PLAIN | {"rejected": secret},
        PLAIN | {"note": secret},
        PLAIN | {"ID": "jnli-12"},
        PLAIN | {"rejected": '{"yjcaptions_id": "1-2-3", "label": "neutral"}'},
    ]
    data = data_of(source_of(written([*rows_of(), *hidden], tmp_path)), evaluation_only=(str(evaluation),))
    guard = prepare(data, tmp_path / "data").manifest["guard"]["pairs"]
    assert guard["admitted"] == len(rows_of())
    assert {name: count for name, count in guard["dropped"].items() if count} == {
        "known_sentence": 4,
        "benchmark_id": 1,
        "benchmark_record": 1,
    }
    table = [PLAIN | {"sentence_pair_id": "1", "label": "neutral"}]
    with pytest.raises(StudyError, match="is a record of JNLI"):
        prepare(data_of(source_of(written(table, tmp_path, "table.jsonl"))), tmp_path / "data")


def test_other_answers_to_a_prompt_are_on_its_side(tmp_path):
    rows = rows_of()
    turned = [{"prompt": row["prompt"], "chosen": row["rejected"], "rejected": row["chosen"]} for row in rows[:60]]
    prepare(data_of(source_of(written(rows + turned, tmp_path)), validation_fraction=0.3), tmp_path / "data")
    text = only_text(tmp_path / "data")
    train, validation = ({one.prompt for one in text.conversations(side)} for side in ("train", "validation"))
    assert not train & validation and len(validation) > 30


def test_pairs_from_the_hub(tmp_path):
    (tmp_path / "set").mkdir()
    written(rows_of(), tmp_path / "set", "train.jsonl")
    options = {"dataset": str(tmp_path / "set"), "revision": "0" * 40, "pairs": True}
    data = data_of(SourceSpec(kind="chat_hub", name="pairs", options=options))
    notes = prepare(data, tmp_path / "data").manifest["sources"]["pairs"]["notes"]
    text = only_text(tmp_path / "data")
    assert Counter(one for side in ("train", "validation") for one in text.conversations(side)) == Counter(
        read(*rows_of())[0]
    )
    assert notes["pairs_of_equal_answers"] == 6


def test_bad_sources_are_one_line_before_anything_is_made(tmp_path):
    pairs, talk = written(rows_of(), tmp_path), written([{"messages": [USER, YES]}], tmp_path, "talk.jsonl")
    with pytest.raises(StudyError, match=r"line 1: shape: 'messages' is no pair of answers"):
        check_sources(data_of(source_of(talk)))
    plain = SourceSpec(kind="chat", name="pairs", options={"path": str(pairs)})
    with pytest.raises(StudyError, match=r"line 1: shape: 'prompt/chosen/rejected' has answers .* or give pairs: true"):
        check_sources(data_of(plain))
    late = written([*rows_of(20), {"messages": [USER, YES]}], tmp_path, "late.jsonl")
    with pytest.raises(StudyError, match=r"line 21: shape: 'messages' is no pair"):
        look_at_sources(data_of(source_of(late)), Allowance(10_000_000))
    with pytest.raises(StudyError, match="'pairs' holds pairs of answers, which cleaning would take for plain text"):
        check_sources(data_of(SourceSpec(**source_of(pairs).model_dump() | {"cleaning": [{"cleaner": "length"}]})))
    parts = [
        {"name": name, "kind": "chat", "options": {"path": str(path), "pairs": asked}}
        for name, path, asked in (("a", pairs, True), ("b", talk, False))
    ]
    joined = SourceSpec(kind="joined", name="pairs", options={"sources": parts})
    with pytest.raises(StudyError, match="sources: 'b' holds conversations, and a pairs of answers"):
        check_sources(data_of(joined))


def test_joined_pairs_are_pairs(tmp_path):
    rows = rows_of()
    parts = [
        {
            "name": name,
            "kind": "chat",
            "options": {"path": str(written(part, tmp_path, f"{name}.jsonl")), "pairs": True},
        }
        for name, part in (("a", rows[:150]), ("b", rows[150:]))
    ]
    data = data_of(SourceSpec(kind="joined", name="pairs", options={"sources": parts}))
    assert prepare(data, tmp_path / "data").shards("pairs").train.has_pairs


# --- rows

LENGTH = 160


def test_rows_are_the_preferred_answer_and_the_other(prepared):
    shard = prepared.shards("pairs").train
    edges = shard.document_starts
    reference = np.arange(shard.num_documents) / 7
    rows = PairRows(shard, LENGTH, PAD, reference)
    lengths = np.diff(edges).reshape(-1, 2)
    fits = (lengths <= LENGTH).all(axis=1)
    assert 0 < rows.counts.left_out == (~fits).sum() and rows.counts.used == len(rows) == fits.sum()
    assert np.array_equal(rows.numbers, np.flatnonzero(fits))
    made = rows.batch(range(len(rows)))
    assert made.tokens_BT.shape == (2 * len(rows), LENGTH + 1) and made.begin_BT is None
    assert made.text_tokens == lengths[fits].sum()
    documents = (2 * rows.numbers[:, None] + [0, 1]).ravel()
    assert np.array_equal(made.reference_B, reference[documents])
    for place, number in enumerate(documents):
        text, learnt = (one[edges[number] : edges[number + 1]] for one in (shard.tokens, shard.learnt))
        row, labels = made.tokens_BT[place], made.labels_BT[place]
        assert np.array_equal(row[: len(text)], text) and (row[len(text) :] == PAD).all()
        assert np.array_equal(labels[: len(text) - 1] != IGNORED, learnt[1:] == 1)
        assert (labels[len(text) - 1 :] == IGNORED).all() and labels[len(text) - 2] == text[-1], "its end is learnt"
    chosen, rejected = made.rows(0, None, 2), made.rows(1, None, 2)
    equal = (chosen.tokens_BT == rejected.tokens_BT).all(axis=1)
    assert equal.sum() == rows.counts.same > 0 and np.array_equal(chosen.reference_B, reference[documents[::2]])


def test_pairs_that_the_context_does_not_hold(prepared):
    shard = prepared.shards("pairs").train
    with pytest.raises(StudyError, match="'pairs' has no pair of answers as short as seq_len 8 tokens"):
        PairRows(shard, 8, PAD)
    with pytest.raises(StudyError, match="answers, and the reference's log-probabilities are of 3"):
        PairRows(shard, LENGTH, PAD, np.zeros(3))


def test_a_stream_is_a_function_of_seed_and_step(prepared):
    def stream(seed=1, **options):
        return PairStream(prepared, {"pairs": 1.0}, LENGTH, 8, seed, **options)

    steps = range(5)
    first, again = stream(), stream()
    for step in reversed(steps):
        assert np.array_equal(first.rows(step).tokens_BT, again.rows(step).tokens_BT)
    assert not np.array_equal(stream().rows(0).tokens_BT, stream(2).rows(0).tokens_BT)
    behind = stream(given=first.given_after(2))
    assert np.array_equal(behind.rows(0).tokens_BT, first.rows(2).tokens_BT), "a stage goes on where one ended"
    assert first.given_after(2) == {"pairs": 8} and first.rows(0).reference_B is None


def test_epochs_see_every_pair_once_and_then_again(prepared):
    count, shard = 12, prepared.shards("pairs").train
    stream = PairStream(
        prepared, {"pairs": 1.0}, LENGTH, 8, 1,
        distinct={"pairs": count}, references={"pairs": np.arange(shard.num_documents, dtype=float)},
    )  # fmt: skip
    seen = [stream.rows(step) for step in range(6)]
    for row in seen:
        assert (row.reference_B[1::2] == row.reference_B[::2] + 1).all(), "two rows are a pair"
        starts = shard.document_starts[row.reference_B.astype(int)]
        assert np.array_equal(row.tokens_BT[:, :12], shard.tokens[starts[:, None] + np.arange(12)])
    epochs = [np.concatenate([row.reference_B for row in seen[at : at + 3]]) for at in (0, 3)]
    assert len(set(epochs[0])) == 2 * count and set(epochs[0]) == set(epochs[1])
    assert not np.array_equal(*epochs) and stream.epochs_at(6) == {"pairs": 2.0}


def test_weights_of_several_sources_and_what_cannot_be(prepared, tmp_path):
    rows = rows_of(400)
    sources = [
        source_of(written(part, tmp_path, f"{name}.jsonl"), name, weight=weight)
        for name, part, weight in (("a", rows[:200], 3.0), ("b", rows[200:], 1.0))
    ]
    talks = [{"instruction": row["prompt"], "output": row["chosen"]} for row in rows_of(500)[400:]]
    path = str(written(talks, tmp_path, "talks.jsonl"))
    talking = SourceSpec(kind="chat", name="talks", options={"path": path})
    both = prepare(data_of(*sources, talking, validation_fraction=0.2), tmp_path / "data")
    weights = {"a": 3.0, "b": 1.0, "talks": 0.0}  # as a stage's mixture may have it
    stream = PairStream(both, weights, LENGTH, 8, 0)
    assert Counter(label for step in range(10) for label in stream.sources_at(step)) == {"a": 30, "b": 10}
    references = {name: np.full(both.shards(name).train.num_documents, size) for name, size in (("a", 1.0), ("b", 2.0))}
    made = PairStream(both, weights, LENGTH, 8, 0, references=references).rows(0)
    assert made.reference_B.tolist() == [1.0 if label == "a" else 2.0 for label in stream.sources_at(0) for _ in "12"]
    for wrong, more, why in (
        (weights | {"talks": 1.0}, {}, "'talks' holds no pairs of answers to choose from; give it weight 0"),
        (weights, {"references": {"a": references["a"]}}, "'b' has no log-probabilities of the reference"),
    ):
        with pytest.raises(StudyError, match=why):
            PairStream(both, wrong, LENGTH, 8, 0, **more)
    with pytest.raises(StudyError, match="global_batch_size: 7 is odd"):
        PairStream(both, weights, LENGTH, 7, 0)


def test_objectives_of_one_answer_do_not_learn_the_rejected_one(prepared, tiny_trial):
    data = DataSpec.model_validate(prepared.manifest["spec"])
    for name in ("answers", "causal"):
        spec = tiny_trial.replace(data=data, objective=ObjectiveSpec(name=name))
        with pytest.raises(
            StudyError, match=f"'pairs' holds pairs of answers, half of which objective {name} must not"
        ):
            StagedStream(prepared, spec)


def test_held_out_pairs(prepared):
    shard = prepared.shards("pairs").validation
    everything, size = validation_pairs(shard, 4096, PAD, 10**9)
    assert len(everything) == shard.num_documents and size == shard.answer_bytes[::2].sum()
    some, _ = validation_pairs(shard, LENGTH, PAD, shard.num_tokens // 3)
    assert 0 < len(some) < len(everything) and len(some) % 2 == 0
    prompts = [
        row[: np.flatnonzero(labels != IGNORED)[0] + 1]
        for row, labels in zip(some.tokens_BT, some.labels_BT, strict=True)
    ]
    assert all(np.array_equal(*two) for two in zip(prompts[::2], prompts[1::2], strict=True))
    chosen, size = validation_conversations(shard, 4096, 1, PAD, 10**9)
    assert len(chosen) == shard.num_documents // 2 and size == shard.answer_bytes[::2].sum(), "the preferred ones"
