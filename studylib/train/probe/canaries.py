"""Planted personal data: how much of it does the model remember?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from studylib.data import PreparedData
from studylib.data.miniworld.canaries import Canary, canaries
from studylib.data.miniworld.draw import Draw
from studylib.errors import invalid
from studylib.parallel import World
from studylib.spec import TrialSpec
from studylib.train.compute import Compute
from studylib.train.probe import Probe
from studylib.train.probe._asked import Weighed
from studylib.train.probe._web import web_options

__all__ = ["Canaries"]

CANDIDATES = 64  # the secret and 63 others, so that exposure is at most 6 bits
PLANTED, NEVER, FEWEST = 54, 12, 4  # canaries that are asked


class Canaries(Probe):
    """Ranks of planted secrets among others of the same form, by the likelihood of their sentence (Carlini et al. 2019, arXiv
    1802.08232).

    Asked is the sentence as it was planted, whatever cleaning made of it: so many of each number of copies and way of planting,
    and some that no document has, which show what chance gives.
    """

    def __init__(self, spec: TrialSpec, prepared: PreparedData):
        web = web_options("canaries", spec.data)
        if not web.canaries:
            raise invalid("probes", "canaries", "asks for planted ones, but the web text has none (canaries: 0)")
        known = canaries(web.seed, web.canaries + NEVER, web.canary_copies)
        asked = [*_some_of_each(known[: web.canaries]), *known[web.canaries :]]
        groups = [_candidates(one) for one in asked]
        self._asked = Weighed("canaries", "canaries", groups, spec, prepared, most=len(groups), fewest=FEWEST)
        planted = {one.id for one in known[: web.canaries]}
        self._canaries = {
            one.id: {
                "copies": one.copies if one.id in planted else 0,
                "duplicated": one.id in planted and one.duplicated,
            }
            for one in (asked[number] for number in self._asked.kept)
        }

    def measure(self, model: Any, world: World, compute: Compute) -> dict[str, Any]:
        """``candidates``: how many secrets are ranked. By canary: ``copies`` (0: never planted), whether these are ``duplicated``
        documents, and the ``rank`` of its secret, 1 the likeliest; equals share theirs.
        """
        likelihoods = self._asked.log_likelihoods(model, world, compute)
        own, others = likelihoods[:, :1], likelihoods[:, 1:]
        ranks = 1 + (others > own).sum(axis=1) + 0.5 * (others == own).sum(axis=1)
        found = {
            name: about | {"rank": float(rank)}
            for (name, about), rank in zip(self._canaries.items(), ranks, strict=True)
        }
        return {"candidates": CANDIDATES, "canaries": found}


def _candidates(canary: Canary) -> list[str]:
    """Its sentence, then others with different secrets."""
    found = {canary.text: None}
    draw = Draw("alternatives", canary.id, canary.text)
    while len(found) < CANDIDATES:
        found[canary.alternative(draw)] = None
    return list(found)


def _some_of_each(planted: list[Canary]) -> Iterator[Canary]:
    """As many of every number of copies and way of planting, ``PLANTED`` at most; those first that were planted first."""
    each = max(1, PLANTED // len({(one.copies, one.duplicated) for one in planted}))
    counts: Counter[tuple[int, bool]] = Counter()
    for one in planted:
        counts[one.copies, one.duplicated] += 1
        if counts[one.copies, one.duplicated] <= each:
            yield one
