"""What can be asked of an entity: how the question names it, and what kind of thing the answer is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Relation:
    """One thing that is known of the entities of a kind.

    Attributes
    ----------
    kind, slot
        Of which entities; the slot of the articles' sentences that holds the answer, and the relation in a fact's name.
    joint, noun
        ``{name}`` + の + 趣味: as a noun phrase, and without the name where it is clear whose.
    asked
        The word that asks for it.
    unit
        Behind the answer.
    group
        Answers of different groups cannot be taken for each other: nobody's home is a prize.
    chosen
        Whether wrong answers from other entities say nothing by their form; not so where a firm bears its founder's name.
    few
        Whether there are few different answers, words that articles tell again and again.
    """

    kind: str
    slot: str
    joint: str
    noun: str
    asked: str
    group: str
    unit: str = ""
    chosen: bool = False
    few: bool = False

    def fact(self, entity: int) -> str:
        """As in the documents' labels."""
        return f"{self.kind}/{entity}/{self.slot}"


# slot | joint | noun | asked | group | unit; before the slot * where it may be asked with choices of its own kind, and = where it has
# few different answers.
_TABLE = """
person
*= award | が | 受けた賞 | 何 | award
*= hobby | の | 趣味 | 何 | pursuit
* town | が | 生まれた町 | どこ | place
*= job | の | 職業 | 何 | job
* school | が | 学んだ学校 | どこ | place
firm | が | 入った会社 | どこ | place
mentor | の | 師 | 誰 | person
born | が | 生まれた年 | いつ | number | 年
siblings | の | きょうだいの数 | 何人 | number | 人
town
*= region | が | ある県 | どこ | place
*= food | の | 郷土の味 | 何 | dish
*= field | の | 主な産業 | 何 | pursuit
festival | の | 祭り | 何 | festival
founded | が | 発足した年 | いつ | number | 年
height | の | 標高 | 何メートル | number | メートル
firm
founder | の | 創業者 | 誰 | person
town | の | 本社がある町 | どこ | place
founded | の | 創業の年 | いつ | number | 年
first_staff | の | 創業時の従業員の数 | 何人 | number | 人
work
*= genre | の | 種類 | 何 | book
*= theme | の | 主題 | 何 | theme
*= hero | の | 主人公の職業 | 何 | job
author | の | 著者 | 誰 | person
firm | を | 刊行した会社 | どこ | place
town | の | 舞台 | どこ | place
year | が | 発表された年 | いつ | number | 年
pages | の | ページ数 | いくつ | number | ページ
chapters | の | 章の数 | いくつ | number | 章
shows | が | 上演された回数 | 何回 | number | 回
species
*= colour | の | {part}の色 | 何 | colour
*= habitat | が | すむ場所 | どこ | place
*= region | が | 分布する県 | どこ | place
finder | を | 発見した人 | 誰 | person
described | が | 報告された年 | いつ | number | 年
eggs | が | 一度に残す{egg_name}の数 | いくつ | number | 個
feature
*= region | が | ある県 | どこ | place
*= use | の | 使い道 | 何 | pursuit
explorer | を | 最初に調査した人 | 誰 | person
explored | が | 最初に調査された年 | いつ | number | 年
survey | の | 調査にかかった年数 | 何年 | number | 年
event
town | が | あった町 | どこ | place
days | の | 続いた日数 | 何日 | number | 日
visitors | を | 訪れた人の数 | 何人 | number | 人
houses | で | 浸水した家の数 | 何戸 | number | 戸
cost | の | 建設費 | いくら | number | 百万円
"""


def _parsed() -> tuple[Relation, ...]:
    found, kind = [], ""
    for line in _TABLE.strip().splitlines():
        slot, *rest = (one.strip() for one in line.split("|"))
        if not rest:
            kind = slot
            continue
        joint, noun, asked, group, *unit = rest
        flags, _, name = slot.rpartition(" ")
        found.append(Relation(kind, name, joint, noun, asked, group, "".join(unit), "*" in flags, "=" in flags))
    return tuple(found)


RELATIONS = _parsed()
