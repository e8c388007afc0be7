"""The shapes in which rows of JSON lines or parquet hold conversations, told by their fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from studylib.data.chat.choices import choice_question
from studylib.data.chat.conversation import Conversation, Message, Preference, Role
from studylib.data.read.decode import tidy
from studylib.errors import StudyError, did_you_mean, invalid

Row = Mapping[str, Any]

_ROLES: dict[str, Role] = {
    "system": "system", "developer": "system",
    "user": "user", "human": "user", "prompter": "user",
    "assistant": "assistant", "gpt": "assistant", "chatgpt": "assistant", "bot": "assistant", "model": "assistant",
}  # fmt: skip


@dataclass(frozen=True)
class Shape:
    """One way to write conversations.

    Attributes
    ----------
    name
        As messages name it.
    fields
        All of them are in its rows.
    read
        From a row and where it is from: the conversation; a pair where one of two answers is preferred; None where something is
        missing, so that nothing can be learnt.
    pairs
        Whether its rows are such pairs.
    """

    name: str
    fields: frozenset[str]
    read: Callable[[Row, str], Conversation | Preference | None]
    pairs: bool = False


def shape_of(row: Row, origin: str) -> Shape:
    """The shape of a row.

    Raises
    ------
    StudyError
        Its fields are of no known shape; the message names those there are.
    """
    fitting = [shape for shape in SHAPES if shape.fields <= row.keys()]
    if not fitting:
        raise invalid(
            "fields", ", ".join(map(str, row)), "are no known shape of a conversation",
            choices=[*(shape.name for shape in SHAPES), "/".join(TREE)], file=origin,
        )  # fmt: skip
    # In a table that rows of several shapes share, those of the others are null.
    return max(fitting, key=lambda shape: sum(row[field] is not None for field in shape.fields) / len(shape.fields))


def role_of(name: Any, origin: str) -> Role:
    """Whose message it is, by any of the usual names."""
    if not isinstance(name, str) or name.casefold() not in _ROLES:
        why = f"is not a known role{did_you_mean(str(name), list(_ROLES))}"
        raise invalid("role", name, why, choices=_ROLES, file=origin)
    return _ROLES[name.casefold()]


def _conversation(messages: Sequence[Message]) -> Conversation | None:
    found = Conversation(tuple(messages))
    return found if found.has_answer else None


def _messages(listed: Any, field: str, origin: str) -> list[Message]:
    """Those of a list of ``{"role", "content"}`` or ``{"from", "value"}``; null ones and empty system messages are left out."""
    if not isinstance(listed, Sequence) or isinstance(listed, str):
        raise invalid(field, type(listed).__name__, "is not a list of messages", file=origin)
    found = []
    for one in listed:
        if not isinstance(one, Mapping):
            raise invalid(field, type(one).__name__, "is not a message, which has role and content", file=origin)
        role = role_of(one.get("role", one.get("from")), origin)
        content = _text(one.get("content", one.get("value")), field, origin)
        if content is not None and (content or role == "assistant"):
            found.append(Message(role, content))
    return found


def _text(content: Any, field: str, origin: str) -> str | None:
    """A message's text; several parts of one message (``{"type": "text", "text": ...}``) are joined."""
    if content is None:
        return None
    if isinstance(content, str):
        return tidy(content)
    parts = content if isinstance(content, Sequence) else [content]
    texts = [one.get("text") if isinstance(one, Mapping) else None for one in parts]
    if not all(isinstance(one, str) for one in texts):
        raise invalid(field, type(content).__name__, "is not the text of a message", file=origin)
    return tidy("".join(texts))


def _of_messages(row: Row, origin: str) -> Conversation | None:
    listed = row["messages"]
    return None if listed is None else _conversation(_messages(listed, "messages", origin))


def _of_sharegpt(row: Row, origin: str) -> Conversation | None:
    if row["conversations"] is None:
        return None
    system = _text(row.get("system"), "system", origin)
    first = [Message("system", system)] if system else []
    return _conversation([*first, *_messages(row["conversations"], "conversations", origin)])


def _single(question: str, answer: str) -> Callable[[Row, str], Conversation | None]:
    """Of rows with one question and one answer; ``input`` and ``context`` follow the question."""

    def read(row: Row, origin: str) -> Conversation | None:
        said = [_text(row.get(field), field, origin) for field in (question, "input", "context")]
        answered, system = (_text(row.get(field), field, origin) for field in (answer, "system"))
        asked = "\n\n".join(one for one in said if one)
        if answered is None or not asked:
            return None
        first = [Message("system", system)] if system else []
        return _conversation([*first, Message("user", asked), Message("assistant", answered)])

    return read


_CHOOSE = "{question}\n\n選択肢:\n{choices}"


def _of_choices(row: Row, origin: str) -> Conversation | None:
    """The choices stand below the question, numbered; the answer is the right one's own words, without its number."""
    if any(row.get(field) is None for field in ("question", "choices")):
        return None
    if row.get("answer_index") is None and row.get("answer") is None:
        return None
    one = choice_question(row, origin)
    choices = "\n".join(f"{number}. {choice}" for number, choice in enumerate(one.choices, 1))
    asked = _CHOOSE.format(question=tidy(one.question), choices=tidy(choices))
    return Conversation((Message("user", asked), Message("assistant", tidy(one.choices[one.right]))))


class PromptsDiffer(StudyError):
    """Two answers that are no answers to one prompt."""


def _of_preference(row: Row, origin: str) -> Preference | None:
    """``chosen`` and ``rejected`` as texts, messages, or whole conversations, which hold the prompt or its end themselves."""
    if any(row[field] is None for field in ("chosen", "rejected")):
        return None
    given = _prompt(row, origin)
    (first, chosen), (second, rejected) = (_answer(row, field, given, origin) for field in ("chosen", "rejected"))
    if first != second:
        raise PromptsDiffer(f"{origin}: chosen and rejected answer different prompts")
    if not first and not row.keys() & set(_PROMPTS):
        why = "have no prompt beside chosen and rejected, nor is it in them"
        raise invalid("fields", ", ".join(map(str, row)), why, choices=_PROMPTS, file=origin)
    return Preference(first, chosen, rejected) if any(one.role != "system" for one in first) else None


def _answer(row: Row, field: str, given: tuple[Message, ...], origin: str) -> tuple[tuple[Message, ...], str]:
    """What is asked, ``given`` what the row's other fields say of it, and the answer."""
    content = row[field]
    if isinstance(content, str):
        return given, tidy(content)
    *own, answer = _messages([content] if isinstance(content, Mapping) else content, field, origin) or (None,)
    if answer is None or answer.role != "assistant":
        raise invalid(field, field, "does not end with an answer of the assistant", file=origin)
    return _continued(given, tuple(own)), answer.content


def _continued(given: tuple[Message, ...], own: tuple[Message, ...]) -> tuple[Message, ...]:
    """``given`` with ``own`` behind it; what both say is said once (reward-bench issue 140: it was there twice)."""
    if set(given) <= set(own):
        return own
    shared = next(size for size in range(min(len(given), len(own)), -1, -1) if given[len(given) - size :] == own[:size])
    return (*given, *own[shared:])


def _prompt(row: Row, origin: str) -> tuple[Message, ...]:
    """What is asked before two answers, so far as it is in fields of its own."""
    system = _text(row.get("system"), "system", origin)
    first = [Message("system", system)] if system else []
    field = next((one for one in _PROMPTS if row.get(one) is not None), "prompt")
    if not isinstance(row.get(field), str | None):
        return (*first, *_messages(row[field], field, origin))
    said = [_text(row.get(one), one, origin) for one in (field, "input", "context")]
    asked = "\n\n".join(one for one in said if one)
    return (*first, *([Message("user", asked)] if asked else []))


_PROMPTS = ("prompt", "question", "instruction", "conversations")


def _fields(*names: str) -> frozenset[str]:
    return frozenset(names)


# The first whose fields are there: a row of preferences may have others' fields too.
SHAPES = (
    Shape("prompt/chosen/rejected", _fields("chosen", "rejected"), _of_preference, pairs=True),
    Shape("messages", _fields("messages"), _of_messages),
    Shape("conversations (ShareGPT)", _fields("conversations"), _of_sharegpt),
    Shape("instruction/input/output", _fields("instruction", "output"), _single("instruction", "output")),
    Shape("instruction/context/response", _fields("instruction", "response"), _single("instruction", "response")),
    Shape("prompt/completion", _fields("prompt", "completion"), _single("prompt", "completion")),
    Shape("prompt/response", _fields("prompt", "response"), _single("prompt", "response")),
    Shape("question/choices/answer_index", _fields("question", "choices", "answer_index"), _of_choices),
    Shape("question/choices/answer", _fields("question", "choices", "answer"), _of_choices),
)
TREE = ("message_id", "parent_id", "role", "text")
"""Fields of a message of a tree (oasst): many rows make one conversation, see ``studylib.data.chat.trees``."""
TRANSLATED = "text_ja"  # beside the original's text, or in its place (oasst1-89k-ja)


def is_of_tree(row: Row) -> bool:
    return set(TREE[:-1]) <= row.keys() and bool({TREE[-1], TRANSLATED} & row.keys())
