"""What the tasks of JGLUE have in common (Kurihara et al. 2022, aclanthology.org/2022.lrec-1.317): evaluation only.

Their files are the user's own copies, as github.com/yahoojapan/JGLUE publishes them. They are read here, past sources and gate, and
nothing of them becomes a document: a source that holds them is refused by ``studylib.data.guard``.
"""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from studylib.data.chat.conversation import Message
from studylib.errors import invalid
from studylib.frozen import Frozen, Positive
from studylib.train.benchmark import Benchmark

if TYPE_CHECKING:
    from studylib.spec import TrialSpec
    from studylib.train.benchmark._harness import HarnessTask
    from studylib.train.trained import Trained

Prompt = Literal["plain-1", "bare-1"]


@dataclass(frozen=True)
class Question:
    """An item as it is asked.

    Attributes
    ----------
    item
        The task and the row's number: what is kept of it (rows, files of the harness) is known by that to the gate.
    choices
        What may be answered; none where the answer is written.
    right
        A place among the choices, a number, or all right answers: what the task has.
    """

    item: str
    prompt: tuple[Message, ...]
    choices: tuple[str, ...]
    right: Any


class Jglue(Benchmark, ABC):
    """One of JGLUE's tasks, without examples, in the words of ``_words``, through the trial's chat template.

    Attributes
    ----------
    _name
        As the task is called in messages.
    _fields
        What each of its rows has.
    _words
        What is asked, by the version of the prompt: fields of the row in braces. Words of a version never change.
    """

    kept_out = True
    _name: ClassVar[str]
    _fields: ClassVar[tuple[str, ...]]
    _words: ClassVar[Mapping[str, str]]
    _tokens_each: ClassVar[int] = 250  # of an item, about
    _seen: tuple[Question, ...] | None = None

    class Options(Frozen):
        path: str = Field(description="your own copy of a file of the task, as JGLUE publishes it")
        prompt: Prompt = Field(default="plain-1", description="version of the words in which is asked")
        count: Positive | None = Field(default=None, description="so many items, a sample by hash; default: all")

    options: Options

    def check(self) -> None:
        self.questions()

    def tokens(self, trial: TrialSpec) -> float:
        return len(self.questions()) * min(self._tokens_each, 6 * trial.model.seq_len)

    def questions(self) -> list[Question]:
        """The items, in an order by hash, so that the first ones are a sample of all.

        Raises
        ------
        StudyError
            The file cannot be read, or holds something else.
        """
        if self._seen is None:
            path = Path(self.options.path)
            read = [self._question(row, origin) for row, origin in self._rows(path)]
            if not read:
                raise invalid("evaluation.path", str(path), "has no rows")
            read.sort(key=lambda one: hashlib.blake2b(one.item.encode(), digest_size=8).digest())
            # Rows that are kept say by this what they are of: the gate knows such numbers.
            self._seen = tuple(replace(one, item=f"{self._name.lower()}-{one.item}") for one in read)
        return list(self._seen[: self.options.count])

    def for_harness(self, trained: Trained) -> HarnessTask:
        from studylib.train.benchmark._harness import HarnessTask

        return HarnessTask(self._harness_scores, tuple(self.questions()), self._max_tokens)

    _harness_scores: ClassVar[str]  # which function of `_scores` judges an item
    _max_tokens: ClassVar[int] = 0

    def _rows(self, path: Path) -> Iterable[tuple[Mapping[str, Any], str]]:
        """Rows and where they are from; of JSON lines."""
        for number, line in enumerate(_text(path).splitlines(), 1):
            if line.strip():
                yield self._checked(_json(line, f"{path} line {number}"), f"{path} line {number}")

    def _checked(self, row: Any, origin: str) -> tuple[Mapping[str, Any], str]:
        if not isinstance(row, dict) or not set(self._fields) <= row.keys():
            found = ", ".join(map(str, row)) if isinstance(row, dict) else type(row).__name__
            why = f"are not those of {self._name}, which has {', '.join(self._fields)}"
            raise invalid("fields", found, why, file=origin)
        return row, origin

    def _asked(self, row: Mapping[str, Any]) -> tuple[Message, ...]:
        return (Message("user", self._words[self.options.prompt].format(**row)),)

    @abstractmethod
    def _question(self, row: Mapping[str, Any], origin: str) -> Question: ...


def read_json_file(path: Path) -> Any:
    return _json(_text(path), str(path))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise invalid("evaluation.path", str(path), f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise invalid("evaluation.path", str(path), f"is not UTF-8 at byte {error.start}") from None


def _json(text: str, origin: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise invalid("evaluation.path", origin, f"is not JSON: {error.msg} at character {error.pos}") from None
