"""The world: a few thousand entities whose facts fit together (founders are grown up, pupils younger than mentors)."""

from __future__ import annotations

from functools import lru_cache
from math import hypot

from studylib.data.miniworld import words as w
from studylib.data.miniworld.draw import Draw
from studylib.data.miniworld.entities import Event, Feature, Firm, Person, School, Species, Town, Work
from studylib.data.miniworld.naming import Names
from studylib.data.miniworld.words import Pair

NOW = 2020
SIZES = {
    "region": 16, "town": 420, "feature": 260, "school": 130, "person": 3000, "firm": 700, "work": 1400, "species": 700, "event": 700,
}  # fmt: skip


class World:
    """All entities of one seed, by kind: ``towns``, ``people``, ``schools``, ``firms``, ``works``, ``species``,
    ``features``, ``events``; ``regions`` are names.

    Parameters
    ----------
    seed
        Another seed, another world.
    """

    def __init__(self, seed: int):
        self.seed = seed
        draw = Draw("world", seed)
        names = Names(draw)
        self.regions: list[Pair] = []
        for _ in range(SIZES["region"]):
            bare, _ = names.place()
            self.regions.append((f"{bare[0]}県", f"{bare[1]} Prefecture"))
        self.towns = [_town(index, draw, names) for index in range(SIZES["town"])]
        for town in self.towns:
            town.near = self._nearest(town)
        self.people: list[Person] = []
        self.schools = [self._school(index, draw, names) for index in range(SIZES["school"])]
        for index in range(SIZES["person"]):
            self.people.append(self._person(index, draw, names))
        self.firms = [self._firm(index, draw, names) for index in range(SIZES["firm"])]
        self._employ(draw)
        self.works = [self._work(index, draw, names) for index in range(SIZES["work"])]
        self.species = [self._species(index, draw, names) for index in range(SIZES["species"])]
        self.features = [self._feature(index, draw, names) for index in range(SIZES["feature"])]
        self.events = [self._event(index, draw, names) for index in range(SIZES["event"])]

    def distance(self, one: int, other: int) -> int:
        """Whole kilometres between two towns."""
        a, b = self.towns[one], self.towns[other]
        return max(1, round(hypot(a.x - b.x, a.y - b.y)))

    def _nearest(self, town: Town) -> tuple[int, ...]:
        order = sorted(self.towns, key=lambda other: (other.x - town.x) ** 2 + (other.y - town.y) ** 2)
        return tuple(other.index for other in order[1:4])

    def _school(self, index: int, draw: Draw, names: Names) -> School:
        while True:
            town = draw.pick(self.towns)
            kind = draw.pick(
                (
                    ("大学", "University"),
                    ("工業学校", "Technical School"),
                    ("師範学校", "Normal School"),
                    ("専門学校", "College"),
                    ("美術学校", "School of Art"),
                )
            )
            name = names.fresh_pair(town.bare[0] + kind[0], f"{town.bare[1]} {kind[1]}")
            if name:
                fields = (draw.below(len(w.FIELDS)), draw.below(len(w.FIELDS)))
                return School(index, name, town.index, draw.between(1850, 1890), draw.between(12, 900) * 10, fields)

    def _person(self, index: int, draw: Draw, names: Names) -> Person:
        woman = draw.chance(0.45)
        family, given, kana = names.person(woman)
        born = draw.between(1872, 1992)
        died = born + draw.between(58, 97)
        field = draw.below(len(w.FIELDS))
        # A pupil finds a mentor among those already there, of the same field where one is old enough.
        mentor = -1
        for _ in range(12 if self.people else 0):
            other = draw.pick(self.people)
            if 12 <= born - other.born <= 45 and (other.died == 0 or other.died > born + 24):
                mentor = other.index
                field = other.field
                break
        children = draw.between(2, 7)
        person = Person(
            index=index, name=(family[0] + given[0], f"{given[1]} {family[1]}"), family=family, given=given, kana=kana,
            woman=woman, born=born, month=draw.below(12), day=draw.between(1, 28), died=died if died < NOW else 0,
            town=draw.below(len(self.towns)), field=field, thing=draw.below(6), topic=draw.below(3),
            trait=draw.below(len(w.TRAITS)), hobby=draw.below(len(w.HOBBIES)), school=draw.below(len(self.schools)),
            siblings=children, child_rank=draw.between(1, children), mentor=mentor, firm=-1, joined=born + draw.between(22, 27),
            award=draw.below(len(w.AWARDS)), award_year=min(born + draw.between(34, 57), NOW - 1), home=draw.below(len(self.towns)),
        )  # fmt: skip
        if mentor >= 0:
            self.people[mentor].pupils.append(index)
        return person

    def _firm(self, index: int, draw: Draw, names: Names) -> Firm:
        while True:
            founder = draw.pick(self.people)
            if founder.born < 1980:
                break
        town = founder.town if draw.chance(0.5) else draw.below(len(self.towns))
        name = None
        while name is None:
            trade = draw.pick(
                (
                    ("製作所", "Works"),
                    ("工業", "Industries"),
                    ("商会", "Trading"),
                    ("出版", "Press"),
                    ("化学", "Chemicals"),
                    ("電機", "Electric"),
                    ("食品", "Foods"),
                    ("紡績", "Spinning"),
                )
            )
            head = founder.family if draw.chance(0.3) else self.towns[town].bare if draw.chance(0.4) else names.coined()
            name = names.fresh_pair(head[0] + trade[0], f"{head[1]} {trade[1]}")
        founded = founder.born + draw.between(24, 38)
        first = draw.between(3, 40)
        return Firm(
            index=index, name=name, founder=founder.index, founded=founded, town=town, first_staff=first,
            products=names.products(3), staff=first * draw.between(3, 90),
            revenue=draw.between(8, 900) * 10, growth=draw.between(-12, 25), moved=min(founded + draw.between(8, 30), NOW - 1),
            second_town=draw.below(len(self.towns)), partner=draw.below(SIZES["firm"]),
        )  # fmt: skip

    def _employ(self, draw: Draw) -> None:
        """Give everyone a firm that existed when they joined it."""
        by_year = sorted(self.firms, key=lambda firm: firm.founded)
        for person in self.people:
            old_enough = [firm for firm in by_year if firm.founded <= person.joined]
            if old_enough:
                person.firm = draw.pick(old_enough).index

    def _work(self, index: int, draw: Draw, names: Names) -> Work:
        author = self.people[Draw("author", self.seed, index).below(SIZES["person"] // 4)]
        town = draw.below(len(self.towns))
        last = min(author.died or NOW - 1, author.born + 70)
        year = min(author.born + draw.between(24, 64), last)
        title = names.title(self.towns[town].bare, w.FIELDS[author.field].things[author.thing])
        author.works.append(index)
        return Work(
            index=index, name=title, author=author.index, year=year, genre=draw.below(len(w.GENRES)),
            theme=draw.below(len(w.THEMES)), pages=draw.between(48, 640), copies=draw.between(5, 400) * 100,
            firm=draw.below(len(self.firms)), town=town, hero=draw.below(len(w.FIELDS)),
            award=draw.below(len(w.AWARDS)) if draw.chance(0.3) else -1, reprint=min(year + draw.between(3, 40), NOW),
        )  # fmt: skip

    def _species(self, index: int, draw: Draw, names: Names) -> Species:
        kind = draw.pick(tuple(w.SPECIES_KINDS))
        low = draw.between(1, 60)
        finder = draw.below(len(self.people))
        town = draw.below(len(self.towns))
        return Species(
            index=index, kind=kind, name=names.species(kind), latin=names.latin(), region=self.towns[town].region, town=town,
            low=low, high=low + draw.between(1, 2 + low // 2), colour=draw.below(len(w.COLOURS)),
            second_colour=draw.below(len(w.COLOURS)), habitat=draw.below(len(w.HABITATS)), food=draw.below(4),
            month=draw.below(12), months=draw.between(1, 4), described=min(self.people[finder].born + draw.between(23, 50), NOW),
            finder=finder, relative=draw.below(SIZES["species"]), endangered=draw.chance(0.4), count=draw.between(3, 300) * 10,
        )  # fmt: skip

    def _feature(self, index: int, draw: Draw, names: Names) -> Feature:
        kind = draw.pick(("river", "mountain", "lake"))
        name, kana = names.feature(kind)
        town = draw.pick(self.towns)
        town.feature = index
        explorer = draw.pick(self.people)
        low, high = {"river": (18, 340), "mountain": (320, 3100), "lake": (6, 390)}[kind]
        return Feature(
            index=index, kind=kind, name=name, kana=kana, region=town.region, measure=draw.between(low, high),
            area=draw.between(12, 2400), town=town.index, second_town=town.near[0], explorer=explorer.index,
            explored=min(explorer.born + draw.between(22, 55), NOW), species=draw.below(len(self.species)),
        )  # fmt: skip

    def _event(self, index: int, draw: Draw, names: Names) -> Event:
        kind = draw.pick(("expo", "flood", "match", "opening"))
        town = draw.below(len(self.towns))
        person = draw.pick(self.people)
        year = min(person.born + draw.between(25, 55), NOW)
        bare = self.towns[town].bare
        other = self.towns[town].near[draw.below(3)]
        field = w.FIELDS[draw.below(len(w.FIELDS))]
        second = self.towns[other].bare
        name = {
            "expo": (f"{bare[0]}{field.name[0]}博覧会", f"{bare[1]} {field.name[1].title()} Exposition"),
            "flood": (f"{year}年{bare[0]}水害", f"{bare[1]} flood of {year}"),
            "match": (
                f"第{index % 60 + 2}回{bare[0]}・{second[0]}対抗戦",
                f"{bare[1]}-{second[1]} match no. {index % 60 + 2}",
            ),
            "opening": (f"{bare[0]}・{second[0]}線", f"{bare[1]}-{second[1]} Line"),
        }[kind]
        low = draw.between(0, 6)
        return Event(
            index=index, kind=kind, name=name, town=town, year=year, month=draw.below(12), day=draw.between(1, 28),
            days=draw.between(2, 60), visitors=draw.between(3, 900) * 100, person=person.index,
            firm=draw.below(len(self.firms)), other_town=other, cost=draw.between(2, 900) * 10,
            score=(low + draw.between(1, 5), low),
        )  # fmt: skip


def _town(index: int, draw: Draw, names: Names) -> Town:
    bare, kana = names.place()
    population = int(900 * 300 ** draw.unit()) + draw.below(100)
    rank = ("市", "city") if population > 40_000 else ("町", "town") if population > 6_000 else ("村", "village")
    return Town(
        index=index, name=(bare[0] + rank[0], bare[1]), bare=bare, kana=kana, rank=rank, region=draw.below(SIZES["region"]),
        x=draw.below(900), y=draw.below(600), population=population, founded=draw.between(1868, 1960), height=draw.between(2, 900),
        field=draw.below(len(w.FIELDS)), feature=-1, festival_month=draw.below(12), festival=draw.below(len(w.FESTIVALS)),
        festival_since=draw.between(1600, 1990), products=names.products(2),
    )  # fmt: skip


@lru_cache(maxsize=4)
def world_of(seed: int) -> World:
    """The world of ``seed``; made once per process (about 0.2 s)."""
    return World(seed)
