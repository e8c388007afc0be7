"""Articles in Japanese."""

from __future__ import annotations

from studylib.data.miniworld.article import Articles, Style
from studylib.data.miniworld.wording import ja_nature, ja_people, ja_places

__all__ = ["JA"]

_HEADINGS = {
    "early": ("生い立ち", "■生い立ち", "== 出生 ==", "幼少期"),
    "study": ("学生時代", "== 学業 ==", "■修業"),
    "career": ("経歴", "== 経歴 ==", "■活動", "業績"),
    "works": ("著作", "== 主な作品 ==", "■著作"),
    "life": ("人物", "== 人物 ==", "■人柄"),
    "about": ("概要", "== 概要 ==", "■内容"),
    "making": ("成立", "== 執筆の経緯 ==", "■刊行"),
    "reception": ("評価", "== 評価 ==", "■反響"),
    "place": ("地理", "== 地理 ==", "■位置"),
    "history": ("歴史", "== 歴史 ==", "■沿革"),
    "economy": ("産業", "== 経済 ==", "■産業"),
    "culture": ("文化", "== 祭りと文化 ==", "■名物"),
    "business": ("事業", "== 事業内容 ==", "■業績"),
    "ecology": ("生態", "== 生態 ==", "■暮らし"),
    "form": ("形態", "== 特徴 ==", "■姿"),
    "human": ("人との関わり", "== 保護 ==", "■発見"),
    "course": ("経過", "== 経過 ==", "■概要"),
    "after": ("その後", "== 影響 ==", "■記念"),
}

_LINKS = ("また、", "さらに、", "なお、", "このほか、", "ちなみに、")

JA = Articles(
    "ja", Style(lang=0, joint="", links=_LINKS, openers=(), headings=_HEADINGS), (ja_people, ja_places, ja_nature)
)
