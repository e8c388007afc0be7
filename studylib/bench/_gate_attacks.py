"""Disguises of a benchmark's rows and sentences, each as files that the package would read."""

from __future__ import annotations

import csv
import io
import json
import random
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SHORTEST = 8  # characters of a sentence that is tried
_OTHER_INSTRUCTION = "次の課題に短く答えること。"


@dataclass(frozen=True)
class Row:
    """A question with its choices or passage, or a pair of sentences (``texts`` in the benchmark's order)."""

    texts: tuple[str, ...]
    choices: tuple[str, ...] = ()
    answer: str = ""

    @property
    def question(self) -> str:
        return "\n".join(self.texts)

    def listed(self, choices: Sequence[str] | None = None) -> str:
        return ",".join(f"{place}.{one}" for place, one in enumerate(self.choices if choices is None else choices))


def rows_of(records: Sequence[Any]) -> list[Row]:
    """Rows of JCommonsenseQA, JNLI, JSTS and JSQuAD as their files hold them."""
    rows = []
    for record in records:
        if "data" in record:
            for paragraph in (one for article in record["data"] for one in article["paragraphs"]):
                rows += [
                    Row((paragraph["context"].rsplit("[SEP]", 1)[-1].strip(), qa["question"]), (), _first_answer(qa))
                    for qa in paragraph["qas"]
                ]
        elif "question" in record:
            choices = tuple(record[f"choice{place}"] for place in range(5))
            rows.append(Row((record["question"],), choices, choices[int(record.get("label") or 0)]))
        else:
            rows.append(Row((record["sentence1"], record["sentence2"]), (), str(record.get("label", ""))))
    return rows


def sentences_of(rows: Sequence[Row]) -> list[str]:
    """The different questions and sentences of 8 characters or more; of JSQuAD no passages."""
    texts = (row.texts[-1:] if len(row.texts) == 2 and len(row.texts[0]) > 100 else row.texts for row in rows)
    return sorted({one for some in texts for one in some if len(one) >= SHORTEST})


def _first_answer(qa: Mapping[str, Any]) -> str:
    return qa["answers"][0]["text"] if qa.get("answers") else ""


def _json_lines(records: Iterator[dict[str, Any]]) -> str:
    return "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in records)


def _table(rows: Sequence[Row], header: Sequence[str], separator: str) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=separator, lineterminator="\n")
    if header:
        writer.writerow(header)
    for place, row in enumerate(rows):
        writer.writerow([place, *(one.replace("\n", " ") for one in row.texts), *row.choices, row.answer])
    return stream.getvalue()


def _messages(row: Row) -> list[dict[str, str]]:
    asked = row.question + (f"\n選択肢：{row.listed()}" if row.choices else "")
    return [{"role": "user", "content": asked}, {"role": "assistant", "content": row.answer}]


def _prompt(row: Row, *, choices: Sequence[str] | None = None, instruction: str = _OTHER_INSTRUCTION) -> str:
    listed = f"\n選択肢：{row.listed(choices)}" if row.choices else ""
    return f"### 指示：\n{instruction}\n\n### 入力：\n{row.question}{listed}\n\n### 応答：\n{row.answer}"


def _shuffled(row: Row) -> list[str]:
    return random.Random(row.question).sample(row.choices, len(row.choices))


def _task(rows: Sequence[Row]) -> str:
    return "jcommonsenseqa" if rows[0].choices else "jsquad" if len(rows[0].texts[0]) > 100 else "jnli"


# What a whole row may look like: the file's name, its content, and options of the source.
ROW_ATTACKS: dict[str, Callable[[Sequence[Row]], tuple[str, str, dict[str, str]]]] = {
    "JSON lines, columns renamed": lambda rows: (
        "rows.jsonl",
        _json_lines(
            {"text": r.texts[-1], "more": list(r.texts[:-1]), "list": r.choices, "gold": r.answer} for r in rows
        ),
        {},
    ),
    "JSON lines, a row one text": lambda rows: (
        "rows.jsonl",
        _json_lines({"text": "\n".join([*r.texts, *r.choices, r.answer])} for r in rows),
        {},
    ),
    "a row one text, spaces between all": lambda rows: (
        "rows.jsonl",
        _json_lines({"text": " ".join("\n".join([*r.texts, *r.choices, r.answer]))} for r in rows),
        {},
    ),
    "chats, a column messages beside": lambda rows: (
        "rows.jsonl",
        _json_lines({"text": _messages(r)[0]["content"], "messages": _messages(r)} for r in rows),
        {},
    ),
    "chats, JSON in lines of text": lambda rows: (
        "rows.txt",
        _json_lines({"messages": _messages(r)} for r in rows),
        {"document": "line"},
    ),
    "### prompts": lambda rows: ("rows.jsonl", _json_lines({"text": _prompt(r)} for r in rows), {}),
    "### prompts, choices shuffled": lambda rows: (
        "rows.jsonl",
        _json_lines({"text": _prompt(r, choices=_shuffled(r))} for r in rows),
        {},
    ),
    "jaster": lambda rows: (
        "rows.jsonl",
        _json_lines(
            {"ID": f"{_task(rows)}-{i}", "instruction": _OTHER_INSTRUCTION, "input": _prompt(r), "output": r.answer}
            for i, r in enumerate(rows)
        ),
        {"text_column": "input"},
    ),
    "jaster without identifiers": lambda rows: (
        "rows.jsonl",
        _json_lines(
            {"instruction": _OTHER_INSTRUCTION, "input": _messages(r)[0]["content"], "output": r.answer} for r in rows
        ),
        {"text_column": "input"},
    ),
    "CSV with the benchmark's header": lambda rows: (
        "rows.txt",
        _table(rows, ["q_id", "question", *(f"choice{i}" for i in range(5)), "label"], ",")
        if rows[0].choices
        else _table(rows, ["sentence_pair_id", "sentence1", "sentence2", "label"], ","),
        {"document": "line"},
    ),
    "CSV, no header": lambda rows: ("rows.txt", _table(rows, (), ","), {"document": "line"}),
    "TSV, no header": lambda rows: ("rows.txt", _table(rows, (), "\t"), {"document": "line"}),
    "question and answer only": lambda rows: (
        "rows.jsonl",
        _json_lines({"text": f"質問：{r.texts[-1]}\n回答：{r.answer}"} for r in rows),
        {},
    ),
}


def _half_width() -> dict[int, str]:
    table = {}
    for point in range(0xFF61, 0xFFA0):
        table[ord(unicodedata.normalize("NFKC", chr(point)))] = chr(point)
    for full in (chr(point) for point in range(0x30A1, 0x30FB)):
        parts = unicodedata.normalize("NFD", full)
        if len(parts) == 2:
            table[ord(full)] = table.get(ord(parts[0]), parts[0]) + ("ﾞ" if parts[1] == "\u3099" else "ﾟ")
    return table


_HALF = _half_width()
_FULL = {point: chr(point + 0xFEE0) for point in range(0x21, 0x7F)}
_HIRAGANA = {point: chr(point - 0x60) for point in range(0x30A1, 0x30F7)}


def _two_apart(text: str) -> str:
    first, second = sorted(random.Random(text).sample(range(len(text)), 2))
    return text[:first] + text[first + 1 : second] + text[second + 1 :]


def _middle_cut(text: str) -> str:
    middle = len(text) // 2
    return text[: middle - 1] + text[middle + 1 :]


# What a sentence may look like, one a line of a text file.
SENTENCE_ATTACKS: dict[str, Callable[[str], str]] = {
    "as it is": lambda text: text,
    "、 as ，": lambda text: text.replace("、", "，").replace("。", "．"),
    "no punctuation": lambda text: "".join(one for one in text if unicodedata.category(one)[0] != "P"),
    "the last two characters cut": lambda text: text[:-2],
    "the first two cut": lambda text: text[2:],
    "the first and the last cut": lambda text: text[1:-1],
    "two cut in the middle": _middle_cut,
    "two cut anywhere": _two_apart,
    "spaces between all": " ".join,
    "invisible characters between all": "\u200b".join,
    "half-width katakana": lambda text: text.translate(_HALF),
    "full-width letters and digits": lambda text: text.translate(_FULL),
    "decomposed (NFD)": lambda text: unicodedata.normalize("NFD", text),
    "katakana as hiragana": lambda text: text.translate(_HIRAGANA),
    "inside another sentence": lambda text: f"それは{text.rstrip('。？?')}という話だった。",
}


def read_records(file: Path) -> list[Any]:
    """Records of a JSON or JSON-lines file."""
    content = file.read_text(encoding="utf-8")
    try:
        return [json.loads(content)]
    except json.JSONDecodeError:
        return [json.loads(line) for line in content.splitlines() if line.strip()]
