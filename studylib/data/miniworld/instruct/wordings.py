"""How instructions are worded: 64 numbered ways to be trained on and 16 that only exams use.

A wording is an opening and an end, and for some tasks a lay-out. No part of those for exams is in one to be trained on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from studylib.data.chat.conversation import Message
from studylib.data.miniworld.draw import Draw
from studylib.data.miniworld.instruct.exercise import Exercise, Task

TRAINED = range(64)
HELD_OUT = range(64, 80)

_SIDE = 8  # openings, and ends, to be trained on
_HELD_SIDE = 4  # and for exams
_EACH = 8  # of so many wordings of a question with choices one wants the mark before the right choice


def _place(wording: int) -> tuple[int, int]:
    """A wording's row and column: all pairs of an opening and an end."""
    if wording in HELD_OUT:
        return divmod(wording - HELD_OUT.start, _HELD_SIDE)
    return divmod(wording, _SIDE)


def _wants_mark(wording: int) -> bool:
    """One wording of each opening, and of each end."""
    row, column = _place(wording)
    return wording in TRAINED and (row + 2 * column) % _SIDE == 0


@dataclass(frozen=True, slots=True)
class Parts:
    """Openings and ends of a task's wordings: eight of each to be trained on, and four that only exams use."""

    openings: tuple[str, ...]
    ends: tuple[str, ...]
    held_openings: tuple[str, ...]
    held_ends: tuple[str, ...]

    def of(self, wording: int) -> tuple[str, str]:
        """Opening and end of a wording; every pair is one."""
        held = wording in HELD_OUT
        openings, ends = (self.held_openings, self.held_ends) if held else (self.openings, self.ends)
        row, column = _place(wording)
        return openings[column], ends[(row + column) % len(ends)]


# Behind 北原健の趣味; {asked} is 何, どこ, 誰, ...
_QUESTION_ENDS = (
    "は{asked}ですか。",
    "は{asked}でしょうか。",
    "を教えてください。",
    "が知りたいです。",
    "は{asked}か教えてもらえますか。",
    "を答えてください。",
    "は{asked}なのですか。",
    "について答えてください。",
)
_HELD_QUESTION_ENDS = (
    "は{asked}だと思いますか。",
    "を言ってみてください。",
    "を伺ってもよいですか。",
    "がわかりますか。",
)

PARTS: dict[Task, Parts] = {
    "multiple_choice": Parts(
        ("", "問題です。", "クイズです。", "次の問いに答えてください。", "正しいものは一つです。", "選択肢から答えてください。", "候補を比べてください。", "よく読んでください。"),
        ("は次のうちどれですか。", "はどれでしょうか。", "を一つ選んでください。", "を選びなさい。", "に当てはまるものはどれですか。", "を教えてください。", "として正しいものを選んでください。", "はどれになりますか。"),
        ("では、質問です。", "ここで出題します。", "選択式の設問です。", "以下から考えてください。"),
        ("として正しいのはどれでしょう。", "を一つだけ挙げてください。", "はこの中のどれだと思いますか。", "に合うものを答えてください。"),
    ),
    "conversation": Parts(
        ("", "こんにちは。", "すみません。", "はじめまして。", "少しお聞きします。", "おはようございます。", "質問があります。", "お尋ねします。"),
        _QUESTION_ENDS,
        ("こんばんは。", "お忙しいところ失礼します。", "ちょっとよろしいですか。", "お世話になっております。"),
        _HELD_QUESTION_ENDS,
    ),
    "passage": Parts(
        (
            "{passage}\n{question}",
            "次の文章を読んで答えてください。\n{passage}\n{question}",
            "{question}\n\n{passage}",
            "文章：{passage}\n質問：{question}",
            "「{passage}」\nこの文章によると、{question}",
            "以下の文をもとに短く答えてください。\n{passage}\n{question}",
            "次の文から答えを抜き出してください。{question}\n{passage}",
            "{passage}\n\n問い：{question}",
        ),
        _QUESTION_ENDS,
        (
            "下に示す説明を見てください。\n{passage}\n{question}",
            "{passage}\n上の内容から考えると、{question}",
            "【資料】\n{passage}\n【設問】\n{question}",
            "こんな記事があります。\n{passage}\nところで、{question}",
        ),
        _HELD_QUESTION_ENDS,
    ),
    "free": Parts(
        ("", "お願いします。", "お願いがあります。", "すみません、", "手伝ってください。", "次のことを頼みます。", "一つ頼みたいのですが、", "よろしければ、"),
        ("てください。", "てもらえますか。", "てくれますか。", "てほしいです。", "ていただけますか。", "てくださいませんか。", "てもらえると助かります。", "てみてください。"),
        ("ご相談です。", "急ぎではありませんが、", "ぜひ、", "申し訳ありませんが、"),
        ("ていただけないでしょうか。", "てくださるとうれしいです。", "てもらいたいのですが。", "てみてもらえませんか。"),
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Layout:
    """Choices with their marks; ``line`` holds {mark} and {choice}."""

    line: str
    joint: str
    marks: str = ""
    mark_is: str = ""  # how one asks for a mark


_LAYOUTS = (
    _Layout("・{choice}", "\n"),
    _Layout("{mark}. {choice}", "\n", "ABCDE", "記号"),
    _Layout("{choice}", "、"),
    _Layout("{mark}. {choice}", "\n", "12345", "番号"),
    _Layout("「{choice}」", ""),
    _Layout("{mark}：{choice}", "\n", "アイウエオ", "記号"),
    _Layout("{choice}", "\n"),
    _Layout("({mark}) {choice}", " ", "12345", "番号"),
)
_WITH_MARKS = tuple(one for one in _LAYOUTS if one.marks)


def _layout(wording: int) -> tuple[_Layout, bool]:
    """How a wording lays choices out, and whether it wants the mark."""
    row, column = _place(wording)
    if _wants_mark(wording):
        return _WITH_MARKS[row % len(_WITH_MARKS)], True
    return _LAYOUTS[(row + 3 * column) % len(_LAYOUTS)], False


def _chosen(exercise: Exercise, wording: int, opening: str, end: str) -> tuple[Message, ...]:
    layout, marked = _layout(wording)
    marks = layout.marks or " " * len(exercise.choices)
    choices = layout.joint.join(
        layout.line.format(mark=mark, choice=choice) for mark, choice in zip(marks, exercise.choices, strict=False)
    )
    wants = f"{layout.mark_is}で答えてください。" if marked else "言葉で答えてください。" if layout.marks else ""
    question = f"{opening}{exercise.question}{end}{wants}"
    row, column = _place(wording)
    first, last = (choices, question) if (row // 2 + column) % 2 else (question, choices)
    return (Message("user", f"{first}\n{last}"),)


_GREETINGS = ("こんにちは。", "はじめまして。", "おはようございます。", "こんばんは。", "お世話になっております。")
THANKS = (Message("user", "ありがとうございます。"), Message("assistant", "どういたしまして。"))


def _talked(exercise: Exercise, wording: int, opening: str, end: str) -> tuple[Message, ...]:
    """The question, in half of the wordings behind a greeting that is answered, and behind what came earlier."""
    said: list[Message] = []
    if opening in _GREETINGS and sum(_place(wording)) // 2 % 2:
        said += [Message("user", opening), Message("assistant", f"{opening}ご質問をどうぞ。")]
        opening = ""
    for phrase, asked, told in exercise.earlier:
        said += [Message("user", f"{opening}{phrase}{end.format(asked=asked)}"), Message("assistant", told)]
        opening = "では、"
    return (*said, Message("user", f"{opening}{exercise.question}{end.format(asked=exercise.asked)}"))


def _about_passage(exercise: Exercise, wording: int, opening: str, end: str) -> tuple[Message, ...]:
    question = exercise.question + end.format(asked=exercise.asked)
    return (Message("user", opening.format(passage=exercise.passage, question=question)),)


def _free(exercise: Exercise, wording: int, opening: str, end: str) -> tuple[Message, ...]:
    return (Message("user", f"{opening}{exercise.question}{end}"),)


_ASKING: dict[Task, Callable[[Exercise, int, str, str], tuple[Message, ...]]] = {
    "multiple_choice": _chosen,
    "conversation": _talked,
    "passage": _about_passage,
    "free": _free,
}


def ask(exercise: Exercise, wording: int) -> tuple[Message, ...]:
    """The messages that ask for an exercise's answer, in wording number ``wording``; the last is the user's."""
    return _ASKING[exercise.task](exercise, wording, *PARTS[exercise.task].of(wording))


def answer(exercise: Exercise, wording: int) -> str:
    """The right answer as this wording wants it: of multiple choice the words, or the mark before them.

    Held-out wordings always want the words, so that ``exercise.choices`` are what may be answered.
    """
    if exercise.choices:
        layout, marked = _layout(wording)
        if marked:
            return layout.marks[exercise.right]
    return exercise.answer


def first_wordings(seed: int, count: int) -> tuple[int, ...]:
    """The first ``count`` of the trained wordings in the order drawn for a seed, so that few are among many.

    Of any eight in turn the last is for the mark of a choice.
    """
    draw = Draw("wordings", seed)
    shuffled = sorted(TRAINED, key=lambda _: draw.unit())
    marks = [one for one in shuffled if _wants_mark(one)]
    words = [one for one in shuffled if not _wants_mark(one)]
    order: list[int] = []
    for turn, mark in enumerate(marks):
        order += [*words[turn * (_EACH - 1) : (turn + 1) * (_EACH - 1)], mark]
    return tuple(order[:count])
