"""Copies of a page: the same, edited, cut short, or in another order. Marks stay around what they were around."""

from __future__ import annotations

import re

from studylib.data.miniworld.draw import Draw
from studylib.data.miniworld.web.marks import balanced, has_marks
from studylib.data.miniworld.web.page import Page, wordings

_ENDS = re.compile(r"(?<=\n)|(?<=。)(?!\n)")
_SWAPS = (
    ("キロメートル", "km"), ("パーセント", "％"), ("センチメートル", "cm"), ("およそ", "約"), ("また、", "そして、"), ("さらに、", "加えて、"), ("なお、", ""), ("ちなみに、", "余談だが、"),
    ("である。", "です。"), ("であった。", "でした。"), ("だった。", "でした。"), ("という。", "とのこと。"), ("ている。", "ています。"), ("された。", "されました。"), ("された", "されている"),
    ("一つ", "1つ"), ("　", " "), ("、", "，"), ("「", "『"), ("■", "◆"), ("== ", "## "), ("当時", "その頃"), ("人々", "人びと"), ("子ども", "子供"), ("とき", "時"), ("あいだ", "間"),
)  # fmt: skip
_REMARKS = wordings(
    """
    [追記|※追記]：{year}年{month}月に[一部|表記を]修正しました。
    （{year}年{month}月{day}日[更新|転載]）
    [転載元|出典|引用]：{site}
    [写真|図]は[省略|割愛][します|しました]。
    [以下|以上]、{site}より[転載|引用]。
    [読者の方|{town}の方]から[ご指摘|情報]を[いただき|頂き]ました。
    """
)
_FULL = str.maketrans("0123456789", "０１２３４５６７８９")


def segments(text: str) -> list[str]:
    """Sentences and lines of a marked text; one that would end inside marks reaches to where they close."""
    found: list[str] = []
    held = ""
    for piece in _ENDS.split(text):
        held += piece
        if balanced(held):
            if held:
                found.append(held)
            held = ""
    return found


def edited(text: str, page: Page) -> str:
    """Other words here and there, other widths of figures, a remark more; what it tells stays the same."""
    draw, pieces = page.draw, segments(text)
    rate = 0.1 + 0.2 * draw.unit()
    changed: list[str] = []
    full = draw.chance(0.2)
    for piece in pieces:
        if not has_marks(piece) and draw.chance(rate):
            swaps = [(one, other) for one, other in _SWAPS if one in piece]
            if swaps:
                piece = piece.replace(*draw.pick(swaps), 2)
            elif full:
                piece = piece.translate(_FULL)
        changed.append(piece)
    remark = page.said(_REMARKS)
    if draw.chance(0.5) or "".join(changed) == text:
        changed = [*changed, "\n" + remark] if draw.chance(0.6) else [remark + "\n", *changed]
    return "".join(changed)


def truncated(text: str, draw: Draw) -> str:
    """The first 78 to 94 parts in a hundred, cut between sentences where there is an end near, else within one."""
    pieces = segments(text)
    wanted = int(len(text) * (0.78 + 0.16 * draw.unit()))
    kept, length = [], 0
    for piece in pieces:
        if length + len(piece) > wanted:
            rest = wanted - length
            if (rest > 15 or not kept or length < 0.7 * len(text)) and not has_marks(piece):
                kept.append(piece[:rest].rstrip())
                if draw.chance(0.5):
                    kept.append(draw.pick(("…", "...", "…[続きを読む]", " [...]", "……")))
            break
        kept.append(piece)
        length += len(piece)
    return "".join(kept).rstrip()


def reordered(text: str, draw: Draw) -> str:
    """The same sentences and lines in another order: cut into two to four blocks, which change places."""
    pieces = segments(text)
    count = min(len(pieces), draw.between(2, 4))
    cuts = sorted({0, *(1 + draw.below(len(pieces) - 1) for _ in range(count - 1))}) if len(pieces) > 1 else [0]
    blocks = [pieces[start:stop] for start, stop in zip(cuts, [*cuts[1:], len(pieces)], strict=True)]
    turn = 1 + draw.below(len(blocks) - 1) if len(blocks) > 1 else 0
    lines = ["".join(block) for block in (*blocks[turn:], *blocks[:turn])]
    return "".join(block if block.endswith("\n") else block + "\n" for block in lines).strip("\n")
