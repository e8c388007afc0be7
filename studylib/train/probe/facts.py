"""Facts of miniworld: is what only English tells known in Japanese?"""

from __future__ import annotations

from typing import Any

from studylib.data import PreparedData
from studylib.data.miniworld.facts import questions
from studylib.errors import invalid
from studylib.parallel import World
from studylib.spec import DataSpec, SourceSpec, TrialSpec
from studylib.train.compute import Compute
from studylib.train.probe import Probe
from studylib.train.probe._asked import Asked

__all__ = ["Facts"]

QUESTIONS, WRONG, FEWEST = 48, 3, 12
# Group: in which language it is asked, and whether English alone tells it.
GROUPS = {
    "english_only_in_japanese": ("ja", True),
    "english_only_in_english": ("en", True),
    "both_in_japanese": ("ja", False),
}


class Facts(Probe):
    """How much likelier the entity makes the right answer than wrong ones.

    Three groups of questions: what English alone tells, asked in Japanese (transfer between the languages) and in English
    (is it known at all?), and what both languages tell, asked in Japanese.
    """

    def __init__(self, spec: TrialSpec, prepared: PreparedData):
        japanese, _ = miniworld_sources(spec.data)
        seed, share = japanese.options.get("seed", 0), japanese.options.get("english_only", 0.2)
        self._groups: dict[str, Asked] = {}
        for name, (language, secret) in GROUPS.items():
            asked = questions(language, seed, english_only_share=share, secret=secret, count=5 * QUESTIONS, wrong=WRONG)
            if asked:  # english_only: 0 keeps nothing from Japanese
                self._groups[name] = Asked("facts", asked, spec, prepared, most=QUESTIONS, fewest=FEWEST)

    def measure(self, model: Any, world: World, compute: Compute) -> dict[str, dict[str, float]]:
        """By group: ``accuracy`` (``chance`` for a model that knows nothing), ``margin`` (nats by which the right
        answer's score exceeds the mean of the wrong ones), its standard ``error`` over questions, and their number.
        """
        found = {}
        for name, asked in self._groups.items():
            scores = asked.scores(model, world, compute)
            margins = scores[:, 0] - scores[:, 1:].mean(axis=1)
            found[name] = {
                "accuracy": float((scores[:, 0] > scores[:, 1:].max(axis=1)).mean()),
                "margin": float(margins.mean()),
                "error": float(margins.std(ddof=1) / len(margins) ** 0.5),
                "chance": 1 / (WRONG + 1),
                "questions": len(scores),
            }
        return found


def miniworld_sources(data: DataSpec) -> tuple[SourceSpec, SourceSpec]:
    """The Japanese and the English miniworld source of one world.

    Raises
    ------
    StudyError
        The data lack one, or the two tell of different worlds.
    """
    found = {
        source.options.get("register", "ja"): source
        for source in data.sources
        if source.kind == "miniworld" and not source.auxiliary
    }
    if not {"ja", "en"} <= found.keys():
        why = "asks about facts of miniworld and needs its registers ja and en among the sources"
        raise invalid("probes", "facts", why)
    japanese, english = found["ja"], found["en"]
    if japanese.options.get("seed", 0) != english.options.get("seed", 0):
        why = "needs Japanese and English miniworld of one seed"
        raise invalid("probes", "facts", why)
    return japanese, english
