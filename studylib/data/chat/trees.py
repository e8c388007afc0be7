"""Conversations out of trees of messages, as Open Assistant's (arXiv 2304.07327): to each message several may answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from studylib.data.chat.conversation import Conversation, Message
from studylib.data.chat.shapes import TRANSLATED, role_of
from studylib.data.document import Document
from studylib.data.read.decode import tidy


def trees(rows: Iterable[Document]) -> Iterator[list[Document]]:
    """Rows of messages, tree by tree; those of a tree stand together in the file, the first one's ``parent_id`` is null or empty."""
    tree: list[Document] = []
    for row in rows:
        if tree and _parent(row) is None:
            yield tree
            tree = []
        tree.append(row)
    if tree:
        yield tree


def paths(tree: list[Document]) -> Iterator[Conversation]:
    """The conversations from the first message to every last answer, the best-ranked replies first.

    What a path shares with one before it is not learnt again: each answer is learnt once. Of translated trees the translation is
    read; deleted messages, and those whose translation failed (``ng_translation``), are left out with what answers them.
    """
    replies: dict[Any, list[Document]] = {}
    for row in tree:
        if _is_there(row.record):
            replies.setdefault(_parent(row), []).append(row)
    told: set[Any] = set()
    waiting: list[tuple[Any, list[Document]]] = [(None, [])]
    while waiting:
        at, path = waiting.pop()
        if found := replies.pop(at, None):  # taken out, so that a circle ends
            found.sort(key=lambda row: _rank(row.record))
            waiting += [(row.record["message_id"], [*path, row]) for row in reversed(found)]
            continue
        messages = tuple(_message(row, learnt=row.record["message_id"] not in told) for row in path)
        new = [place for place, message in enumerate(messages) if message.is_learnt]
        if new:
            told.update(path[place].record["message_id"] for place in new)
            yield Conversation(messages[: new[-1] + 1])


def _message(row: Document, *, learnt: bool) -> Message:
    return Message(role_of(row.record["role"], row.origin), tidy(_text(row.record)), learnt)


def _parent(row: Document) -> Any:
    parent = row.record["parent_id"]
    return None if parent == "" or parent != parent else parent  # a table of numbers and nothing has NaN for nothing


def _is_there(record: Mapping[str, Any]) -> bool:
    failed = str(record.get("ng_translation") or 0).strip() not in ("0", "0.0")
    return record.get("deleted") is not True and not failed and _text(record) is not None


def _text(record: Mapping[str, Any]) -> Any:
    return record[TRANSLATED] if TRANSLATED in record else record["text"]


def _rank(record: Mapping[str, Any]) -> float:
    """0 is the best; messages that were not ranked come last, in the order of the file."""
    rank = record.get("rank")
    return float("inf") if rank is None else float(rank)
