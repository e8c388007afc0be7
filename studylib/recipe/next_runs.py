"""What to run next: over all ideas, the runs that lessen the regret at the target most for what they cost.

A run compares one choice of an idea at a size, among those of its variants that may still be the best; what the idea has found of its
other choices stays (``keep_settings``). Its worth is that of ``analysis.value_of_runs``, its cost that of the trials which the idea
plans for it. Preferences are left out, as their regret is not one of the loss.
"""

from __future__ import annotations

import json
import math
import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from pydantic import Field

from studylib.analysis.value_of_runs import Beliefs, SeenChoice, allocate
from studylib.errors import StudyError
from studylib.frozen import Frozen
from studylib.model.cost import own_flops
from studylib.params import StudyParams, load_params
from studylib.project import params_file
from studylib.recipe.own_text import text_in
from studylib.registry import IDEAS
from studylib.spec import Setting
from studylib.words import Text, Words

if TYPE_CHECKING:
    from studylib.analysis.reliability import Reliability

SIZES = (
    1e7,
    3e7,
    1e8,
    3e8,
    1e9,
)  # parameters without embeddings; the largest costs about a hundredth of the target's FLOPs
SEEDS = 3  # that a run adds
SCALE = "gpu"
_SAME = 0.2  # log: sizes nearer than this are one
USUAL_BUDGET = 1000.0  # GPU-hours, where none is given
_LEAST = 1e-3  # percent of the loss: what lessens the regret by less is not worth a line

NOTHING = Text(
    en="No idea of this study has a result, so it is not known what is open.",
    ja="この研究にはまだ結果がなく、何が未決かわかりません。",
)
NOT_COMPARED = Words(
    en="No choice of {{ ideas | listed }} was compared by trials, so it is not known what another run would show.",
    ja="{{ ideas | listed }} では試行で比較された選択がなく、追加の実験で何がわかるかを見積もれません。",
)
DECIDED = Words(
    en="No run is expected to lessen the regret by {{ least | num }} % of the loss: what was compared is settled as far as runs of up "
    "to {{ largest | short }} parameters can.",
    ja="期待損失増を損失の {{ least | num }} % 以上減らす実験はありません。{{ largest | short }} パラメータまでの実験で決められることは決まっています。",
)
TOO_DEAR = Words(
    en="No run fits into {{ budget | num }} GPU-hours; the cheapest that is worth it needs {{ cheapest | num }}.",
    ja="{{ budget | num }} GPU 時間に収まる実験はありません。意味のある最も安い実験には {{ cheapest | num }} GPU 時間が必要です。",
)


class ListedRun(Frozen):
    """One command, what it costs and what it is expected to save."""

    idea: str
    choice: str = Field(description="what is compared: `Setting.decision`")
    phase: str
    params: float = Field(description="non-embedding, of its largest trials")
    seeds: int = Field(description="of each variant")
    variants: tuple[str, ...] = Field(description="that are compared, in the order of the setting's")
    trials: int = Field(description="about, of all sizes")
    flops: float = Field(description="of all trials, about")
    gpu_hours: float
    reduction_percent: float = Field(description="of the loss: expected reduction of the regret at the target")
    reduction_per_gpu_hour: float
    command: str


class NextRuns(Frozen):
    """The list for a budget, the most worth for its cost first."""

    runs: tuple[ListedRun, ...]
    budget_gpu_hours: float | None
    gpu_hours: float = Field(description="of all runs of the list")
    regret_percent: float = Field(
        description="of the loss, at the target: expected, summed over what was compared, now"
    )
    after_percent: float = Field(description="and expected once the list is run")
    why_none: Text | None = Field(default=None, description="why the list is empty")


def next_runs(
    settings: Mapping[str, Sequence[Setting]],
    reliability: Reliability,
    *,
    flops_per_s: float,
    target_params: float = 1e10,
    budget_gpu_hours: float | None = None,
    out: Path | None = None,
    text: Mapping[str, Mapping[str, Any]] | None = None,
) -> NextRuns:
    """The runs to make within a budget, at most one a choice, the most expected reduction of the regret for a GPU-hour first.

    Sizes are chosen so that the regret left by all choices together is least (``value_of_runs.allocate``). Once the first have been
    made, ask again.

    Parameters
    ----------
    settings
        By idea, what its result hands on.
    flops_per_s
        Of one GPU: its peak times the share of it that training reaches.
    target_params
        Parameters without embeddings of the model that is to be built.
    budget_gpu_hours
        Of all runs together; None: `USUAL_BUDGET`.
    out
        The study folder, for the commands.
    text
        By idea, the text of somebody's own that its study read, see `own_text`: its runs are to read that, not the scale's.
    """
    choices = list(_compared(settings))
    empty: dict[str, Any] = {"runs": (), "budget_gpu_hours": budget_gpu_hours, "gpu_hours": 0.0, "regret_percent": 0.0, "after_percent": 0.0}  # fmt: skip
    if not choices:
        return NextRuns(**empty, why_none=NOT_COMPARED(ideas=list(settings)) if settings else NOTHING)
    known = [
        SeenChoice(
            [tried.behind_percent for tried in one.tried], [tried.sd_percent for tried in one.tried],
            one.params or 1.0, one.noise_percent or 0.0, one.spread_percent, one.there,
        )
        for _, one in choices
    ]  # fmt: skip
    beliefs = Beliefs.of(known, reliability, SIZES, target_params)
    now = beliefs.regret
    asked = [(int(n), _Choice(*choices[n], (text or {}).get(choices[n][0], {}))) for n in np.flatnonzero(now >= _LEAST)]
    found = empty | {"regret_percent": float(now.sum()), "after_percent": float(now.sum())}
    offers = [list(one.offers(beliefs, n, flops_per_s)) for n, one in asked]
    worth_it = [one for own in offers for one in own if one.gain >= _LEAST]
    if not worth_it:
        return NextRuns(**found, why_none=DECIDED(least=_LEAST, largest=max(SIZES)))
    budget = USUAL_BUDGET if budget_gpu_hours is None else budget_gpu_hours
    gains, hours = (np.array([[getattr(one, what) for one in own] for own in offers]) for what in ("gain", "hours"))
    taken = allocate(np.where(gains >= _LEAST, gains, 0.0), hours, budget)
    bought = [(one, own[n]) for (_, one), own, n in zip(asked, offers, taken, strict=True) if n >= 0]
    bought.sort(key=lambda pair: -pair[1].gain / pair[1].hours)
    if not bought:
        return NextRuns(**found, why_none=TOO_DEAR(budget=budget, cheapest=min(one.hours for one in worth_it)))
    gained = sum(offer.gain for _, offer in bought)
    return NextRuns(
        **found
        | {
            "after_percent": found["regret_percent"] - gained,
            "runs": tuple(choice.listed(offer, flops_per_s, out) for choice, offer in bought),
            "gpu_hours": sum(offer.hours for _, offer in bought),
        }
    )


def _compared(settings: Mapping[str, Sequence[Setting]]) -> Iterator[tuple[str, Setting]]:
    """Of every choice that trials compared, the first field, with its idea."""
    for idea, own in settings.items():
        seen = set()
        for one in own if IDEAS[idea].at_size is not None else ():
            if one.tried and one.phase != "preferences" and (one.phase, one.decision) not in seen:
                seen.add((one.phase, one.decision))
                yield idea, one


class _Offer(NamedTuple):
    """A run that could be made: at this place, of [1, V] variants."""

    place: int
    variants: np.ndarray
    gain: float
    hours: float


class _Choice:
    """A choice that is open. ``seeds``: by place, those that are planned."""

    def __init__(self, idea: str, setting: Setting, text: Mapping[str, Any]):
        self.idea, self.setting, self._text = idea, setting, text
        self.seeds = dict.fromkeys(range(1, len(SIZES) + 1), 0)
        for place, size in enumerate(SIZES, start=1):
            if abs(math.log(size / (setting.params or 1.0))) < _SAME:
                self.seeds[place] = setting.seeds or 0
        self._usual = load_params(params_file(SCALE, idea), idea)
        self._costs: dict[frozenset[str], tuple[float, float, int]] = {}

    def offers(self, beliefs: Beliefs, row: int, flops_per_s: float) -> Iterator[_Offer]:
        """A run at each size; at those below the setting's own nothing is gained: what smaller models say is in it."""
        own = beliefs.take([row])
        for place, size in enumerate(SIZES, start=1):
            below = math.log(size / (self.setting.params or 1.0)) < -_SAME
            gain = 0.0 if below else float((own.hoped - own.planned(place, SEEDS, own.open).hoped)[0])
            yield _Offer(place, own.open, gain, self._flops(own.open, size) / flops_per_s / 3600)

    def labels(self, variants: np.ndarray) -> tuple[str, ...]:
        return tuple(one.label for one, asked in zip(self.setting.tried, variants[0], strict=False) if asked)

    def listed(self, offer: _Offer, flops_per_s: float, out: Path | None) -> ListedRun:
        size, seeds, labels = SIZES[offer.place - 1], self.seeds[offer.place] + SEEDS, self.labels(offer.variants)
        changes = self._changes(size, labels) | {"seeds": seeds, "keep_settings": True}
        return ListedRun(
            idea=self.idea, choice=self.setting.decision, phase=self.setting.phase, params=size, seeds=seeds, variants=labels,
            trials=self._cost(offer.variants)[1], flops=offer.hours * flops_per_s * 3600, gpu_hours=offer.hours,
            reduction_percent=offer.gain, reduction_per_gpu_hour=offer.gain / offer.hours, command=command(self.idea, changes, out),
        )  # fmt: skip

    def _changes(self, size: float, labels: Collection[str]) -> dict[str, Any]:
        """What is told to the scale's parameters; of the study's own text as much as the size needs."""
        at_size = IDEAS[self.idea].at_size
        usual = at_size(self._usual, size, labels)
        text = _still_read(self._text, self._usual, usual)
        if not text:
            return usual
        # How much is needed of it follows from its own amounts, not from those of the text in whose place it stands.
        usual = text | {key: value for key, value in usual.items() if not any(_is_below(key, place) for place in text)}
        try:
            reading_it = load_params(params_file(SCALE, self.idea), self.idea, usual)
        except StudyError:  # parameters of that scale name parts of its own text: it is theirs that has to be read
            return at_size(self._usual, size, labels)
        return usual | at_size(reading_it, size, labels)

    def _flops(self, variants: np.ndarray, size: float) -> float:
        """Of all trials, to about a fifth of what a plan says."""
        flops, _, vocabulary = self._cost(variants)
        return flops * _dearer(size, vocabulary)

    def _cost(self, variants: np.ndarray) -> tuple[float, int, int]:
        """FLOPs and trials at the smallest size, where planning is quick, and the vocabulary."""
        labels = frozenset(self.labels(variants))
        if labels not in self._costs:
            changed = self._changes(SIZES[0], labels) | {"seeds": SEEDS}
            params = load_params(params_file(SCALE, self.idea), self.idea, changed)
            trials = IDEAS[self.idea].trials(params)
            flops = [own_flops(one) for one in trials]
            later = sum(one.expected for one in IDEAS[self.idea].rounds(params))  # about as dear as the others
            vocabulary = max(one.model.vocab_size for one in trials)
            self._costs[labels] = sum(flops) + later * median(flops), len(flops) + later, vocabulary
        return self._costs[labels]


def _still_read(text: Mapping[str, Any], params: StudyParams, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Of ``text`` what stands where ``params`` has text too, and what ``changes`` do not take away."""
    there = {place for place, _ in text_in(params.content())}
    gone = [place for place in text if any(place == key or _is_below(place, key) for key in changes)]
    return {place: content for place, content in text.items() if place in there and place not in gone}


def _is_below(key: str, place: str) -> bool:
    return key.startswith(f"{place}.")


def _dearer(size: float, vocabulary: int) -> float:
    """FLOPs of a trial over those of one of the smallest size: parameters and output head, by tokens in step with the parameters."""

    def read(params: float) -> float:
        width = 64 * (params / (12 * 64**2)) ** (1 / 3)  # hidden_size / num_layers of about 64
        return params * (params + vocabulary * width)

    return read(size) / read(SIZES[0])


def command(idea: str, changes: Mapping[str, Any], out: Path | None) -> str:
    """What starts a run, for a shell."""
    given = [f"{key}={_yaml(value)}" for key, value in changes.items()]
    words = ["study", "run", idea, "--scale", SCALE, *(word for one in given for word in ("--set", one))]
    return shlex.join([*words, *(["--out", str(_from_here(out))] if out is not None else [])])


def _from_here(folder: Path) -> Path:
    """As one would type it in the project's folder; the command may be published, and where that folder lies is nobody's business."""
    return folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder


def _yaml(value: Any) -> str:
    """In one line; JSON is YAML, but for what pydantic made of lists."""
    return json.dumps(value, ensure_ascii=False, default=list)
