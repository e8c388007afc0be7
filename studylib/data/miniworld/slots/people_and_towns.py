"""Slots of people and towns, and of asides about them."""

from __future__ import annotations

from studylib.data.miniworld import scenery as s
from studylib.data.miniworld import words as w
from studylib.data.miniworld.draw import Draw
from studylib.data.miniworld.entities import Person, Town
from studylib.data.miniworld.slots._common import Slots, more_or_less, number, scenery
from studylib.data.miniworld.world import NOW, World


def person(world: World, index: int, lang: int) -> Slots:
    p = world.people[index]
    draw = Draw("person", world.seed, index)
    field, town, school, home = w.FIELDS[p.field], world.towns[p.town], world.schools[p.school], world.towns[p.home]
    family = p.family[lang]
    he = (("彼", "he"), ("彼女", "she"))[p.woman][lang]
    age_moved, year_home = draw.between(3, 14), min(p.joined + draw.between(2, 20), NOW)
    spouse_age = draw.between(21, 36)
    slots = scenery(lang) | {
        "name": p.name[lang], "kana": p.kana, "S0": family,
        "S": (f"{he}は", f"{family}は", "", f"{family}は") if lang == 0 else (he.capitalize(), he.capitalize(), family),
        "he": he, "his": "her" if p.woman else "his",
        "his_cap": "Her" if p.woman else "His", "him": "her" if p.woman else "him",
        "born": str(p.born), "month": w.MONTHS[p.month][lang], "day": str(p.day),
        "until": (f" - {p.died}年" if lang == 0 else f"–{p.died}") if p.died else (" - " if lang == 0 else "–"),
        "town": town.name[lang], "region": world.regions[town.region][lang], "home": home.name[lang], "near": world.towns[town.near[0]].name[lang],
        "km": str(world.distance(p.town, p.home)) if p.town != p.home else "1",
        "job": field.job[lang], "field": field.name[lang], "thing": field.things[p.thing][lang], "topic": field.topics[p.topic][lang],
        "topic_title": (f"{town.bare[0]}における{field.topics[p.topic][0]}", f"On {field.topics[p.topic][1]} in {town.bare[1]}")[lang],
        "trait": w.TRAITS[p.trait][lang], "hobby": w.HOBBIES[p.hobby][lang], "siblings": str(p.siblings), "child_rank": str(p.child_rank),
        "parent": draw.pick(s.PARENTS)[lang], "play": draw.pick(s.PLAYS)[lang], "place_of_play": draw.pick(s.PLACES)[lang],
        "mother_age": str(draw.between(19, 41)), "father_age": str(draw.between(22, 55)),
        "age_moved": str(age_moved), "year_moved": str(p.born + age_moved),
        "school": school.name[lang], "school_town": world.towns[school.town].name[lang], "school_km": str(world.distance(p.town, school.town)),
        "year_school": str(p.born + 18), "age_school": "18", "year_grad": str(p.born + 22), "shop": draw.pick(s.SHOPS)[lang],
        "joined": str(p.joined), "age_joined": str(p.joined - p.born), "years": str(draw.between(4, 30)),
        "year_home": str(year_home), "age_home": str(year_home - p.born),
        "garden": draw.pick(s.GARDENS)[lang], "memorial": draw.pick(s.MEMORIALS)[lang], "letters": str(draw.between(4, 60) * 10),
        "spouse_year": str(p.born + spouse_age), "age_spouse": str(spouse_age), "children": str(draw.between(2, 6)), "now": str(NOW),
    }  # fmt: skip
    slots["firm_town"] = slots["school_town"]
    if p.award_year > p.joined:
        slots |= {
            "award": w.AWARDS[p.award][lang], "award_year": str(p.award_year),
            "age_award": str(p.award_year - p.born), "award_years": str(p.award_year - p.joined),
        }  # fmt: skip
    if p.died:
        slots |= {"died": str(p.died), "age_died": str(p.died - p.born)}
    else:
        slots["age_now"] = str(NOW - p.born)
    if p.firm >= 0:
        firm = world.firms[p.firm]
        slots |= {
            "firm": firm.name[lang], "firm_age": str(p.joined - firm.founded + 1),
            "firm_product": firm.products[0][lang], "product": firm.products[1][lang],
        }  # fmt: skip
    if p.mentor >= 0:
        mentor = world.people[p.mentor]
        slots |= {
            "mentor": mentor.name[lang], "gap": str(p.born - mentor.born), "mentor_age": str(p.born + 18 - mentor.born),
        }  # fmt: skip
    if p.pupils:
        pupil = world.people[p.pupils[draw.below(len(p.pupils))]]
        slots |= {
            "pupil": pupil.name[lang], "pupil_born": str(pupil.born), "pupil_gap": str(pupil.born - p.born),
        }  # fmt: skip
    if p.works:
        work = world.works[p.works[draw.below(len(p.works))]]
        slots |= {
            "work": work.name[lang], "work_year": str(work.year), "age_work": str(work.year - p.born),
            "work_genre": w.GENRES[work.genre][lang], "theme": w.THEMES[work.theme][lang], "pages": str(work.pages),
            "work_firm": world.firms[work.firm].name[lang], "copies": number(work.copies), "work_town": world.towns[work.town].name[lang],
            "stay": str(draw.between(2, 9)), "works_count": str(len(p.works)),
            "total_pages": number(sum(world.works[one].pages for one in p.works)),
        }  # fmt: skip
    return slots


def town(world: World, index: int, lang: int) -> Slots:
    t = world.towns[index]
    draw = Draw("town", world.seed, index)
    near, near2 = world.towns[t.near[0]], world.towns[t.near[1]]
    near_km, near2_km = world.distance(index, near.index), world.distance(index, near2.index)
    field = w.FIELDS[t.field]
    first = max(200, int(t.population * (0.4 + draw.unit())))
    change = t.population - first
    visitors = t.population * draw.between(2, 9)
    born_here = _people_of(world).get(index, [])
    slots = scenery(lang) | {
        "name": t.name[lang], "kana": t.kana, "rank": t.rank[lang], "region": world.regions[t.region][lang],
        "population": number(t.population), "founded": str(t.founded), "height": str(t.height), "field": field.name[lang],
        "near": near.name[lang], "near2": near2.name[lang], "near_km": str(near_km), "near2_km": str(near2_km),
        "trip": str(2 * (near_km + near2_km)), "height_diff": str(abs(t.height - near.height)),
        "higher": more_or_less(lang, t.height - near.height, ("高い", "higher"), ("低い", "lower")),
        "rain": number(draw.between(70, 320) * 10), "village": f"{draw.pick(world.towns).bare[lang]}{('村', '')[lang]}",
        "village2": f"{draw.pick(world.towns).bare[lang]}{('村', '')[lang]}", "first_population": number(first), "now": str(NOW),
        "age": str(NOW - t.founded),
        "population_change": (
            f"{number(abs(change))}人{'増えた' if change >= 0 else '減った'}",
            f"{'grown' if change >= 0 else 'fallen'} by {number(abs(change))}",
        )[lang],
        "festival": f"{t.bare[lang]}{(' ', '')[lang == 0]}{w.FESTIVALS[t.festival][lang]}", "festival_since": str(t.festival_since),
        "festival_month": w.MONTHS[t.festival_month][lang], "visitors": number(visitors), "ratio": str(visitors // t.population),
        "thing": tuple(pair[lang] for pair in field.things), "topic": field.topics[draw.below(3)][lang],
        "product": t.products[0][lang], "product2": t.products[1][lang], "shipment": number(draw.between(5, 900)),
        "food": draw.pick(s.DISHES)[lang],
        "town_side": draw.pick((("町の北側", "the north"), ("町の西側", "the west"), ("町の南", "the south"), ("町の東", "the east")))[lang],
    }  # fmt: skip
    if t.festival_since < t.founded:
        slots["festival_before"] = str(t.founded - t.festival_since)
    if t.feature >= 0:
        slots["feature"] = world.features[t.feature].name[lang]
    if born_here:
        one = born_here[0]
        slots |= {"person": one.name[lang], "person_job": w.FIELDS[one.field].job[lang], "person_born": str(one.born)}
    if len(born_here) > 1 and born_here[0].born != born_here[1].born:
        one, two = born_here[:2]
        slots |= {
            "person2": two.name[lang], "person_gap": str(abs(one.born - two.born)),
            "person_older": more_or_less(lang, two.born - one.born, ("年上", "older"), ("年下", "younger")),
        }  # fmt: skip
    schools = [school for school in world.schools if school.town == index]
    if schools:
        slots |= {
            "school": schools[0].name[lang],
            "school_founded": str(schools[0].founded),
            "pupils": number(schools[0].pupils),
        }
    firms = [firm for firm in world.firms if firm.town == index and firm.staff * 3 < t.population]
    if firms:
        share = f"{100 * firms[0].staff / t.population:.1f}"
        slots |= {"firm": firms[0].name[lang], "staff": number(firms[0].staff), "share": share}
    works = [work for work in world.works if work.town == index]
    if works:
        author = world.people[works[0].author]
        slots |= {"work": works[0].name[lang], "work_author": author.name[lang], "work_year": str(works[0].year)}
    return slots


_born_in: dict[int, dict[int, list[Person]]] = {}


def _people_of(world: World) -> dict[int, list[Person]]:
    """People by the town they were born in; made once a world."""
    if world.seed not in _born_in:
        found: dict[int, list[Person]] = {}
        for one in world.people:
            found.setdefault(one.town, []).append(one)
        _born_in[world.seed] = found
    return _born_in[world.seed]


def aside(world: World, draw: Draw, lang: int) -> Slots:
    """Slots of one aside: drawn anew each time, since an aside tells what happens to be near."""
    field, other = draw.pick(w.FIELDS), draw.pick(w.FIELDS)
    here: Town = draw.pick(world.towns)
    there = here.near[draw.below(3)]
    someone = world.people[int(draw.unit() ** 2 * len(world.people))]
    kilometres = world.distance(here.index, there)
    price, count = draw.between(2, 90) * 5, draw.between(2, 24)
    part = draw.between(1, 39) * 3
    total = part + draw.between(10, 300)
    firm = draw.pick(world.firms)
    return scenery(lang) | {
        "field": field.name[lang], "field_cap": field.name[lang].capitalize(), "field2": other.name[lang], "topic": draw.pick(field.topics)[lang], "thing": draw.pick(field.things)[lang],
        "product": draw.pick(firm.products)[lang], "year": str(draw.between(1880, NOW)), "town": here.name[lang],
        "town2": world.towns[there].name[lang], "town_km": str(kilometres), "hours": str(max(1, kilometres // 4)),
        "price": number(price), "count": str(count), "total": number(price * count), "households": str(total),
        "part": str(part), "rest": str(total - part), "person": someone.name[lang], "person_born": str(someone.born),
        "person_job": w.FIELDS[someone.field].job[lang],
    }  # fmt: skip
