"""``study mask`` as a shell user meets it."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys

import pytest

from studylib.cli import main
from studylib.data.tokenizer import train_tokenizer
from studylib.registry import CHAT_TEMPLATES
from studylib.spec import TokenizerSpec

HOSTILE = "[bold red]赤[/] \x1b[31m\x9b2J\u202e戻⟦学⟧⟨</s>⟩\\n<|im_end|>"
FIRST, SECOND = "岬の北 です。", "三十一メートル。"
TALKS = [
    {
        "messages": [
            {"role": "system", "content": None},
            {"role": "user", "content": "港はどこ？"},
            {"role": "assistant", "content": FIRST},
            {"role": "user", "content": "高さは？"},
            {"role": "assistant", "content": SECOND},
        ]
    },
    {"messages": [{"role": "user", "content": HOSTILE}, {"role": "assistant", "content": HOSTILE}]},
    {"instruction": "黙って", "output": ""},
    {"messages": [{"role": "user", "content": "問いだけ"}]},
    {"prompt": "長い話。" * 300, "completion": "終わり"},
    {"prompt": "続けて", "completion": "そして朝が来た。" * 200},
]
PAIRS = [
    {"prompt": "色は？", "chosen": "白です。", "rejected": "黒です。"},
    {"prompt": "色は？", "chosen": "白", "rejected": "白"},
    {"prompt": "色は？", "chosen": "白", "rejected": None},
    {"prompt": "色は？", "chosen": "白", "rejected": "黒い。" * 400},
    {
        "chosen": [{"role": "user", "content": "色は？"}, {"role": "assistant", "content": "白"}],
        "rejected": [{"role": "user", "content": "形は？"}, {"role": "assistant", "content": "丸"}],
    },
]


@pytest.fixture
def mask(capsys):
    def call(*arguments):
        with pytest.raises(SystemExit) as ended:
            main(["mask", *map(str, arguments)])
        said = capsys.readouterr()
        return ended.value.code, said.out, said.err

    return call


@pytest.fixture
def file(tmp_path):
    def write(rows, name="rows.jsonl"):
        path = tmp_path / name
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize("template", CHAT_TEMPLATES)
def test_what_is_learnt_is_the_answers_and_their_ends(file, mask, template):
    code, said, err = mask(file(TALKS), "--template", template, "--json")
    assert code == 0, err
    found = json.loads(said)
    rows = {row["origin"].rpartition(" ")[2]: row for row in found["rows"]}
    assert {name: row["learnt_answers"] for name, row in rows.items()} == {
        "1": [FIRST, SECOND], "2": [HOSTILE], "3": [""], "5": [], "6": [],
    }  # fmt: skip
    assert [rows[name]["state"] for name in "12356"] == ["whole", "whole", "whole", "left out", "cut"]
    assert rows["6"]["learnt_without_end"].startswith("そして朝が来た。そして"), "its end is beyond the context"
    for row in rows.values():
        assert len(row["tokens"]) == len(row["learnt"]) <= 257 and sum(row["learnt"]) >= len(row["learnt_answers"])
    counts = found["counts"]
    assert counts["learnt"] == sum(sum(row["learnt"]) for row in rows.values())
    assert {name: counts[name] for name in ("rows", "cut", "left_out", "rows_without_answer")} == {
        "rows": 5, "cut": 1, "left_out": 1, "rows_without_answer": 1,
    }  # fmt: skip
    assert said.isascii()


def test_marks_without_colour_and_text_that_a_terminal_would_obey(file, mask):
    code, said, err = mask(file(TALKS), "--template", "chatml", "--rows", 2)
    assert code == 0, err
    rows = [line for line in said.splitlines() if line.startswith("⟨</s>⟩")]
    assert len(rows) == 2 and f"⟦{FIRST}⟨<|im_end|>⟩⟧" in rows[0] and f"⟦{SECOND}⟨<|im_end|>⟩⟧" in rows[0]
    assert rows[0].count("⟦") == 2 and rows[1].count("⟦") == rows[1].count("⟧") == 1
    assert rows[1].count("⟨</s>⟩") == 1 and rows[1].count("⟨<|im_end|>⟩") == 2, "what somebody wrote is no mark"
    assert r"[bold red]赤[/] \x1b[31m\x9b2J\u202e戻\u27e6学\u27e7\u27e8</s>\u27e9\\n<|im_end|>" in rows[1]
    assert not set("\x1b\x9b\u202e") & set(said)
    assert "1\tleft out" in said and "1\trows without answer" in said and "5\trows" in said.splitlines()


def test_on_a_terminal_what_is_learnt_is_green_and_underlined(file):
    path = file(TALKS[:2])

    def run(**more):
        master, slave = pty.openpty()
        environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
        environment |= {"TERM": "xterm-256color", "COLUMNS": "100"} | more
        command = [sys.executable, "-m", "studylib.cli", "mask", str(path)]
        process = subprocess.Popen(command, stdout=slave, stderr=slave, env=environment)
        os.close(slave)
        said = b""
        while True:
            try:
                part = os.read(master, 65536)
            except OSError:  # the other side is closed
                break
            if not part:
                break
            said += part
        os.close(master)
        assert process.wait() == 0, said.decode()
        return said.decode()

    coloured, plain = run(), run(NO_COLOR="1")
    assert "\x1b[4;32m" in coloured or "\x1b[1;4;32m" in coloured
    bare = re.sub("\x1b\\[[0-9;]*m", "", coloured)
    assert "⟦" not in bare and r"[bold red]赤[/] \x1b[31m\x9b2J\u202e戻" in bare
    assert not set("\x1b\x9b\u202e") & set(bare) and "\x1b[31m" not in coloured
    assert f"⟦{FIRST}⟨</s>⟩⟧" in plain


def test_rows_of_a_dialogue_are_put_together(file, mask):
    rows = [{"instruction": f"{n}は？", "output": FIRST, "talk": n // 3} for n in range(6)]
    for options, answers in (
        ((), [1] * 6),
        (("--dialogue", "talk"), [3, 3]),
        (("--dialogue", "talk", "--turns", 2), [2, 1] * 2),
    ):
        code, said, err = mask(file(rows), *options, "--json")
        assert code == 0, err
        assert [len(row["learnt_answers"]) for row in json.loads(said)["rows"]] == answers


def test_pairs(file, mask):
    code, said, err = mask(file(PAIRS), "--pairs", "--json")
    assert code == 0, err
    found = json.loads(said)
    sides = [(row["side"], row["state"], row["learnt_answers"]) for row in found["rows"]]
    assert sides == [
        ("chosen", "whole", ["白です。"]),
        ("rejected", "whole", ["黒です。"]),
        ("chosen", "whole", ["白"]),
        ("rejected", "whole", ["白"]),
        ("chosen", "left out", []),
        ("rejected", "left out", []),
    ]
    counts = {name: count for name, count in found["counts"].items() if count and name not in ("tokens", "learnt")}
    assert counts == {
        "rows": 6, "left_out": 2,
        "rows_without_answer": 1, "pairs_of_equal_answers": 1, "pairs_with_different_prompts": 1,
    }  # fmt: skip
    code, said, _ = mask(file(PAIRS), "--pairs", "--rows", 1)
    assert code == 0 and "line 1 (chosen): " in said and "⟦白です。⟨</s>⟩⟧" in said and "line 2" not in said


def test_a_tokenizer_of_ones_own(file, mask, tmp_path):
    pieces = CHAT_TEMPLATES["chatml"].pieces
    known = train_tokenizer(TokenizerSpec(vocab_size=400, known_pieces=pieces), ["港の灯台は白い。" * 40], at_most=True)
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "tokenizer.model").write_bytes(known.model)
    for path in (tmp_path / "made", tmp_path / "made" / "tokenizer.model"):
        code, said, err = mask(file(TALKS), "--template", "chatml", "--tokenizer", path, "--json")
        assert code == 0 and json.loads(said)["vocab_size"] == known.vocab_size, err
    plain = train_tokenizer(TokenizerSpec(vocab_size=400), ["港の灯台は白い。" * 40], at_most=True)
    (tmp_path / "plain.model").write_bytes(plain.model)
    code, _, err = mask(file(TALKS), "--template", "chatml", "--tokenizer", tmp_path / "plain.model")
    assert code == 2 and "does not know <|im_start|>, <|im_end|>, which --template needs" in err


@pytest.mark.parametrize(
    ("arguments", "rows", "why"),
    [
        ((), [{"問": "x", "答": "y"}], "fields: '問, 答' are no known shape of a conversation; choose from prompt/"),
        (
            (),
            PAIRS,
            "'prompt/chosen/rejected' has answers to choose from, not conversations to learn; take rows of preferences out, or give "
            "pairs: true (study mask: --pairs)",
        ),
        (
            ("--pairs",),
            TALKS,
            "'messages' is no pair of answers, which pairs: true (study mask: --pairs) asks for: prompt/",
        ),
        (
            ("--template", "chatlm"),
            TALKS,
            "--template: 'chatlm' is no chat template; choose from chatml, headings (did",
        ),
        (("--tokenizer", "nowhere.model"), TALKS, "tokenizer: 'nowhere.model' cannot be read"),
        (("--encoding", "cp93x"), TALKS, "encoding: 'cp93x'"),
        (("--turns", "2"), TALKS, "turns: 2 are of a dialogue, whose rows option dialogue puts together"),
        (("--dialogue", "talk"), TALKS, "dialogue: 'talk' is not a field; choose from messages"),
        ((), [{"messages": [{"role": "user", "content": "x"}]}], "holds no text to train a tokenizer on"),
        (
            (),
            [{"sentence1": "a", "sentence2": "b", "sentence_pair_id": "1", "instruction": "x", "output": "y"}],
            "JNLI",
        ),
    ],
)
def test_bad_input_is_one_line(file, mask, arguments, rows, why):
    code, said, err = mask(file(rows), *arguments)
    assert code == 2 and why in err and err.count("\n") == 1 and not said
    assert "Traceback" not in err


def test_files_that_are_not_there_and_jglue_by_name(mask, tmp_path):
    code, _, err = mask(tmp_path / "nowhere.jsonl")
    assert code == 2 and "does not exist" in err
    (tmp_path / "jnli.jsonl").write_text("{}")
    code, _, err = mask(tmp_path / "jnli.jsonl")
    assert code == 2 and "JGLUE" in err


def test_what_the_gate_drops_is_counted_and_not_shown(file, mask):
    rows = [*TALKS, {"ID": "jnli-12", "instruction": "関係は？", "input": "前提：白い。", "output": "neutral"}]
    code, said, err = mask(file(rows), "--json")
    assert code == 0, err
    assert json.loads(said)["counts"]["dropped_as_evaluation_data"] == 1 and "neutral" not in said
