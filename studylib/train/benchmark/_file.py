"""Questions with choices out of a file of one's own."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from studylib.data.chat.choices import choice_question
from studylib.data.chat.conversation import Message
from studylib.errors import invalid
from studylib.files import digest_of_state

# Numbered: how a question of a file is asked. Marks of choices are left out, since the choice's own words are what is judged.
_ASK = (
    ("{question}\n選択肢: {choices}", "、"),
    ("次の問題に、選択肢の中から一つ選んで答えてください。\n問題: {question}\n選択肢:\n{choices}", "\n"),
    ("{choices}\n\nこの中から正しいものを選んでください。\n{question}", "\n"),
    ("質問: {question}\n候補: {choices}\n質問の答えとして最も適切な候補は何ですか。", " / "),
)
WORDINGS = range(len(_ASK))


@dataclass(frozen=True)
class FileQuestion:
    """A row: ``id`` is a hash of what it asks, ``sort`` its ``category``, if it has one."""

    id: str
    sort: str
    question: str
    choices: tuple[str, ...]
    right: int

    def prompt(self, wording: int) -> tuple[Message, ...]:
        text, between = _ASK[wording]
        return (Message("user", text.format(question=self.question, choices=between.join(self.choices))),)


def file_questions(path: Path) -> list[FileQuestion]:
    """All different questions of a file, in an order by hash, so that the first ones are a sample of all.

    Raises
    ------
    StudyError
        It cannot be read, or a row has another shape.
    """
    return list(_questions(str(path), digest_of_state(path)))


@lru_cache(maxsize=2)
def _questions(path: str, digest: str) -> tuple[FileQuestion, ...]:
    from studylib.data.read import Columns, kind_of, reader_of

    if kind_of(Path(path)) not in ("parquet", "jsonl"):
        raise invalid("evaluation.path", path, "is neither parquet nor JSON lines")
    found = {}
    for row in reader_of(Path(path)).read(Path(path), Columns(None)):
        one = _question(row.record, row.origin)
        found[one.id] = one
    if not found:
        raise invalid("evaluation.path", path, "has no rows")
    return tuple(found[key] for key in sorted(found))


def _question(row: dict[str, Any], origin: str) -> FileQuestion:
    asked = choice_question(row, origin)
    sort = row.get("category")
    key = hashlib.blake2b("\0".join((asked.question, *asked.choices)).encode(), digest_size=8).hexdigest()
    return FileQuestion(key, "" if sort is None else str(sort), asked.question, asked.choices, asked.right)
