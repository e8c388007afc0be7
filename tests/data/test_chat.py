"""Conversations: the shapes they come in, what of them is learnt, the gate, the split, and rows."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from studylib.data import Tokenizer, check_sources, look_at_sources, prepare
from studylib.data.chat.conversation import Conversation, Message, Preference
from studylib.data.chat.encode import ConversationEncoder
from studylib.data.chat.pack import ConversationRows, pack
from studylib.data.chat.rows import conversations
from studylib.data.chat.shapes import SHAPES, shape_of
from studylib.data.digest import Allowance
from studylib.data.document import Document
from studylib.data.shards import TokenShard, token_dtype, write_conversations
from studylib.data.text import GuardedText
from studylib.data.tokenizer import PAD
from studylib.errors import StudyError
from studylib.files import read_json
from studylib.registry import CHAT_TEMPLATES
from studylib.rows import IGNORED
from studylib.spec import DataSpec, SourceSpec, TokenizerSpec, validated

CONTROL = tuple(piece for template in CHAT_TEMPLATES.values() for piece in template.pieces)
ASKED, SAID = "港はどこ？", "岬の北です。"
PAIR = (("user", ASKED), ("assistant", SAID))
SHAPED = {
    "messages": {"messages": [{"role": role, "content": content} for role, content in PAIR]},
    "sharegpt": {"conversations": [{"from": "human", "value": ASKED}, {"from": "gpt", "value": SAID}]},
    "alpaca": {"instruction": ASKED, "input": "", "output": SAID},
    "dolly": {"instruction": ASKED, "context": None, "response": SAID, "category": "open_qa"},
    "prompt": {"prompt": ASKED, "completion": SAID},
}


def said(*messages: tuple[str, str]) -> Conversation:
    return Conversation(tuple(Message(*one) for one in messages))


def read(*rows: dict) -> tuple[list[Conversation], Counter]:
    notes = Counter()
    made = conversations([Document("", origin=f"row {n}", record=row) for n, row in enumerate(rows)], notes)
    return [one.conversation for one in made], notes


@pytest.fixture(scope="module")
def talks() -> list[dict]:
    """A question and its answer; every fourth goes on."""
    random = np.random.default_rng(0)
    kana = list("あいうえおかきくけこさしすせそたちつてとなにぬねのはひふへほ")
    words = ["".join(random.choice(kana, random.integers(2, 5))) for _ in range(80)]
    rows = []
    for number in range(400):
        asked, answered = ("、".join(random.choice(words, size)) for size in random.integers(3, 9, 2))
        row = [
            {"role": "user", "content": f"{asked}とは何？"},
            {"role": "assistant", "content": f"{answered}で、高さは{number * 7}です。"},
        ]
        more = [{"role": "user", "content": "本当？"}, {"role": "assistant", "content": f"はい、{number * 7}です。"}]
        rows.append({"messages": row + (more if number % 4 == 0 else [])})
    return rows


@pytest.fixture(scope="module")
def tokenizer(data_folder, tiny_data) -> Tokenizer:
    known = tiny_data.replace(**{"tokenizer.known_pieces": CONTROL})
    return Tokenizer.load(prepare(known, data_folder).tokenizer_file)


@pytest.fixture(scope="module", params=CHAT_TEMPLATES)
def encoder(request, tokenizer) -> ConversationEncoder:
    return ConversationEncoder(tokenizer, CHAT_TEMPLATES[request.param]())


def written(rows: list[dict], folder, name: str = "talks.jsonl"):
    path = folder / name
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def data_of(path, **more) -> DataSpec:
    source = SourceSpec(kind="chat", name="talks", options={"path": str(path)})
    return DataSpec(sources=(source,), tokenizer=TokenizerSpec(kind="bpe", vocab_size=350), **more)


# --- shapes


@pytest.mark.parametrize("shape", SHAPED)
def test_shapes_of_rows(shape):
    assert read(SHAPED[shape]) == ([said(*PAIR)], Counter())


def test_shapes_share_a_table_whose_other_columns_are_null():
    names = {name: None for row in SHAPED.values() for name in row}
    found, notes = read(*(names | row for row in SHAPED.values()))
    assert found == [said(*PAIR)] * len(SHAPED) and not notes


def test_what_a_message_may_be():
    row = {
        "messages": [
            {"role": "system", "content": None},
            {"role": "user", "content": [{"type": "text", "text": "港は"}, {"type": "text", "text": "どこ？"}]},
            {"role": "assistant", "content": ""},
        ]
    }
    assert read(row)[0] == [said(("user", ASKED), ("assistant", ""))]
    assert read({"instruction": "要約せよ。", "input": "霧が出た。", "output": "霧。"})[0] == [
        said(("user", "要約せよ。\n\n霧が出た。"), ("assistant", "霧。"))
    ]


@pytest.mark.parametrize(
    "row",
    [
        {"messages": [{"role": "user", "content": ASKED}]},
        {"messages": None},
        {"messages": [{"role": "user", "content": ASKED}, {"role": "assistant", "content": None}]},
        {"instruction": ASKED, "output": None},
        {"instruction": "", "output": SAID},
    ],
)
def test_a_row_with_nothing_to_learn_is_counted(row):
    assert read(row, SHAPED["messages"]) == ([said(*PAIR)], Counter(rows_without_answer=1))


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({"question": ASKED, "answer": SAID}, "row 0: fields: 'question, answer' are no known shape .*messages"),
        ({"messages": [{"role": "wizard", "content": "x"}]}, "row 0: role: 'wizard' is not a known role"),
        ({"messages": "text"}, "row 0: messages: 'str' is not a list"),
        ({"messages": [{"role": "user", "content": [{"type": "image"}]}]}, "row 0: messages: 'list' is not the text"),
        (
            {"prompt": ASKED, "chosen": SAID, "rejected": "不明"},
            "row 0: shape: 'prompt/chosen/rejected' has answers to",
        ),
    ],
)
def test_what_is_no_conversation_is_one_line(row, why):
    with pytest.raises(StudyError, match=why) as error:
        read(row)
    assert "\n" not in str(error.value)


def test_preferences_are_told_apart():
    def preference(row):
        return shape_of(row, "row").read(row, "row")

    user, answer = {"role": "user", "content": ASKED}, {"role": "assistant", "content": SAID}
    expected = Preference((Message("user", ASKED),), SAID, "不明")
    assert preference({"prompt": ASKED, "chosen": SAID, "rejected": "不明"}) == expected
    implicit = {"chosen": [user, answer], "rejected": [user, answer | {"content": "不明"}]}
    assert preference(implicit) == expected
    assert preference({"prompt": ASKED} | implicit) == expected, "the prompt is not there twice"
    assert preference({"prompt": ASKED, "chosen": SAID, "rejected": None}) is None
    other = {"chosen": [user, answer], "rejected": [user | {"content": "形は？"}, answer]}
    with pytest.raises(StudyError, match="answer different prompts"):
        preference(other)
    assert SHAPES[0].name == "prompt/chosen/rejected"


def test_trees_give_their_best_ranked_path():
    def message(name, parent, role, text, rank=None, **more):
        return {"message_id": name, "parent_id": parent, "role": role, "text": text, "rank": rank} | more

    rows = [
        message("a", None, "prompter", "一"),
        message("b", "a", "assistant", "悪い答え", 1),
        message("c", "a", "assistant", "良い答え", 0),
        message("d", "c", "prompter", "次は", 0),
        message("e", "d", "assistant", "消えた", 0, deleted=True),
        message("f", None, "prompter", "答えのない問い"),
        message("g", None, "prompter", "二"),
        message("h", "g", "assistant", "順位なし"),
    ]
    found, notes = read(*rows)
    assert found == [said(("user", "一"), ("assistant", "良い答え")), said(("user", "二"), ("assistant", "順位なし"))]
    assert notes == Counter(rows_without_answer=1)


def tree_of(number: int) -> list[dict]:
    """Two questions; to the first two answers, to the better one of them a question with two more."""

    def message(name, parent, role, text, rank):
        ids = {"message_id": f"{number}{name}", "parent_id": parent and f"{number}{parent}"}
        return ids | {"role": role, "text": f"{text}{number * 31}", "rank": rank}

    return [
        message("a", None, "prompter", "一は", None), message("b", "a", "assistant", "悪い", 1),
        message("c", "a", "assistant", "良い", 0), message("d", "c", "prompter", "次は", 0),
        message("e", "d", "assistant", "これ", 1), message("f", "d", "assistant", "それ", 0),
        message("g", "f", "prompter", "どうも", 0),
    ]  # fmt: skip


def test_all_paths_of_a_tree_learn_each_answer_once(encoder, tokenizer):
    rows = [Document("", origin=f"row {n}", record=row) for n, row in enumerate([*tree_of(1), *tree_of(2)])]
    made = list(conversations(rows, Counter(), all_paths=True))
    assert len({one.together for one in made[:3]}) == 1 and made[3].together not in ("", made[0].together)
    said = [[message.content for message in one.conversation.messages] for one in made[:3]]
    assert said == [
        ["一は31", "良い31", "次は31", "それ31"],
        ["一は31", "良い31", "次は31", "これ31"],
        ["一は31", "悪い31"],
    ]
    assert made[0].conversation == next(conversations(rows, Counter())).conversation
    found = [one.conversation for one in made[:3]]
    assert learnt(encoder, tokenizer, *found) == ["良い31", "それ31", "これ31", "悪い31"]
    assert all(Conversation.of(one.text.encode(), one.turns) == one for one in found), "kept on disk"
    made = encoder(found)
    assert made.sizes[:, 2].tolist() == [len("良い31それ31".encode()), len("これ31".encode()), len("悪い31".encode())]
    assert made.sizes[1, 3] > made.sizes[0, 3] == made.sizes[2, 3], "what is shared is the prompt of the second path"


def test_paths_of_a_tree_are_on_one_side(tmp_path):
    random = np.random.default_rng(4)
    rows = [row for number in range(120) for row in tree_of(number)]
    for row in rows:
        row["text"] += "".join(random.choice(list("あいうえおかきくけこさしすせそたちつてとなにぬねの"), 20))
    path = written(rows, tmp_path)
    source = SourceSpec(kind="chat", name="talks", options={"path": str(path), "paths": "all"})
    prepare(data_of(path, validation_fraction=0.3).replace(sources=(source,)), tmp_path / "data")
    (text,) = (GuardedText(one) for one in (tmp_path / "data" / "text").iterdir() if one.name[0] != ".")
    train, validation = ([one.messages[0] for one in text.conversations(side)] for side in ("train", "validation"))
    assert len(train + validation) == 3 * 120 and not set(train) & set(validation) and len(set(validation)) > 10


def test_questions_with_choices_are_answered_with_the_right_ones_words():
    row = {"question": "港は？", "choices": ["岬", "岬の北", "谷"], "category": "x"}
    asked = said(("user", "港は？\n\n選択肢:\n1. 岬\n2. 岬の北\n3. 谷"), ("assistant", "岬の北"))
    ways = ({"answer_index": 1}, {"answer": "岬の北"}, {"answer": "b"}, {"answer_index": None, "answer": "B"})
    assert read(*(row | way for way in ways)) == ([asked] * 4, Counter())
    assert read(row | {"answer": None}, row | {"question": None, "answer": "A"})[1] == Counter(rows_without_answer=2)
    for told, way in (
        ("row 0: answer_index: 3 is not a place among 3", {"answer_index": 3}),
        ("row 0: answer: 'D' is not one of the choices, nor the letter", {"answer": "D"}),
        ("row 0: answer: 1 is not one of the choices", {"answer": 1}),
    ):
        with pytest.raises(StudyError, match=told):
            read(row | way)


def test_successive_rows_of_a_dialogue_are_one_conversation(tmp_path):
    def turn(dialogue, number, output=SAID, **more):
        return {"instruction": f"{number}は", "output": output, "dialogue_id": dialogue, "turn": number} | more

    turns = [
        turn(1, 0, system="丁寧に"),
        turn(1, 1, system="丁寧に"),
        turn(2, 0),
        turn(None, 0),
        turn(None, 1),
        turn(3, 0, None),
    ]
    rows = [Document("", origin=f"row {n}", record=row) for n, row in enumerate(turns)]
    notes = Counter()
    made = list(conversations(rows, notes, dialogue="dialogue_id"))
    first = said(("system", "丁寧に"), ("user", "0は"), ("assistant", SAID), ("user", "1は"), ("assistant", SAID))
    single = [said(("user", f"{number}は"), ("assistant", SAID)) for number in (0, 0, 1)]
    assert [one.conversation for one in made] == [first, *single] and notes == Counter(rows_without_answer=1)
    assert made[0].record == {"messages": turns[:2]}, "the gate sees every row"
    few = list(conversations(rows * 2, notes, dialogue="dialogue_id", turns=1))
    again = said(("system", "丁寧に"), ("user", "1は"), ("assistant", SAID))
    assert [one.conversation for one in few[1:5]] == [again, *single] and len(few) == 10
    assert few[0].record == {"messages": turns[:1]} and few[1].record == {"messages": turns[1:2]}
    assert [one.together for one in few[:3]] == ["row 0", "row 0", "row 2"], "parts of a dialogue are on one side"
    whole = list(conversations(rows, notes, dialogue="dialogue_id", turns=2))
    assert [one.conversation for one in whole] == [one.conversation for one in made]
    with pytest.raises(StudyError, match=r"row 0: dialogue: 'talk' is not a field; choose from dialogue_id, inst"):
        list(conversations(rows, notes, dialogue="talk"))
    options = {"path": str(written([turn(1, 0)], tmp_path)), "pairs": True, "dialogue": "dialogue_id"}
    with pytest.raises(StudyError, match="dialogue: 'dialogue_id' puts rows of conversations together"):
        check_sources(DataSpec(sources=(SourceSpec(kind="chat", name="talks", options=options),)))
    options = {"path": options["path"], "turns": 2}
    with pytest.raises(StudyError, match="turns: 2 are of a dialogue, whose rows option dialogue puts together"):
        check_sources(DataSpec(sources=(SourceSpec(kind="chat", name="talks", options=options),)))


def test_trees_in_translation_are_read_in_it():
    def message(name, parent, role, translated, failed="0", **more):
        ids = {"message_id": name, "parent_id": parent, "role": role, "lang": "en"}
        return ids | {"text_ja": translated, "ng_translation": failed} | more

    rows = [
        message("a", "", "prompter", "一は", text="one?"),
        message("b", "a", "assistant", "これ", text="this"),
        message("c", float("nan"), "prompter", "二は"),
        message("d", "c", "assistant", "that", "1"),
        message("e", "c", "assistant", "それ", 0),
        message("f", "d", "prompter", "なぜ"),
    ]
    found, notes = read(*rows)
    assert found == [said(("user", "一は"), ("assistant", "これ")), said(("user", "二は"), ("assistant", "それ"))]
    assert not notes


def test_a_folder_laid_out_like_llm_japanese_dataset_is_read_but_for_what_is_made_from_jglue(tmp_path):
    """As masanorihirano/llm-japanese-dataset: a folder a part, in it JSON arrays of about a thousand rows; text invented."""
    root = tmp_path / "llm-japanese-dataset" / "datasets-cc-by-sa"
    kana = list("あいうえおかきくけこさしすせそたちつてとなにぬねの")
    random, sizes = np.random.default_rng(3), {"aio": 30, "dolly-ja": 20, "jcommonsenseqa": 5, "jsquad": 5}
    for part, size in sizes.items():
        (root / part / "data").mkdir(parents=True)
        (root / part / "README.md").write_text("# 作成方法")
        (root / part / "generate.py").write_text("import json")
        for number in range(2):
            rows = [
                {"index": str(at), "instruction": f"{part}の{at}は", "input": "", "output": "".join(random.choice(kana, 15))}
                for at in range(number * size, (number + 1) * size)
            ]  # fmt: skip
            (root / part / "data" / f"{number:06}.json").write_text(json.dumps(rows, ensure_ascii=False, indent=2))
    prepare(data_of(root.parent, validation_fraction=0.3), tmp_path / "prepared")
    (text,) = (GuardedText(one) for one in (tmp_path / "prepared" / "text").iterdir() if one.name[0] != ".")
    asked = [one.messages[0].content for side in ("train", "validation") for one in text.conversations(side)]
    assert sorted(asked) == sorted(f"{part}の{at}は" for part in ("aio", "dolly-ja") for at in range(2 * sizes[part]))
    (manifest,) = (one / "manifest.json" for one in (tmp_path / "prepared" / "text").iterdir() if one.name[0] != ".")
    assert read_json(manifest)["notes"]["files_left_out_as_benchmark"] == 2 * 4, "read-me and script too"
    with pytest.raises(StudyError, match="it names JCommonsenseQA, and JGLUE must never be training data"):
        check_sources(data_of(root / "jcommonsenseqa"))


# --- what is learnt


def learnt(encoder: ConversationEncoder, tokenizer: Tokenizer, *found: Conversation) -> list[str]:
    """The stretches of tokens that are learnt, as text, each without its end."""
    made, texts, current = encoder(found), [], []
    for token in made.tokens[made.learnt]:
        if token == encoder.end_id:
            texts.append(tokenizer.decode(current))
            current = []
        else:
            current.append(token)
    assert not current, "an answer without its end"
    return texts


def test_answers_and_their_ends_are_learnt_and_nothing_else(encoder, tokenizer):
    two = said(("system", "丁寧に。"), *PAIR, ("user", "高さは？"), ("assistant", ""), ("user", "もう一つ"))
    assert learnt(encoder, tokenizer, two, said(*PAIR)) == [SAID, "", SAID]
    made = encoder([two, said(*PAIR)])
    assert made.sizes[:, 0].sum() == len(made.tokens) == len(made.learnt)
    assert made.sizes[:, 1].tolist() == [len(one.text.encode()) for one in (two, said(*PAIR))]
    assert made.sizes[:, 2].tolist() == [len(SAID.encode())] * 2
    starts = np.cumsum(made.sizes[:, 0]) - made.sizes[:, 0]
    assert (made.tokens[starts] == tokenizer.eos_id).all()
    firsts = starts + made.sizes[:, 3]
    assert made.learnt[firsts].all() and not made.learnt[firsts - 1].any()
    assert made.learnt[np.cumsum(made.sizes[:, 0]) - 1].all(), "what follows the last answer teaches nothing"


def test_control_tokens_that_somebody_wrote_are_text(encoder, tokenizer):
    written = "".join(CONTROL) + "<|im_st" + CONTROL[0] + "</s><s><pad>" + CONTROL[0][:-1] + CONTROL[1]
    made = encoder([said(("user", written), ("assistant", written))])
    plain = encoder([said(("user", "x"), ("assistant", "x"))])
    control = [token for token, piece in tokenizer.known_pieces.items() if piece in CONTROL]
    special = [*control, *tokenizer.special_ids]
    assert np.isin(made.tokens, special).sum() == np.isin(plain.tokens, special).sum()
    assert tokenizer.decode(made.tokens[made.learnt][:-1]) == written


def test_pieces_that_are_no_control_tokens_stay_whole(tiny_data, data_folder):
    known = tiny_data.replace(**{"tokenizer.known_pieces": (*CONTROL, "[電話]")})
    tokenizer = Tokenizer.load(prepare(known, data_folder).tokenizer_file)
    made = ConversationEncoder(tokenizer, CHAT_TEMPLATES["chatml"]())([said(("user", "[電話]へ"), ("assistant", "x"))])
    (phone,) = [token for token, piece in tokenizer.known_pieces.items() if piece == "[電話]"]
    assert (made.tokens == phone).sum() == 1


def test_an_answer_ends_alike_in_training_and_after_its_prompt(encoder):
    """What comes before an answer is encoded alike whatever the answer is, so a prompt is what training showed."""
    one, two = (encoder([said(("user", ASKED), ("assistant", answer))]) for answer in ("岬です", "応"))
    prompt = one.sizes[0, 3]
    assert prompt == two.sizes[0, 3] and np.array_equal(one.tokens[:prompt], two.tokens[:prompt])


def test_templates_and_cleaning_that_cannot_be_are_refused():
    source = {"kind": "chat", "options": {"path": "x"}}
    with pytest.raises(
        StudyError, match=r"chat_template: 'chatml' needs <\|im_start\|>, <\|im_end\|> in data.tokenizer"
    ):
        check_sources(validated(DataSpec, {"sources": [source], "chat_template": "chatml"}))
    with pytest.raises(StudyError, match=r"chat_template: 'chatml' is not used: no source holds conversations"):
        check_sources(validated(DataSpec, {"chat_template": "chatml"}))
    with pytest.raises(StudyError, match=r"'chat:x' holds conversations, which cleaning"):
        check_sources(validated(DataSpec, {"sources": [source | {"cleaning": [{"cleaner": "length"}]}]}))


# --- the road of all text


def test_conversations_go_the_road_of_all_text(talks, tmp_path):
    prepared = prepare(data_of(written(talks, tmp_path)), tmp_path / "data")
    (text,) = (GuardedText(one) for one in (tmp_path / "data" / "text").iterdir() if one.name[0] != ".")
    sides = [list(text.conversations(side)) for side in ("train", "validation")]
    expected = read(*talks)[0]
    assert sorted(one.text for side in sides for one in side) == sorted(one.text for one in expected)
    assert set(sides[0]) | set(sides[1]) == set(expected) and all(sides)
    tokenizer, shards = Tokenizer.load(prepared.tokenizer_file), prepared.shards("talks")
    encoder = ConversationEncoder(tokenizer, CHAT_TEMPLATES["headings"]())
    for shard, side in zip((shards.train, shards.validation), sides, strict=True):
        made = encoder(side)
        assert np.array_equal(shard.tokens, made.tokens) and np.array_equal(shard.learnt, made.learnt)
        assert shard.num_bytes == sum(len(one.text.encode()) for one in side)
        assert shard.answer_bytes.sum() == made.sizes[:, 2].sum()
    assert prepared.manifest["sources"]["talks"]["left_out"] == {"documents": 0, "bytes": 0}


def test_a_changed_mask_is_noticed(talks, tmp_path):
    data = data_of(written(talks, tmp_path))
    prepared = prepare(data, tmp_path / "data")
    (mask,) = prepared.folder.glob("*.train.learnt")
    content = bytearray(mask.read_bytes())
    content[-1] ^= 1
    mask.write_bytes(content)
    manifest = prepared.folder / "manifest.json"
    manifest.write_bytes(manifest.read_bytes())  # as if copied: what was verified once is not verified again
    said: list[str] = []
    again = prepare(data, tmp_path / "data", progress=said.append)
    assert "is damaged" in said[0] and again.shards("talks").train.learnt[-1] == 1


def test_another_template_is_other_shards_of_the_same_text(talks, tmp_path):
    source = SourceSpec(kind="chat", name="talks", options={"path": str(written(talks, tmp_path))})
    spec = TokenizerSpec(vocab_size=350, known_pieces=CONTROL)
    made = [DataSpec(sources=(source,), tokenizer=spec, chat_template=name) for name in CHAT_TEMPLATES]
    assert len({one.hash for one in made}) == len(made)
    assert len({one.texts["talks"].hash for one in made}) == 1


def test_rows_from_parquet_are_those_from_json_lines(talks, tmp_path):
    pq.write_table(pa.Table.from_pylist(talks), tmp_path / "talks.parquet")
    shards = [
        prepare(data_of(path), tmp_path / "data").shards("talks").train
        for path in (written(talks, tmp_path), tmp_path / "talks.parquet")
    ]
    assert np.array_equal(shards[0].tokens, shards[1].tokens) and np.array_equal(shards[0].learnt, shards[1].learnt)


def test_trees_from_the_hub(talks, tmp_path):
    """A local folder laid out as a data set; the client is the real one."""
    rows = []
    for number, row in enumerate(talks):
        parent = None
        for place, message in enumerate(row["messages"]):
            name = f"{number}-{place}"
            role = "prompter" if message["role"] == "user" else "assistant"
            rows.append({"message_id": name, "parent_id": parent, "role": role, "text": message["content"], "rank": 0})
            parent = name
    (tmp_path / "set").mkdir()
    written(rows, tmp_path / "set", "train.jsonl")
    options = {"dataset": str(tmp_path / "set"), "revision": "0" * 40}
    data = data_of("unused").replace(sources=(SourceSpec(kind="chat_hub", name="talks", options=options),))
    prepare(data, tmp_path / "data")
    (text,) = (GuardedText(one) for one in (tmp_path / "data" / "text").iterdir() if one.name[0] != ".")
    found = {one for side in ("train", "validation") for one in text.conversations(side)}
    assert found == set(read(*talks)[0])


def test_a_first_look_finds_rows_that_are_none(talks, tmp_path):
    data = data_of(written([*talks, {"question": ASKED}], tmp_path))
    check_sources(data)
    with pytest.raises(StudyError, match=r"line 401: fields: 'question' are no known shape"):
        look_at_sources(data, Allowance(10_000_000))


def test_conversations_joined(talks, tmp_path):
    first, second = (written(part, tmp_path, f"{n}.jsonl") for n, part in enumerate((talks[:200], talks[200:])))
    parts = [
        {"name": name, "kind": "chat", "options": {"path": str(path)}} for name, path in (("a", first), ("b", second))
    ]
    data = data_of("unused").replace(sources=(SourceSpec(kind="joined", name="talks", options={"sources": parts}),))
    prepare(data, tmp_path / "data")
    (text,) = (GuardedText(one) for one in (tmp_path / "data" / "text").iterdir() if one.name[0] != ".")
    found = {one for side in ("train", "validation") for one in text.conversations(side)}
    assert found == set(read(*talks)[0])
    mixed = [*parts, {"name": "c", "kind": "miniworld", "options": {"register": "ja", "bytes": 1000}}]
    with pytest.raises(StudyError, match=r"sources: 'a' holds conversations, and c plain text"):
        check_sources(data.replace(sources=(SourceSpec(kind="joined", name="talks", options={"sources": mixed}),)))


def test_near_copies_of_a_conversation_are_on_one_side(talks, tmp_path):
    copied = talks[:60] * 2 + talks[60:]
    prepare(data_of(written(copied, tmp_path), validation_fraction=0.3), tmp_path / "data")
    (text,) = (GuardedText(one) for one in (tmp_path / "data" / "text").iterdir() if one.name[0] != ".")
    train, validation = (Counter(text.conversations(side)) for side in ("train", "validation"))
    assert not train.keys() & validation.keys() and 2 in validation.values()


def test_the_gate_sees_every_message_and_every_field(talks, tmp_path):
    secret = "湖畔の観測所では、毎朝七時に水位を三度読み取ることになっている。"
    evaluation = tmp_path / "evaluation.jsonl"
    evaluation.write_text(json.dumps({"sentence": secret}, ensure_ascii=False), encoding="utf-8")
    hidden = [
        {"messages": [{"role": "user", "content": "規則は？"}, {"role": "assistant", "content": secret}]},
        {"conversations": [{"from": "human", "value": f"これを訳して。{secret}"}, {"from": "gpt", "value": "はい。"}]},
        {"instruction": "答えよ。", "input": "", "output": "白", "note": secret},
        {"ID": "jnli-12", "instruction": "関係は？", "input": "前提：白い。", "output": "neutral"},
    ]
    data = data_of(written(talks + hidden, tmp_path), evaluation_only=(str(evaluation),))
    guard = prepare(data, tmp_path / "data").manifest["guard"]["talks"]
    assert guard["admitted"] == len(talks)
    assert guard["dropped"]["known_sentence"] == 3 and guard["dropped"]["benchmark_id"] == 1


def test_a_source_without_any_answer_is_refused(tmp_path):
    path = written([{"messages": [{"role": "user", "content": ASKED}]}] * 3, tmp_path)
    with pytest.raises(StudyError, match=r"data.sources: 'talks' has no text"):
        prepare(data_of(path), tmp_path / "data")
    (tmp_path / "talk.txt").write_text("x")
    with pytest.raises(StudyError, match="holds no conversations: JSON lines and parquet do"):
        prepare(data_of(tmp_path / "talk.txt"), tmp_path / "data")


def test_rows_without_answers_are_in_the_manifest(talks, tmp_path):
    path = written([*talks, {"messages": [{"role": "user", "content": ASKED}]}], tmp_path)
    folder = prepare(data_of(path), tmp_path / "data").folder
    assert read_json(folder / "manifest.json")["sources"]["talks"]["notes"]["rows_without_answer"] == 1


# --- rows


@pytest.mark.parametrize("most", [None, 1, 3])
def test_packing_loses_and_repeats_nothing(most):
    lengths = np.random.default_rng(1).integers(1, 65, 500)
    rows = pack(lengths, 64, most, np.random.default_rng(2))
    assert sorted(number for row in rows for number in row) == list(range(500))
    assert all(lengths[row].sum() <= 64 and len(row) <= (most or 64) for row in rows)
    if most is None:
        assert len(rows) <= 1.05 * lengths.sum() / 64, "rows are nearly full"
    assert (
        rows == pack(lengths, 64, most, np.random.default_rng(2)) != pack(lengths, 64, most, np.random.default_rng(3))
    )


@pytest.fixture(scope="module")
def shard(talks, tokenizer, tmp_path_factory) -> TokenShard:
    stem, dtype = tmp_path_factory.mktemp("shard") / "talks", token_dtype(tokenizer.vocab_size)
    encoder = ConversationEncoder(tokenizer, CHAT_TEMPLATES["headings"]())
    write_conversations(iter(read(*talks)[0]), encoder, dtype, stem, workers=2)
    return TokenShard(stem, dtype)


@pytest.mark.parametrize("most", [None, 1])
def test_a_row_is_its_conversations(shard, most):
    length = int(np.diff(shard.document_starts).max()) + 40
    rows = ConversationRows(shard, length, most, PAD, ("seed",))
    made = rows.batch(range(len(rows)))
    assert rows.counts.used == shard.num_documents and not rows.counts.cut and not rows.counts.left_out
    assert made.counted == shard.learnt.sum() and made.text_tokens == shard.num_tokens
    places = np.arange(length)
    inside = places - made.begin_BT
    assert ((inside == 0) == (np.diff(made.begin_BT, axis=1, prepend=-1) != 0)).all(), "positions begin at 0"
    texts = []
    for tokens, labels, begin in zip(made.tokens_BT, made.labels_BT, made.begin_BT, strict=True):
        counted = labels != IGNORED
        assert np.array_equal(labels[counted], tokens[1:][counted])
        assert (begin[1:] == begin[:-1])[counted[:-1]].all(), "no label is across a border"
        ends = [*np.unique(begin)[1:], len(tokens)]
        texts += [tokens[first:end] for first, end in zip(np.unique(begin), ends, strict=True)]
    expected = {
        shard.tokens[a:b].tobytes() for a, b in zip(shard.document_starts, shard.document_starts[1:], strict=False)
    }
    assert expected <= {text[text != PAD].astype(shard.tokens.dtype).tobytes() for text in texts}


def test_what_the_context_does_not_hold_is_counted(shard, talks):
    lengths, prompts = np.diff(shard.document_starts), shard.prompt_tokens
    context = int(np.sort(prompts)[len(prompts) // 2])
    rows = ConversationRows(shard, context, None, PAD, ("seed",))
    fits = prompts <= context
    assert 0 < rows.counts.left_out == (~fits).sum() and rows.counts.used == fits.sum()
    assert rows.counts.cut == (fits & (lengths > context + 1)).sum() > 0
    made = rows.batch(range(len(rows)))
    assert (made.labels_BT != IGNORED).any(axis=1).all(), "no row without anything to learn"
    with pytest.raises(StudyError, match="has no answer within seq_len 3: the prompts of all 400"):
        ConversationRows(shard, 3, None, PAD, ("seed",))
