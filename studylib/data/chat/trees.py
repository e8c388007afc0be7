"""Conversations out of trees of messages, as Open Assistant's (arXiv 2304.07327): to each message several may answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from studylib.data.chat.conversation import Conversation, Message
from studylib.data.chat.shapes import role_of
from studylib.data.document import Document
from studylib.data.read.decode import tidy


def trees(rows: Iterable[Document]) -> Iterator[list[Document]]:
    """Rows of messages, tree by tree; those of a tree stand together in the file, the first one's ``parent_id`` is null."""
    tree: list[Document] = []
    for row in rows:
        if tree and row.record["parent_id"] is None:
            yield tree
            tree = []
        tree.append(row)
    if tree:
        yield tree


def best_path(tree: list[Document]) -> Conversation | None:
    """The conversation of the best-ranked replies, up to the last answer; None where there is no answer.

    Only one a tree: two that begin alike would teach the same answers twice, or have them on both sides of the split.
    """
    replies: dict[Any, list[Document]] = {}
    for row in tree:
        if row.record.get("deleted") is not True and row.record["text"] is not None:
            replies.setdefault(row.record["parent_id"], []).append(row)
    messages: list[Message] = []
    at = None
    while found := replies.pop(at, None):  # taken out, so that a circle ends
        best = min(found, key=lambda row: _rank(row.record))
        messages.append(Message(role_of(best.record["role"], best.origin), tidy(best.record["text"])))
        at = best.record["message_id"]
    while messages and messages[-1].role != "assistant":
        messages.pop()
    return Conversation(tuple(messages)) if messages else None


def _rank(record: Mapping[str, Any]) -> float:
    """0 is the best; messages that were not ranked come last, in the order of the file."""
    rank = record.get("rank")
    return float("inf") if rank is None else float(rank)
