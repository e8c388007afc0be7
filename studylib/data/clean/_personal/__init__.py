"""Finding personal data in a text, one file a subject. Each yields candidates; here they are weighed against each other."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping

from studylib.data.clean import Span
from studylib.data.clean._personal._candidate import Candidate
from studylib.data.clean._personal._signs import Signs
from studylib.data.clean._personal.addresses import addresses
from studylib.data.clean._personal.names import contact_names, names, same_names
from studylib.data.clean._personal.network import emails, ips
from studylib.data.clean._personal.numbers import numbers

_FINDERS: Mapping[Callable[[str, Signs], Iterator[Candidate]], frozenset[str]] = {
    emails: frozenset(("email",)),
    ips: frozenset(("ip",)),
    numbers: frozenset(("card", "my_number", "phone", "postal_code")),
    addresses: frozenset(("address",)),
    names: frozenset(("name",)),
}
_RANK = {kind: place for place, kind in enumerate(kind for kinds in _FINDERS.values() for kind in sorted(kinds))}
_CONTACT = frozenset(("email", "phone", "postal_code", "address"))


def find_personal(text: str, signs: Signs, kinds: Collection[str]) -> list[Span]:
    """The personal data of ``kinds`` in ``text``, where ``signs`` of any are, in order, not overlapping.

    Of candidates that overlap the longest stands, then the one whose kind comes first above (`_FINDERS`). A candidate that its
    surroundings do not confirm stands where an equal string of its kind is confirmed elsewhere in the text.
    """
    # What a name stands beside tells that it is one, masked or not.
    sought = {*kinds, *(_CONTACT if "name" in kinds else ())}
    found = [
        one
        for finder, its in _FINDERS.items()
        if not its.isdisjoint(sought)
        for one in finder(text, signs)
        if one.kind in sought
    ]
    if any(not one.sure for one in found):
        known = {(one.kind, text[one.start : one.stop]) for one in found if one.sure}
        found = [one for one in found if one.sure or (one.kind, text[one.start : one.stop]) in known]
    if "name" in kinds and found:
        found += contact_names(text, [one for one in found if one.kind in _CONTACT])
        found += same_names(text, [one for one in found if one.kind == "name"])
    found = [one for one in found if one.kind in kinds]
    found.sort(key=lambda one: (one.start - one.stop, _RANK[one.kind], one.start))
    return _apart(found)


def _apart(ranked: list[Candidate]) -> list[Span]:
    taken: list[Candidate] = []
    blocked: set[int] = set()  # spans are short, so their characters are few
    for one in ranked:
        characters = range(one.start, one.stop)
        if blocked.isdisjoint(characters):
            blocked.update(characters)
            taken.append(one)
    return [Span(one.start, one.stop, one.kind) for one in sorted(taken, key=lambda one: one.start)]
