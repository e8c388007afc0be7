"""Documents that are conversations, out of rows of any shape."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby

from studylib.data.chat.conversation import Conversation, Preference
from studylib.data.chat.shapes import TREE, shape_of
from studylib.data.chat.trees import best_path, trees
from studylib.data.document import Document
from studylib.errors import invalid

WITHOUT_ANSWER = "rows_without_answer"


def conversations(rows: Iterable[Document], notes: Counter[str]) -> Iterator[Document]:
    """Of rows (``Document.record``), the documents that are conversations; those with nothing to learn are counted in ``notes``.

    Raises
    ------
    StudyError
        A row has no known shape, holds what is no message, or is a pair of answers to choose from.
    """
    for are_trees, part in groupby(rows, key=lambda row: row.record.keys() >= set(TREE)):
        read = _of_trees if are_trees else _of_rows
        yield from _with_answers(read(part), notes)


def _with_answers(found: Iterable[tuple[Document, Conversation | None]], notes: Counter[str]) -> Iterator[Document]:
    for row, conversation in found:
        if conversation is None:
            notes[WITHOUT_ANSWER] += 1
        else:
            yield Document(conversation.text, origin=row.origin, record=row.record, conversation=conversation)


def _of_rows(rows: Iterable[Document]) -> Iterator[tuple[Document, Conversation | None]]:
    for row in rows:
        shape = shape_of(row.record, row.origin)
        read = shape.read(row.record, row.origin)
        if isinstance(read, Preference):
            why = "has answers to choose from, not conversations to learn; take rows of preferences out"
            raise invalid("shape", shape.name, why, file=row.origin)
        yield row, read


def _of_trees(rows: Iterable[Document]) -> Iterator[tuple[Document, Conversation | None]]:
    for tree in trees(rows):
        whole = Document("", origin=tree[0].origin, record={"messages": [dict(row.record) for row in tree]})
        yield whole, best_path(tree)
