"""Python modules about the world: tables, classes and small programs whose asserted results are right."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from math import gcd, hypot

from studylib.data.miniworld import words as w
from studylib.data.miniworld.draw import Draw, Zipf
from studylib.data.miniworld.world import SIZES, World

Block = tuple[list[str], list[str]]  # definitions, and the checks at the end of the module
_TOWNS, _PEOPLE, _SPECIES, _FIRMS = (Zipf(SIZES[kind], 0.9) for kind in ("town", "person", "species", "firm"))
_VERBS = ("total", "sum", "count", "collect", "find", "get", "compute")


def key(name: str) -> str:
    """A name as an identifier: "Ren Aoyama" is "ren_aoyama"."""
    return name.lower().replace(" ", "_").replace("-", "_").replace("'", "")


def note(draw: Draw, en: str, ja: str) -> str:
    """A comment or docstring in English, or now and then in Japanese."""
    return ja if draw.unit() < 0.3 else en


def ranks(draw: Draw, zipf: Zipf, count: int) -> list[int]:
    """Distinct entities by their frequency."""
    found: dict[int, None] = {}
    while len(found) < count:
        found[zipf.rank(draw.unit())] = None
    return list(found)


def populations(world: World, draw: Draw) -> Block:
    towns = [world.towns[one] for one in ranks(draw, _TOWNS, draw.between(3, 7))]
    table = draw.pick(("POPULATION", "POPULATIONS", "TOWNS", "RESIDENTS"))
    verb, limit = draw.pick(_VERBS), draw.between(1, 40) * 1000
    argument = draw.pick(("names", "towns", "places", "keys"))
    chosen = towns[: draw.between(2, len(towns))]
    lines = (
        [f"{table} = {{"]
        + [f'    "{key(one.bare[1])}": {one.population},  # {one.name[0]}' for one in towns]
        + ["}", "", ""]
    )
    lines += [
        f"def {verb}_population({argument}):",
        f'    """{note(draw, "Number of people in the given towns.", "指定した町の人口を合計する。")}"""',
    ]
    if draw.chance(0.5):
        lines += [f"    return sum({table}[name] for name in {argument})"]
    else:
        lines += [
            "    result = 0",
            f"    for name in {argument}:",
            f"        result += {table}[name]",
            "    return result",
        ]
    lines += [
        "",
        "",
        f"def larger_than(limit={limit}):",
        f"    return sorted(name for name, people in {table}.items() if people > limit)",
    ]
    large = sorted(key(one.bare[1]) for one in towns if one.population > limit)
    return lines, [
        f"assert {verb}_population({_list([key(one.bare[1]) for one in chosen])}) == {sum(one.population for one in chosen)}",
        f"assert larger_than() == {_list(large)}",
    ]


def _list(names: list[str]) -> str:
    return "[" + ", ".join(f'"{name}"' for name in names) + "]"


def distances(world: World, draw: Draw) -> Block:
    route = [world.towns[one] for one in ranks(draw, _TOWNS, draw.between(3, 6))]
    table, speed = draw.pick(("POSITION", "COORDINATES", "MAP")), draw.between(3, 60)
    lines = [f"{table} = {{"] + [f'    "{key(one.bare[1])}": ({one.x}, {one.y}),' for one in route] + ["}", "", ""]
    lines += [
        "def distance(start, end):", f'    """{note(draw, "Straight distance in kilometres.", "直線距離(キロメートル)を返す。")}"""',
        f"    (x1, y1), (x2, y2) = {table}[start], {table}[end]",
        draw.pick(("    return round(((x1 - x2) ** 2 + (y1 - y2) ** 2) ** 0.5)", "    return round(math.hypot(x1 - x2, y1 - y2))")),
        "", "", "def route_length(stops):", "    return sum(distance(a, b) for a, b in zip(stops, stops[1:]))",
        "", "", f"def hours(stops, speed={speed}):", "    return route_length(stops) / speed",
    ]  # fmt: skip
    if "math." in "".join(lines):
        lines = ["import math", "", *lines]
    legs = [round(hypot(a.x - b.x, a.y - b.y)) for a, b in pairwise(route)]
    names = [key(one.bare[1]) for one in route]
    checks = [f'assert distance("{a}", "{b}") == {leg}' for a, b, leg in zip(names, names[1:], legs, strict=False)]
    return lines, [*checks, f"assert route_length({_list(names)}) == {sum(legs)}"]


def people(world: World, draw: Draw) -> Block:
    someone = [world.people[one] for one in ranks(draw, _PEOPLE, draw.between(2, 4))]
    year = draw.between(1990, 2020)
    name = draw.pick(("Person", "Member", "Author", "Citizen"))
    lines = [
        "from dataclasses import dataclass", "", "", "@dataclass", f"class {name}:", "    name: str", "    born: int", "    job: str", "    town: str", "",
        "    def age(self, year):", f'        """{note(draw, "Age at the end of the year.", "その年の終わりの年齢。")}"""', "        return year - self.born", "",
        "    def is_older_than(self, other):", "        return self.born < other.born", "", "",
    ]  # fmt: skip
    checks = []
    for one in someone:
        lines.append(
            f'{key(one.given[1])} = {name}("{one.name[1]}", {one.born}, "{w.FIELDS[one.field].job[1]}", "{world.towns[one.town].bare[1]}")'
        )
        checks.append(f"assert {key(one.given[1])}.age({year}) == {year - one.born}")
    first, second = someone[:2]
    checks.append(f"assert {key(first.given[1])}.is_older_than({key(second.given[1])}) is {first.born < second.born}")
    if key(first.given[1]) == key(second.given[1]):
        checks.pop()
    return lines, checks[-1:] if len({key(one.given[1]) for one in someone}) < len(someone) else checks


def orders(world: World, draw: Draw) -> Block:
    firm = world.firms[_FIRMS.rank(draw.unit())]
    prices = [draw.between(2, 90) * 50 for _ in firm.products]
    counts = [draw.between(1, 20) for _ in firm.products]
    rate = draw.pick((5, 8, 10, 20))
    lines = [f"# {note(draw, f'Price list of {firm.name[1]}, in yen.', f'{firm.name[0]}の価格表(円)')}", "PRICES = {"]
    lines += [f'    "{product[1]}": {price},' for product, price in zip(firm.products, prices, strict=True)] + ["}", ""]
    variable = draw.pick(("cost", "amount", "subtotal", "price"))
    lines += [
        "", "def total(order, discount=0):", f"    {variable} = 0", "    for product, count in order.items():",
        "        if product not in PRICES:", f'            raise KeyError(f"{note(draw, "unknown product", "不明な商品")}: {{product}}")',
        f"        {variable} += PRICES[product] * count", f"    return {variable} * (100 - discount) // 100",
    ]  # fmt: skip
    order = (
        "{" + ", ".join(f'"{product[1]}": {count}' for product, count in zip(firm.products, counts, strict=True)) + "}"
    )
    whole = sum(price * count for price, count in zip(prices, counts, strict=True))
    return lines, [
        f"order = {order}",
        f"assert total(order) == {whole}",
        f"assert total(order, discount={rate}) == {whole * (100 - rate) // 100}",
    ]


def species(world: World, draw: Draw) -> Block:
    kinds = [world.species[one] for one in ranks(draw, _SPECIES, draw.between(3, 6))]
    limit = draw.between(5, 50)
    lines = (
        ["SPECIES = ["]
        + [f'    ("{one.name[1]}", "{one.kind}", {one.low}, {one.high}),  # {one.name[0]}' for one in kinds]
        + ["]", "", ""]
    )
    lines += [
        "def mean_size(name):", "    for known, _, low, high in SPECIES:", "        if known == name:", "            return (low + high) / 2",
        "    return None", "", "", f"def small(limit={limit}):", f"    # {note(draw, 'largest size in centimetres', '最大の大きさ(センチメートル)')}",
        "    return [name for name, _, _, high in SPECIES if high <= limit]",
    ]  # fmt: skip
    first = kinds[0]
    names = [one.name[1] for one in kinds if one.high <= limit]
    return lines, [
        f'assert mean_size("{first.name[1]}") == {(first.low + first.high) / 2}',
        f"assert small() == {_list(names)}",
    ]


def arithmetic(world: World, draw: Draw) -> Block:
    """A function of numbers alone, with its right results."""
    a, b, modulus, count = draw.between(2, 30), draw.between(1, 20), draw.between(5, 97), draw.between(3, 9)
    kind = draw.below(6)
    if kind == 0:
        body = [f"def sequence(n, first={a}, step={b}):", "    return [first + step * i for i in range(n)]"]
        return body, [
            f"assert sequence({count}) == {[a + b * i for i in range(count)]}",
            f"assert sum(sequence({count})) == {sum(a + b * i for i in range(count))}",
        ]
    if kind == 1:
        body = ["def gcd(a, b):", "    while b:", "        a, b = b, a % b", "    return a"]
        return body, [f"assert gcd({a * count}, {b * count}) == {gcd(a * count, b * count)}"]
    if kind == 2:
        values, x = [], a
        for _ in range(count):
            x = (x * b + 1) % modulus
            values.append(x)
        body = [
            f"def scramble(x, n, factor={b}, modulus={modulus}):",
            "    values = []",
            "    for _ in range(n):",
            "        x = (x * factor + 1) % modulus",
            "        values.append(x)",
            "    return values",
        ]
        return body, [f"assert scramble({a}, {count}) == {values}"]
    if kind == 3:
        values = [draw.between(0, 99) for _ in range(count)]
        body = [
            "def insertion_sort(items):",
            "    result = []",
            "    for item in items:",
            "        place = len(result)",
            "        while place > 0 and result[place - 1] > item:",
            "            place -= 1",
            "        result.insert(place, item)",
            "    return result",
        ]
        return body, [f"assert insertion_sort({values}) == {sorted(values)}"]
    if kind == 4:
        word = key(world.towns[_TOWNS.rank(draw.unit())].bare[1])
        body = [
            "def count_letters(word):",
            "    counts = {}",
            "    for letter in word:",
            "        counts[letter] = counts.get(letter, 0) + 1",
            "    return counts",
        ]
        return body, [
            f'assert count_letters("{word}")["{word[0]}"] == {word.count(word[0])}',
            f'assert "{word}"[::-1] == "{word[::-1]}"',
        ]
    number = draw.between(20, 999)
    body = [
        "def digits(number, base):",
        "    out = []",
        "    while number:",
        "        number, digit = divmod(number, base)",
        "        out.append(digit)",
        "    return out[::-1]",
    ]
    base = draw.between(2, 9)
    out, left = [], number
    while left:
        left, digit = divmod(left, base)
        out.append(digit)
    return body, [f"assert digits({number}, {base}) == {out[::-1]}"]


RECIPES: tuple[Callable[[World, Draw], Block], ...] = (
    populations,
    distances,
    people,
    orders,
    species,
    arithmetic,
    arithmetic,
)


def module(world: World, draw: Draw) -> str:
    """One module of one to three blocks, with its checks at the end."""
    chosen = [draw.pick(RECIPES) for _ in range(1 + draw.below(3))]
    blocks = [recipe(world, draw) for recipe in dict.fromkeys(chosen)]
    lines: list[str] = []
    if draw.chance(0.5):
        place = world.towns[_TOWNS.rank(draw.unit())]
        lines += [
            f'"""{note(draw, f"Figures of the office of {place.bare[1]}.", f"{place.name[0]}役場の集計。")}"""',
            "",
        ]
    imports = [line for body, _ in blocks for line in body if line.startswith(("import ", "from "))]
    lines += [*dict.fromkeys(imports), "", ""] if imports else []
    for body, _ in blocks:
        inner = [line for line in body if not line.startswith(("import ", "from "))]
        while inner and not inner[0]:
            inner.pop(0)
        lines += [*inner, "", ""]
    checks = [check for _, found in blocks for check in found]
    if draw.chance(0.5):
        lines += [f"def {draw.pick(('test', 'test_all', 'main', 'check'))}():", *(f"    {check}" for check in checks)]
    else:
        lines += ['if __name__ == "__main__":', *(f"    {check}" for check in checks), '    print("ok")']
    return "\n".join(lines) + "\n"
