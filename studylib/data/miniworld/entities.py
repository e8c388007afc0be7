"""What there is in the world. References to others are indices into the world's lists; names are (Japanese, English)
pairs."""

from __future__ import annotations

from dataclasses import dataclass, field

from studylib.data.miniworld.words import Pair


@dataclass(slots=True)
class Town:
    index: int
    name: Pair  # with 市, 町 or 村 in Japanese
    bare: Pair
    kana: str
    rank: Pair  # (市, city) ...
    region: int
    x: int  # kilometres east of the world's south-west corner
    y: int
    population: int
    founded: int
    height: int  # metres above the sea
    field: int
    feature: int
    festival_month: int
    festival: int
    festival_since: int
    near: tuple[int, ...] = ()  # the nearest other towns, nearest first
    products: tuple[Pair, ...] = ()


@dataclass(slots=True)
class Person:
    index: int
    name: Pair
    family: Pair
    given: Pair
    kana: str
    woman: bool
    born: int
    month: int
    day: int
    died: int  # 0: alive
    town: int
    field: int
    thing: int
    topic: int
    trait: int
    hobby: int
    school: int
    siblings: int
    child_rank: int
    mentor: int
    firm: int
    joined: int
    award: int
    award_year: int
    home: int
    works: list[int] = field(default_factory=list)
    pupils: list[int] = field(default_factory=list)


@dataclass(slots=True)
class School:
    index: int
    name: Pair
    town: int
    founded: int
    pupils: int
    fields: tuple[int, int]


@dataclass(slots=True)
class Firm:
    index: int
    name: Pair
    founder: int
    founded: int
    town: int
    products: tuple[Pair, ...]
    first_staff: int
    staff: int
    revenue: int  # million yen
    growth: int  # percent, over the year before
    moved: int
    second_town: int
    partner: int


@dataclass(slots=True)
class Species:
    index: int
    kind: str
    name: Pair
    latin: str
    region: int
    town: int
    low: int  # size in centimetres
    high: int
    colour: int
    second_colour: int
    habitat: int
    food: int
    month: int
    months: int
    described: int
    finder: int
    relative: int
    endangered: bool
    count: int


@dataclass(slots=True)
class Work:
    index: int
    name: Pair
    author: int
    year: int
    genre: int
    theme: int
    pages: int
    copies: int
    firm: int
    town: int
    hero: int
    award: int  # -1: none
    reprint: int


@dataclass(slots=True)
class Feature:
    index: int
    kind: str  # river, mountain, lake
    name: Pair
    kana: str
    region: int
    measure: int  # river: length in km; mountain: height in m; lake: depth in m
    area: int  # river basin or lake surface in square kilometres
    town: int
    second_town: int
    explorer: int
    explored: int
    species: int


@dataclass(slots=True)
class Event:
    index: int
    kind: str  # expo, flood, match, opening
    name: Pair
    town: int
    year: int
    month: int
    day: int
    days: int
    visitors: int
    person: int
    firm: int
    other_town: int
    cost: int  # million yen
    score: tuple[int, int]
