"""Documents that are conversations or pairs of answers, out of rows of any shape."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from itertools import groupby

from studylib.data.chat.conversation import Conversation, Preference
from studylib.data.chat.shapes import SHAPES, TREE, PromptsDiffer, Shape, is_of_tree, shape_of
from studylib.data.chat.trees import paths, trees
from studylib.data.document import Document
from studylib.errors import invalid

WITHOUT_ANSWER = "rows_without_answer"
SAME, DIFFERENT_PROMPTS, REPEATED_PROMPT = (
    "pairs_of_equal_answers",
    "pairs_with_different_prompts",
    "pairs_repeating_prompt",
)
_PAIRS_OPTION = "pairs: true (study mask: --pairs)"
_Read = Iterator[tuple[Document, Conversation | Preference | None]]


def notes_of(pairs: bool) -> dict[str, int]:
    """What is counted of rows, from 0."""
    return dict.fromkeys((WITHOUT_ANSWER, *((SAME, DIFFERENT_PROMPTS, REPEATED_PROMPT) if pairs else ())), 0)


def read_messages(
    rows: Iterable[Document], notes: dict[str, int], *, pairs: bool, all_paths: bool, dialogue: str, turns: int | None
) -> Iterator[Document]:
    """`preferences` or `conversations` of rows."""
    if turns is not None and not dialogue:
        raise invalid("turns", turns, "are of a dialogue, whose rows option dialogue puts together; give that too")
    if not pairs:
        return conversations(rows, notes, all_paths=all_paths, dialogue=dialogue, turns=turns)
    if dialogue:
        raise invalid("dialogue", dialogue, "puts rows of conversations together, not pairs of answers; leave it out")
    return preferences(rows, notes)


def conversations(
    rows: Iterable[Document], notes: dict[str, int], *, all_paths: bool = False, dialogue: str = "", turns: int | None = None,
) -> Iterator[Document]:  # fmt: skip
    """Of rows (``Document.record``), the documents that are conversations; those with nothing to learn are counted in ``notes``.

    Trees give the path of the best-ranked replies; with ``all_paths`` all of theirs, which are then on one side of the split.
    Successive rows that have the field ``dialogue`` in common are one conversation; with ``turns`` one for every so many of them, all
    on one side of the split.

    Raises
    ------
    StudyError
        A row has no known shape, holds what is no message, or is a pair of answers to choose from.
    """
    for are_trees, part in groupby(rows, key=lambda row: is_of_tree(row.record)):
        read = (
            partial(_of_trees, all_paths=all_paths) if are_trees else partial(_of_rows, dialogue=dialogue, turns=turns)
        )
        yield from _with_answers(read(part), notes)


def preferences(rows: Iterable[Document], notes: dict[str, int]) -> Iterator[Document]:
    """Of rows, the documents that are pairs of answers. In ``notes`` are counted those that are none, since an answer or the
    prompt is missing or the two answer different prompts; and, of those that are, how many have equal answers and how many began
    both of them with the prompt, which is taken out.

    Raises
    ------
    StudyError
        A row has no known shape, holds what is no message, or is a conversation.
    """
    return _with_answers(_of_pairs(rows, notes), notes)


def _with_answers(found: _Read, notes: dict[str, int]) -> Iterator[Document]:
    for row, said in found:
        if said is None:
            notes[WITHOUT_ANSWER] += 1
        else:
            yield Document(said.text, origin=row.origin, record=row.record, conversation=said, together=row.together)


def _of_rows(rows: Iterable[Document], dialogue: str, turns: int | None) -> _Read:
    if not dialogue:
        yield from ((row, _of_row(row)) for row in rows)
        return
    for _, own in groupby(rows, key=partial(_dialogue, field=dialogue)):
        whole = list(own)
        together = whole[0].origin if turns else ""
        for start in range(0, len(whole), turns or len(whole)):
            part = whole[start : start + (turns or len(whole))]
            yield _together(part, together), _of_dialogue(part)


def _together(rows: list[Document], together: str) -> Document:
    record = {"messages": [dict(row.record) for row in rows]}
    return Document("", origin=rows[0].origin, record=record, together=together)


def _of_dialogue(rows: Iterable[Document]) -> Conversation | None:
    found = [one for one in map(_of_row, rows) if one is not None]
    messages = [message for one in found for message in one.messages if message.role != "system" or one is found[0]]
    return Conversation(tuple(messages)) if found else None


def _dialogue(row: Document, field: str) -> object:
    if field not in row.record:
        raise invalid("dialogue", field, "is not a field", choices=sorted(map(str, row.record)), file=row.origin)
    value = row.record[field]
    return row.origin if value is None else value


def _of_row(row: Document) -> Conversation | None:
    shape = shape_of(row.record, row.origin)
    read = shape.read(row.record, row.origin)
    if shape.pairs:
        why = "has answers to choose from, not conversations to learn; take rows of preferences out"
        raise invalid("shape", shape.name, f"{why}, or give {_PAIRS_OPTION}", file=row.origin)
    return read


def _of_pairs(rows: Iterable[Document], notes: dict[str, int]) -> _Read:
    for row in rows:
        shape = _shape_of_pair(row)
        try:
            read = shape.read(row.record, row.origin)
        except PromptsDiffer:
            notes[DIFFERENT_PROMPTS] += 1
            continue
        if isinstance(read, Preference):
            once = without_prompt(read)
            notes[REPEATED_PROMPT] += once != read
            notes[SAME] += once.same
            read = once
        yield row, read


def _shape_of_pair(row: Document) -> Shape:
    pairs = next(shape for shape in SHAPES if shape.pairs)
    if row.record.keys() >= pairs.fields:  # of which one may be null
        return pairs
    name = "/".join(TREE) if is_of_tree(row.record) else shape_of(row.record, row.origin).name
    why = f"is no pair of answers, which {_PAIRS_OPTION} asks for: {pairs.name}"
    raise invalid("shape", name, why, file=row.origin)


def without_prompt(pair: Preference) -> Preference:
    """``pair`` without its prompt before both answers, where a data set has put it there once more.

    It is taken for that where it ends a line or a question: a greeting may well be answered by itself.
    """
    asked = pair.prompt[-1].content
    rests = [answer.removeprefix(asked) for answer in (pair.chosen, pair.rejected)]
    if not asked or not all(answer.startswith(asked) for answer in (pair.chosen, pair.rejected)):
        return pair
    if asked[-1] not in "?？:：\n" and not all(rest.startswith("\n") for rest in rests):
        return pair
    chosen, rejected = (rest.lstrip() for rest in rests)
    return replace(pair, chosen=chosen, rejected=rejected)


def _of_trees(rows: Iterable[Document], all_paths: bool) -> _Read:
    for tree in trees(rows):
        messages, origin = [dict(row.record) for row in tree], tree[0].origin
        whole = Document("", origin=origin, record={"messages": messages}, together=origin if all_paths else "")
        found = paths(tree)
        yield whole, next(found, None)
        for another in found if all_paths else ():
            yield whole, another
