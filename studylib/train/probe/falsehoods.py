"""What the web text tells falsely: does the model repeat it?"""

from __future__ import annotations

from typing import Any

from studylib.data import PreparedData
from studylib.data.miniworld.facts import false_questions
from studylib.data.miniworld.falsehoods import falsehoods
from studylib.parallel import World
from studylib.spec import TrialSpec
from studylib.train.compute import Compute
from studylib.train.probe import Probe
from studylib.train.probe._asked import Asked
from studylib.train.probe._web import web_options

__all__ = ["Falsehoods"]

QUESTIONS, FEWEST, WRONG = 96, 12, 3


class Falsehoods(Probe):
    """The scores (see `Asked`) of the right answer, of the false one that the web text gives, and of other wrong ones.

    Every trial on one world is asked the same, about its commonest facts, whatever share of them its web text tells falsely:
    where it tells the truth, the false answer is the one that it would give otherwise. So models of different text are held
    against each other question by question.
    """

    def __init__(self, spec: TrialSpec, prepared: PreparedData):
        web = web_options("falsehoods", spec.data)
        asked = false_questions(
            web.seed, 1.0, english_only_share=web.english_only, count=5 * QUESTIONS, wrong=WRONG
        )  # fmt: skip
        self._asked = Asked("falsehoods", asked, spec, prepared, most=QUESTIONS, fewest=FEWEST)
        self._share, told = web.false_facts, falsehoods(web.seed, web.false_facts)
        parts = (fact.split("/") for fact in self._asked.facts)
        self._falsely = [told(kind, int(entity), relation) is not None for kind, entity, relation in parts]

    def measure(self, model: Any, world: World, compute: Compute) -> dict[str, Any]:
        """``share`` of the facts that the web text tells falsely, and scores in nats of the answers (right, told falsely, other
        wrong ones) by fact: of those that it tells ``falsely`` and ``truly``.
        """
        scores = self._asked.scores(model, world, compute)
        found: dict[str, Any] = {"share": self._share, "falsely": {}, "truly": {}}
        for fact, falsely, row in zip(self._asked.facts, self._falsely, scores, strict=True):
            found["falsely" if falsely else "truly"][fact] = [round(float(score), 4) for score in row]
        return found
