"""Names by composition, each unique in its kind, readable in both languages."""

from __future__ import annotations

from studylib.data.miniworld import morphemes as m
from studylib.data.miniworld.draw import Draw
from studylib.data.miniworld.kana import romaji
from studylib.data.miniworld.words import MATERIALS, QUALITIES, THINGS, TITLE_HEADS, TITLE_TAILS, Pair


class Names:
    """Draws names and never gives the same one twice."""

    def __init__(self, draw: Draw):
        self._draw = draw
        self._taken: set[str] = set()

    def _fresh(self, name: str) -> bool:
        if name in self._taken:
            return False
        self._taken.add(name)
        return True

    def _joined(self, *lists: list[m.Part]) -> tuple[str, str]:
        """Kanji and reading of one part from each list; parts of one name differ."""
        while True:
            chosen = [self._draw.pick(one) for one in lists]
            if len({kanji for kanji, _ in chosen}) == len(chosen):
                return "".join(kanji for kanji, _ in chosen), "".join(kana for _, kana in chosen)

    def person(self, woman: bool) -> tuple[Pair, Pair, str]:
        """Family and given name as (kanji, Romaji), and the reading of both in hiragana."""
        while True:
            family, family_kana = self._joined(m.FAMILY_FIRST, m.FAMILY_SECOND)
            given, given_kana = self._joined(*(m.GIVEN_FEMALE if woman else m.GIVEN_MALE))
            if self._fresh(family + given):
                pairs = ((family, romaji(family_kana).capitalize()), (given, romaji(given_kana).capitalize()))
                return *pairs, f"{family_kana} {given_kana}"

    def place(self) -> tuple[Pair, str]:
        """A town's bare name as (kanji, Romaji), and its reading."""
        while True:
            kanji, kana = self._joined(m.PLACE_FIRST, m.PLACE_SECOND)
            roman = romaji(kana).capitalize()
            if self._fresh(kanji) and self._fresh(roman):
                return (kanji, roman), kana

    def feature(self, kind: str) -> tuple[Pair, str]:
        """A river's, mountain's or lake's name, and its reading."""
        ending, reading, english = {
            "river": ("川", "がわ", "{} River"),
            "mountain": ("山", "やま", "Mount {}"),
            "lake": ("湖", "こ", "Lake {}"),
        }[kind]
        while True:
            if self._draw.chance(0.5):
                kanji, kana = self._draw.pick(m.FEATURE_FIRST)
            else:
                kanji, kana = self._joined(m.PLACE_FIRST, m.PLACE_SECOND)
            if self._fresh(kanji + ending):
                return (kanji + ending, english.format(romaji(kana).capitalize())), kana + reading

    def coined(self) -> Pair:
        """A coined firm's name in katakana and in letters."""
        while True:
            places = [self._draw.below(len(m.FIRM_SOUNDS)) for _ in range(2 + self._draw.below(2))]
            kana = "".join(m.FIRM_SOUNDS[place] for place in places)
            if self._fresh(kana):
                return kana, "".join(m.FIRM_ROMAN[place] for place in places).capitalize()

    def fresh_pair(self, ja: str, en: str) -> Pair | None:
        """The pair if the Japanese name is still free."""
        return (ja, en) if self._fresh(ja) else None

    def species(self, kind: str) -> Pair:
        """A species as (katakana, English with lower case): one or two marks before its group."""
        while True:
            group = self._draw.pick(m.SPECIES_BASE[kind])
            marks = [self._draw.pick(m.SPECIES_PREFIX) for _ in range(1 + self._draw.below(2))]
            ja = "".join(mark[0] for mark in marks) + group[0]
            if len(set(marks)) == len(marks) and self._fresh(ja):
                return ja, " ".join([*(mark[1] for mark in marks), group[1]])

    def latin(self) -> str:
        """A genus and a species that sound like Latin."""
        first, second, third = (self._draw.pick(m.LATIN_STEMS) for _ in range(3))
        return f"{(first + self._draw.pick(('o', 'i')) + second).capitalize()}us {third}{self._draw.pick(('ensis', 'atus', 'icus', 'alis'))}"

    def title(self, town: Pair, thing: Pair) -> Pair:
        """A work's title: mostly composed, now and then naming a town or a thing."""
        while True:
            head, tail = self._draw.pick(TITLE_HEADS), self._draw.pick(TITLE_TAILS)
            shape = self._draw.below(5)
            if shape == 0:
                ja, en = f"{town[0]}の{tail[0]}", f"The {tail[1]} of {town[1]}"
            elif shape == 1:
                other = self._draw.pick(TITLE_TAILS)
                ja, en = f"{tail[0]}と{other[0]}", f"The {tail[1]} and the {other[1]}"
            elif shape == 2:
                ja, en = f"{head[0]}{thing[0]}", f"{head[1]} {thing[1].title()}"
            elif shape == 3:
                other = self._draw.pick(TITLE_TAILS)
                ja, en = f"{head[0]}{tail[0]}の{other[0]}", f"{other[1]} of {head[1].replace('The ', 'the ')} {tail[1]}"
            else:
                ja, en = f"{head[0]}{tail[0]}", f"{head[1]} {tail[1]}"
            if self._fresh("題" + ja):
                return ja, en

    def product(self) -> Pair:
        """A compound such as (耐熱ガラス容器, heat-resistant glass container)."""
        quality, material, thing = self._draw.pick(QUALITIES), self._draw.pick(MATERIALS), self._draw.pick(THINGS)
        if self._draw.chance(0.4):
            return material[0] + thing[0], f"{material[1]} {thing[1]}"
        return quality[0] + material[0] + thing[0], f"{quality[1]} {material[1]} {thing[1]}"

    def products(self, count: int) -> tuple[Pair, ...]:
        """Different products, as one firm or town has them."""
        found: dict[Pair, None] = {}
        while len(found) < count:
            found[self.product()] = None
        return tuple(found)
