"""JavaScript modules about the world, with results that are right."""

from __future__ import annotations

from studylib.data.miniworld.code_python import _FIRMS, _SPECIES, _TOWNS, note, ranks
from studylib.data.miniworld.draw import Draw
from studylib.data.miniworld.world import World

Block = tuple[list[str], list[str]]


def camel(name: str) -> str:
    """A name as an identifier: "spotted goby" is "spottedGoby"."""
    first, *rest = name.lower().replace("-", " ").split()
    return first + "".join(word.capitalize() for word in rest)


def populations(world: World, draw: Draw) -> Block:
    towns = [world.towns[one] for one in ranks(draw, _TOWNS, draw.between(3, 6))]
    limit = draw.between(1, 40) * 1000
    table = draw.pick(("population", "residents", "towns"))
    lines = [
        f"const {table} = {{",
        *(f"  {camel(one.bare[1])}: {one.population}, // {one.name[0]}" for one in towns),
        "};",
        "",
    ]
    if draw.chance(0.5):
        lines += [f"const total = (names) => names.reduce((sum, name) => sum + {table}[name], 0);"]
    else:
        lines += [
            "function total(names) {",
            "  let sum = 0;",
            "  for (const name of names) {",
            f"    sum += {table}[name];",
            "  }",
            "  return sum;",
            "}",
        ]
    large = sum(one.population > limit for one in towns)
    lines += [
        "",
        f"// {note(draw, 'towns above a limit', '基準より大きい町')}",
        f"const large = Object.keys({table}).filter((name) => {table}[name] > {limit});",
    ]
    names = ", ".join(f'"{camel(one.bare[1])}"' for one in towns[:2])
    return lines, [
        f"console.assert(total([{names}]) === {sum(one.population for one in towns[:2])});",
        f"console.assert(large.length === {large});",
    ]


def orders(world: World, draw: Draw) -> Block:
    firm = world.firms[_FIRMS.rank(draw.unit())]
    prices = [draw.between(2, 90) * 50 for _ in firm.products]
    counts = [draw.between(1, 20) for _ in firm.products]
    lines = [f"// {note(draw, f'price list of {firm.name[1]}', f'{firm.name[0]}の価格表')}", "const prices = new Map(["]
    lines += [f'  ["{product[1]}", {price}],' for product, price in zip(firm.products, prices, strict=True)] + [
        "]);",
        "",
    ]
    lines += ["class Order {", "  constructor() {", "    this.lines = [];", "  }", "  add(product, count) {", "    this.lines.push({ product, count });", "    return this;", "  }",
              "  total() {", "    return this.lines.reduce((sum, { product, count }) => sum + prices.get(product) * count, 0);", "  }", "}"]  # fmt: skip
    checks = [
        "const order = new Order();",
        *(f'order.add("{product[1]}", {count});' for product, count in zip(firm.products, counts, strict=True)),
    ]
    whole = sum(price * count for price, count in zip(prices, counts, strict=True))
    return lines, [*checks, f"console.assert(order.total() === {whole});"]


def species(world: World, draw: Draw) -> Block:
    kinds = [world.species[one] for one in ranks(draw, _SPECIES, draw.between(3, 6))]
    lines = (
        ["export const species = ["]
        + [f'  {{ name: "{one.name[1]}", kind: "{one.kind}", low: {one.low}, high: {one.high} }},' for one in kinds]
        + ["];", ""]
    )
    lines += [
        "export function largest(list) {",
        "  return list.reduce((best, one) => (one.high > best.high ? one : best));",
        "}",
    ]
    best = kinds[0]
    for one in kinds:
        best = one if one.high > best.high else best
    return lines, [
        f'console.assert(largest(species).name === "{best.name[1]}");',
        f"console.assert(species.length === {len(kinds)});",
    ]


def arithmetic(world: World, draw: Draw) -> Block:
    start, factor, modulus, count = draw.between(2, 30), draw.between(2, 12), draw.between(5, 97), draw.between(3, 8)
    values, x = [], start
    for _ in range(count):
        x = (x * factor) % modulus
        values.append(x)
    lines = [
        "function powers(x, n) {",
        "  const values = [];",
        "  for (let i = 0; i < n; i += 1) {",
        f"    x = (x * {factor}) % {modulus};",
        "    values.push(x);",
        "  }",
        "  return values;",
        "}",
    ]
    shown = ", ".join(map(str, values))
    return lines, [
        f"console.log(powers({start}, {count})); // [{shown}]",
        f"console.assert(powers({start}, {count}).at(-1) === {values[-1]});",
    ]


_RECIPES = (populations, orders, species, arithmetic)


def module(world: World, draw: Draw) -> str:
    """One module of one or two blocks, with its checks at the end."""
    chosen = dict.fromkeys(draw.pick(_RECIPES) for _ in range(1 + draw.below(2)))
    blocks = [recipe(world, draw) for recipe in chosen]
    lines = ['"use strict";', ""] if draw.chance(0.4) else []
    for body, _ in blocks:
        lines += [*body, ""]
    return "\n".join([*lines, *(check for _, checks in blocks for check in checks)]) + "\n"
