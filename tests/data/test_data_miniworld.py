"""The invented world: the same everywhere, consistent with itself, and not soon exhausted."""

from __future__ import annotations

import re
import subprocess
import sys
import zlib
from itertools import islice

import pytest

from studylib.data.miniworld import documents, english_only
from studylib.data.miniworld.article import ASKABLE, slots_of
from studylib.data.miniworld.grammar import templates
from studylib.data.miniworld.kana import romaji
from studylib.data.miniworld.slots import BUILDERS
from studylib.data.miniworld.wording import en_nature, en_people, en_places, ja_nature, ja_people, ja_places
from studylib.data.miniworld.world import NOW, SIZES, world_of
from studylib.registry import REGISTERS

WORDINGS = {"ja": (ja_nature, ja_people, ja_places), "en": (en_nature, en_people, en_places)}


def take(register, count, **options):
    return list(islice(documents(register, **options), count))


@pytest.mark.parametrize("register", REGISTERS)
def test_a_document_depends_on_its_number_alone(register):
    first = take(register, 40)
    assert [document.text for document in take(register, 10, start=30)] == [document.text for document in first[30:]]
    assert len({document.text for document in first}) >= (36 if register == "web" else 40), "the web has copies"
    assert [one.text for one in take(register, 10, seed=1)] != [one.text for one in first[:10]]
    assert all(document.labels["register"] == register for document in first)


def test_another_process_tells_the_same():
    script = "from studylib.data.miniworld import documents; print(hash(0)); print(next(documents('ja', start=5)).text)"
    runs = {
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    }
    assert len(runs) == 1 and take("ja", 1, start=5)[0].text in runs.pop()


def test_python_modules_run_and_their_asserts_hold():
    modules = [one.text for one in take("code", 400) if one.labels["language"] == "python"]
    assert len(modules) > 200
    for text in modules:
        scope = {"__name__": "__main__", "print": lambda *_: None}
        exec(compile(text, "module", "exec"), scope)
        for name in {"test", "test_all", "main", "check"} & scope.keys():
            scope[name]()
        assert "assert" in text


def test_wrong_results_in_python_modules_would_be_noticed():
    text = next(one.text for one in documents("code") if "assert sequence(" in one.text)
    wrong = re.sub(r"(assert sequence\(\d+\) == \[)", r"\g<1>-1, ", text)
    scope = {"__name__": "__main__", "print": lambda *_: None}
    with pytest.raises(AssertionError):
        exec(wrong, scope)
        for name in {"test", "test_all", "main", "check"} & scope.keys():
            scope[name]()


def test_facts_fit_together():
    world = world_of(0)
    assert {
        kind: len(found) for kind, found in (("person", world.people), ("town", world.towns), ("firm", world.firms))
    } == {kind: SIZES[kind] for kind in ("person", "town", "firm")}
    for person in world.people:
        assert person.died == 0 or person.born + 50 < person.died < NOW
        if person.mentor >= 0:
            assert world.people[person.mentor].born + 12 <= person.born
            assert world.people[person.mentor].field == person.field
        if person.firm >= 0:
            assert world.firms[person.firm].founded <= person.joined
    for firm in world.firms:
        assert world.people[firm.founder].born + 20 < firm.founded <= NOW
        assert len(set(firm.products)) == 3
    for work in world.works:
        author = world.people[work.author]
        assert author.born + 20 < work.year <= (author.died or NOW)
    for names in (world.people, world.towns, world.firms, world.works, world.species, world.features):
        assert len({one.name[0] for one in names}) == len(names)


@pytest.mark.parametrize("kind", BUILDERS)
def test_both_languages_tell_the_same_numbers(kind):
    for index in range(25):
        ja, en = (slots_of(0, kind, index, lang) for lang in (0, 1))
        assert ja.keys() == en.keys()
        for slot in ja:
            if isinstance(ja[slot], str) and re.fullmatch(r"[\d,.]+", ja[slot]):
                assert en[slot] == ja[slot], slot


@pytest.mark.parametrize("register", WORDINGS)
def test_every_template_can_be_told_and_leaves_nothing_open(register):
    lang = ("ja", "en").index(register)
    for module in WORDINGS[register]:
        for name, text in vars(module).items():
            if not name.isupper() or name == "ASIDE":
                continue
            kind = name.lower()
            known = [slots_of(0, kind, index, lang) for index in range(min(300, SIZES[kind]))]
            for sentences in templates(text).values():
                for template in sentences:
                    slots = next((one for one in known if template.slots <= one.keys()), None)
                    assert slots is not None, f"{register} {name}: no entity has {sorted(template.slots)}"
                    told = template.text(slots, lambda: 0.999)
                    assert told and not re.search(r"[{}\[\]|]", told)


def test_a_broken_template_is_refused():
    for text in ("@a\n : {x}[a|b", "@a\n : a]b", "@a\n : a|b", "@a\n : {x y}"):
        with pytest.raises(ValueError, match="does not parse"):
            templates(text)


def test_what_only_english_tells_is_never_told_in_japanese():
    secret = english_only(0, 0.5)
    hidden = told = 0
    for document in take("ja", 3000, english_only_share=0.5):
        kind, entity = document.labels["kind"], document.labels["entity"]
        values = slots_of(0, kind, entity, 0)
        for relation in ASKABLE[kind]:
            if not secret(kind, entity, relation):
                told += values.get(relation, "\0") in document.text
                continue
            hidden += 1
            if relation in ("award", "food"):  # values that stand for nothing else in the article
                assert values.get(relation, "\0") not in document.text
    assert hidden > 1000 and told > 300
    english = "\n".join(document.text for document in take("en", 3000))
    shown = sum(
        slots_of(0, "person", one, 1).get("award", "\0") in english
        for one in range(20)
        if secret("person", one, "award")
    )
    assert shown > 3


def test_the_share_of_english_only_facts_is_kept():
    secret = english_only(7, 0.3)
    found = [secret("person", entity, relation) for entity in range(2000) for relation in ASKABLE["person"]]
    assert 0.27 < sum(found) / len(found) < 0.33
    assert not any(english_only(7, 0.0)("person", entity, "award") for entity in range(100))


@pytest.mark.parametrize(("register", "least"), [("ja", 0.17), ("en", 0.17), ("code", 0.12)])
def test_text_does_not_repeat_itself(register, least):
    text = "\n".join(one.text for one in take(register, 3000)).encode()
    assert len(zlib.compress(text, 9)) / len(text) > least  # prose of people: 0.3 to 0.4
    sentences = re.split(r"[。\n]|\. ", text.decode())
    long_ones = [one for one in sentences if len(one) > 30]
    assert len(set(long_ones)) / len(long_ones) > (0.4 if register == "code" else 0.7)


def test_mentions_follow_a_steep_law():
    counts: dict[int, int] = {}
    for document in take("en", 6000):
        if document.labels["kind"] == "person":
            counts[document.labels["entity"]] = counts.get(document.labels["entity"], 0) + 1
    ordered = sorted(counts.values(), reverse=True)
    assert ordered[0] > 10 * ordered[len(ordered) // 4] and len(ordered) > 500


def test_japanese_is_japanese_and_english_is_english():
    ja = "".join(one.text for one in take("ja", 300))
    en = "".join(one.text for one in take("en", 300))
    assert len(re.findall(r"[ぁ-んァ-ヶ一-龠々ー]", ja)) / len(ja) > 0.75
    assert not re.findall(r"[ぁ-んァ-ヶ一-龠]", en)
    assert not re.search(r"はは|をを|がが|のの|、、|。。|、。", ja)
    assert not re.search(r"\b(a|an|the) (a|an|the)\b| ,| \.|\S  \S|\b[Aa] [aeiou]", en)


@pytest.mark.parametrize(
    ("kana", "roman"),
    [("きょうこ", "kyoko"), ("しゅん", "shun"), ("まつもと", "matsumoto"), ("にっぽん", "nippon"), ("おおた", "ota")],
)
def test_romaji(kana, roman):
    assert romaji(kana) == roman


def test_the_command_prints_its_speed_and_refuses_an_unknown_register():
    command = [sys.executable, "-m", "studylib.data.miniworld", "--bytes", "50000", "--register"]
    good = subprocess.run([*command, "en"], capture_output=True, text=True)
    assert good.returncode == 0 and "MB/s" in good.stdout
    bad = subprocess.run([*command, "fr"], capture_output=True, text=True)
    assert bad.returncode == 2 and "choose from code, en, instruct, ja" in bad.stderr
