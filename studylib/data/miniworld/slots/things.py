"""Slots of works, landscapes, firms, species and events."""

from __future__ import annotations

from studylib.data.miniworld import scenery as s
from studylib.data.miniworld import words as w
from studylib.data.miniworld.draw import Draw
from studylib.data.miniworld.slots._common import Slots, more_or_less, number, scenery
from studylib.data.miniworld.world import NOW, World


def work(world: World, index: int, lang: int) -> Slots:
    k = world.works[index]
    draw = Draw("work", world.seed, index)
    author, town = world.people[k.author], world.towns[k.town]
    hero_age, span, chapters = draw.between(9, 60), draw.between(1, 25), draw.between(4, 24)
    reprint_copies = draw.between(3, 150) * 100
    # The hero has a family name of the world's own; a shop or a ship may have it too.
    hero = world.people[draw.below(len(world.people))]
    critic = world.people[draw.below(len(world.people))]
    adapted = min(k.year + draw.between(4, 40), NOW)
    slots = scenery(lang) | {
        "name": k.name[lang], "author": author.name[lang], "year": str(k.year), "genre": w.GENRES[k.genre][lang],
        "theme": w.THEMES[k.theme][lang], "firm": world.firms[k.firm].name[lang], "pages": str(k.pages), "town": town.name[lang],
        "region": world.regions[town.region][lang], "population": number(town.population), "town_rank": town.rank[lang],
        "hero": w.FIELDS[k.hero].job[lang], "hero_name": hero.family[lang], "hero_age": str(hero_age), "hero_end": str(hero_age + span),
        "hero_span": str(span), "thing": tuple(pair[lang] for pair in w.FIELDS[k.hero].things), "chapters": str(chapters),
        "per_chapter": str(round(k.pages / chapters)), "author_age": str(k.year - author.born), "author_job": w.FIELDS[author.field].job[lang],
        "author_town": world.towns[author.town].name[lang], "event": draw.pick(s.ORIGINS)[lang], "copies": number(k.copies),
        "months": str(draw.between(2, 18)), "critic": critic.name[lang], "critic_town": world.towns[critic.town].name[lang],
        "adapted": str(adapted), "adapted_town": draw.pick(world.towns).name[lang], "shows": str(draw.between(3, 80)),
    }  # fmt: skip
    if k.reprint > k.year:
        slots |= {
            "reprint": str(k.reprint), "reprint_years": str(k.reprint - k.year), "reprint_copies": number(reprint_copies),
            "total_copies": number(k.copies + reprint_copies),
        }  # fmt: skip
    if k.award >= 0:
        slots["award"] = w.AWARDS[k.award][lang]
    others = [world.works[one] for one in author.works if one != index and world.works[one].year != k.year]
    if others:
        other = others[0]
        slots |= {
            "other": other.name[lang], "other_year": str(other.year), "other_gap": str(abs(k.year - other.year)),
            "before_after": more_or_less(lang, k.year - other.year, ("後", "later"), ("前", "earlier")),
        }  # fmt: skip
    return slots


_KINDS = {"river": ("川", "river"), "mountain": ("山", "mountain"), "lake": ("湖", "lake")}
_MEASURES = {
    "river": ("全長{}キロメートル", "{} km long"),
    "mountain": ("標高{}メートル", "{} m high"),
    "lake": ("最大水深{}メートル", "{} m deep"),
}


def feature(world: World, index: int, lang: int) -> Slots:
    f = world.features[index]
    draw = Draw("feature", world.seed, index)
    town, second = world.towns[f.town], world.towns[f.second_town]
    same_kind = [
        one for one in world.features if one.kind == f.kind and one.index != f.index and one.measure != f.measure
    ]
    other = same_kind[draw.below(len(same_kind))]
    rank = 1 + sum(one.measure > f.measure for one in same_kind if one.region == f.region)
    explorer, species = world.people[f.explorer], world.species[f.species]
    measure = number(f.measure)
    source = {
        "river": (f"{town.name[0]}に発し、{second.name[0]}で海に注ぐ", f"It rises in {town.name[1]} and reaches the sea at {second.name[1]}"),
        "mountain": (f"登山道は{town.name[0]}から頂上を経て{second.name[0]}に下る", f"The trail climbs from {town.name[1]} and descends to {second.name[1]}"),
        "lake": (f"西岸は{town.name[0]}、東岸は{second.name[0]}に属する", f"Its west shore belongs to {town.name[1]}, its east shore to {second.name[1]}"),
    }  # fmt: skip
    superlative = {"river": ("長さ", "length"), "mountain": ("高さ", "height"), "lake": ("深さ", "depth")}[f.kind][lang]
    unit = 1000 if f.kind == "river" else 1
    return scenery(lang) | {
        "name": f.name[lang], "kana": f.kana, "kind": _KINDS[f.kind][lang], "region": world.regions[f.region][lang],
        "measure_text": _MEASURES[f.kind][lang].format(measure), "town": town.name[lang], "second_town": second.name[lang],
        "rank_text": (f"{superlative}では{world.regions[f.region][0]}で{rank}番目である", f"number {rank} in {world.regions[f.region][1]} by {superlative}")[lang],
        "from_to": source[f.kind][lang], "towns_km": str(world.distance(f.town, f.second_town)),
        "area_name": {"river": ("流域面積", "basin"), "mountain": ("山域の面積", "massif"), "lake": ("湖の面積", "surface")}[f.kind][lang],
        "area": number(f.area), "other": other.name[lang], "other_area": number(other.area), "area_diff": number(abs(f.area - other.area)),
        "larger": more_or_less(lang, f.area - other.area, ("広い", "more"), ("狭い", "less")),
        "other_measure_text": _MEASURES[f.kind][lang].format(number(other.measure)), "measure_diff": number(abs(f.measure - other.measure) * unit),
        "bigger": more_or_less(lang, f.measure - other.measure, ("上回る", "more"), ("下回る", "less")),
        "species": species.name[lang], "latin": species.latin, "species_month": w.MONTHS[species.month][lang], "described": str(species.described),
        "explored": str(f.explored), "explorer": explorer.name[lang], "explorer_age": str(f.explored - explorer.born),
        "explorer_town": world.towns[explorer.town].name[lang], "explorer_job": w.FIELDS[explorer.field].job[lang], "survey": str(draw.between(2, 9)),
        "flood": str(draw.between(1890, NOW)), "repair": str(draw.between(2, 30)), "use": draw.pick(s.USES)[lang],
    }  # fmt: skip


def firm(world: World, index: int, lang: int) -> Slots:
    f = world.firms[index]
    draw = Draw("firm", world.seed, index)
    founder, town, second = world.people[f.founder], world.towns[f.town], world.towns[f.second_town]
    partner = world.firms[f.partner]
    field = w.FIELDS[founder.field]
    crisis = min(f.founded + draw.between(3, 50), NOW - 6)
    per_head = round(f.revenue * 100 / f.staff)
    last_revenue = round(f.revenue / (1 + f.growth / 100))
    share1, share2 = draw.between(31, 60), draw.between(8, 30)
    employee = world.people[draw.below(len(world.people))]
    slots = scenery(lang) | {
        "name": f.name[lang], "town": town.name[lang], "product": f.products[0][lang], "product2": f.products[1][lang], "product3": f.products[2][lang],
        "founded": str(f.founded), "founder": founder.name[lang], "founder_age": str(f.founded - founder.born), "founder_job": field.job[lang],
        "founder_town": world.towns[founder.town].name[lang], "founder_school": world.schools[founder.school].name[lang],
        "first_staff": str(f.first_staff), "staff": number(f.staff), "staff_ratio": str(f.staff // f.first_staff),
        "lost": str(draw.between(2, 7)), "recover": str(draw.between(2, 6)),
        "thing": tuple(pair[lang] for pair in field.things), "field": field.name[lang],
        "last_year": str(NOW - 1), "revenue": number(f.revenue), "last_revenue": number(last_revenue),
        "growth_text": (f"{abs(f.growth)}パーセント{'増えた' if f.growth >= 0 else '減った'}", f"{'up' if f.growth >= 0 else 'down'} {abs(f.growth)} percent")[lang],
        "per_head": number(per_head), "per_head_yen": number(10_000 * per_head), "share1": str(share1), "share2": str(share2), "share3": str(100 - share1 - share2),
        "festival": f"{town.bare[lang]}{('', ' ')[lang]}{w.FESTIVALS[town.festival][lang]}",
    }  # fmt: skip
    if f.moved > f.founded and f.second_town != f.town:
        slots |= {
            "moved": str(f.moved), "moved_years": str(f.moved - f.founded), "second_town": second.name[lang],
            "km": str(world.distance(f.town, f.second_town)),
        }  # fmt: skip
    if crisis > f.founded:
        slots["crisis"] = str(crisis)
    if partner is not f and partner.staff != f.staff:
        slots |= {
            "partner": partner.name[lang], "partner_town": world.towns[partner.town].name[lang],
            "partner_year": str(min(max(f.founded, partner.founded) + draw.between(2, 30), NOW)), "partner_staff": number(partner.staff),
            "staff_diff": number(abs(f.staff - partner.staff)), "staff_more": more_or_less(lang, f.staff - partner.staff, ("多い", "more"), ("少ない", "fewer")),
        }  # fmt: skip
    if employee.joined > f.founded:
        slots |= {
            "employee": employee.name[lang],
            "joined": str(employee.joined),
            "his_or_her": "her" if employee.woman else "his",
        }
    return slots


def species(world: World, index: int, lang: int) -> Slots:
    k = world.species[index]
    draw = Draw("species", world.seed, index)
    finder, relative, town = world.people[k.finder], world.species[k.relative], world.towns[k.town]
    food = w.FOODS[k.kind][k.food][lang]
    survey0, survey = sorted((draw.between(1970, 1995), draw.between(1996, NOW)))
    count1, count2 = k.count + draw.between(10, 200), k.count
    eggs = draw.between(3, 40) * 2
    plant = k.kind == "plant"
    name = k.name[lang]
    slots = scenery(lang) | {
        "name": name, "latin": k.latin, "kind": w.SPECIES_KINDS[k.kind][lang], "habitat": w.HABITATS[k.habitat][lang],
        "region": world.regions[k.region][lang], "low": str(k.low), "high": str(k.high), "middle": f"{(k.low + k.high) / 2:g}",
        "size_name": (("高さ", "height") if plant else ("体長", "length"))[lang], "colour": w.COLOURS[k.colour][lang],
        "second_colour": w.COLOURS[k.second_colour][lang],
        "part": {"bird": ("羽", "plumage"), "fish": ("体側", "flank"), "plant": ("花", "flower"), "insect": ("翅", "wing")}[k.kind][lang],
        "food_text": ((f"{food}を好んで生える", f"It favours {food}") if plant else (f"主に{food}を食べる", f"It feeds mainly on {food}"))[lang],
        "activity": {"bird": ("繁殖期", "breeding season"), "fish": ("産卵期", "spawning season"), "plant": ("花期", "flowering season"), "insect": ("成虫が見られるの", "flight period")}[k.kind][lang],
        "month": w.MONTHS[k.month][lang], "last_month": w.MONTHS[(k.month + k.months) % 12][lang], "months": str(k.months + 1),
        "town": town.name[lang], "eggs": str(eggs), "grown": str(max(1, eggs // draw.between(2, 9))),
        "egg_name": (("種子", "seeds") if plant else ("卵", "eggs"))[lang],
        "described": str(k.described), "finder": finder.name[lang], "finder_age": str(k.described - finder.born), "finder_job": w.FIELDS[finder.field].job[lang],
    }  # fmt: skip
    if k.endangered:
        slots |= {
            "count": number(k.count), "survey": str(survey), "survey0": str(survey0), "count2": number(count2), "count1": number(count1),
            "count_change": (f"{number(count1 - count2)}減少した", f"{number(count1 - count2)} fewer")[lang],
        }  # fmt: skip
    else:
        slots["common"] = name
    if relative is not k and relative.high != k.high and relative.kind == k.kind:
        slots |= {
            "relative": relative.name[lang], "relative_high": str(relative.high), "size_diff": str(abs(k.high - relative.high)),
            "larger": more_or_less(lang, k.high - relative.high, ("大きい", "larger"), ("小さい", "smaller")),
        }  # fmt: skip
    if draw.chance(0.5):
        work = world.works[draw.below(len(world.works))]
        slots |= {"work": work.name[lang], "author": world.people[work.author].name[lang]}
    return slots


_HAPPENED = {
    "expo": (("開かれた", "was held"), ("開催された", "took place")),
    "flood": (("起きた", "struck"), ("発生した", "began")),
    "match": (("行われた", "was played"), ("おこなわれた", "took place")),
    "opening": (("開業した", "opened"), ("開通した", "entered service")),
}
_ROLES = {
    "expo": ("会長", "head of the fair"), "flood": ("救援の指揮", "leader of the relief work"),
    "match": ("審判長", "chief referee"), "opening": ("設計主任", "chief designer"),
}  # fmt: skip


def event(world: World, index: int, lang: int) -> Slots:
    e = world.events[index]
    draw = Draw("event", world.seed, index)
    town, other, host = world.towns[e.town], world.towns[e.other_town], world.firms[e.firm]
    someone = world.people[e.person]
    work = world.works[draw.below(len(world.works))]
    donation = draw.between(2, 90) * 10
    years = draw.pick((10, 20, 25, 30, 50))
    slots = scenery(lang) | {
        "name": e.name[lang], "town": town.name[lang], "other": other.name[lang], "year": str(e.year), "month": w.MONTHS[e.month][lang],
        "day": str(e.day), "happened": _HAPPENED[e.kind][0][lang], "happened2": _HAPPENED[e.kind][1][lang], "role": _ROLES[e.kind][lang],
        "person": someone.name[lang], "person_job": w.FIELDS[someone.field].job[lang], "person_age": str(e.year - someone.born),
        "firm": host.name[lang], "donation": number(donation), "donation_yen": number(10_000 * donation), "school": draw.pick(world.schools).name[lang],
        "then_population": number(max(300, round(town.population * (0.5 + draw.unit()), -2))),
    }  # fmt: skip
    if e.year + years <= NOW:
        slots |= {"anniversary": str(e.year + years), "anniversary_years": str(years)}
    if work.year > e.year:
        slots |= {"work": work.name[lang], "author": world.people[work.author].name[lang]}
    if e.kind == "expo":
        products = host.products
        slots |= {
            "expo": "", "days": str(e.days), "visitors": number(e.visitors), "per_day": number(round(e.visitors / e.days)),
            "product": products[0][lang], "product2": products[1][lang],
        }  # fmt: skip
    elif e.kind == "flood":
        houses = draw.between(20, 900)
        rebuilt = draw.between(1, houses - 1)
        slots |= {
            "days": str(draw.between(2, 9)), "houses": str(houses), "breaks": str(draw.between(2, 9)), "evacuated": number(houses * draw.between(2, 5)),
            "rebuilt": str(rebuilt), "left": str(houses - rebuilt), "rebuild_year": str(e.year + draw.between(1, 5)),
        }  # fmt: skip
        if town.feature >= 0:
            slots["feature"] = world.features[town.feature].name[lang]
    elif e.kind == "match":
        high, low = e.score
        half_high, half_low = draw.between(0, high), draw.between(0, low)
        slots |= {
            "high": str(high), "low": str(low), "score_diff": str(high - low), "winner": town.bare[lang], "loser": other.bare[lang],
            "half_high": str(half_high), "half_low": str(half_low), "second_high": str(high - half_high), "second_low": str(low - half_low),
            "goals": str(draw.between(1, high)),
        }  # fmt: skip
    else:
        kilometres = world.distance(e.town, e.other_town)
        stations = draw.between(1, max(1, kilometres // 3))
        minutes, before = kilometres + draw.between(2, 9), 4 * kilometres + draw.between(9, 50)
        slots |= {
            "km": str(kilometres), "cost": number(e.cost), "cost_km": f"{e.cost / kilometres:.1f}", "minutes": str(minutes),
            "before_minutes": str(before), "saved": str(before - minutes), "stations": str(stations), "spacing": f"{kilometres / (stations + 1):.1f}",
        }  # fmt: skip
    return slots
