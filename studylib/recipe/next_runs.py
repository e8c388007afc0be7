"""What to run next: over all ideas, the runs that lessen the regret at the target most for what they cost.

A run is an idea at a size: all of its choices are compared once more, each among the variants that may still be the best. Its worth
is that of ``analysis.value_of_runs``; preferences are left out, as their regret is not one of the loss.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field

from studylib.analysis.value_of_runs import Beliefs, SeenChoice
from studylib.frozen import Frozen
from studylib.model.cost import own_flops
from studylib.params import StudyParams, load_params
from studylib.project import params_file
from studylib.registry import IDEAS
from studylib.spec import Setting
from studylib.words import Text, Words

if TYPE_CHECKING:
    from studylib.analysis.reliability import Reliability

SIZES = (1e7, 1e8, 1e9)  # parameters without embeddings: a decade apart, the largest a thousandth of the target's FLOPs
SEEDS = (3, 6)
SCALE = "gpu"
_MOST = 10  # runs of a list without a budget
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
    choice: str = Field(description="that gains most: `Setting.decision`")
    choices: tuple[str, ...] = Field(description="all that gain, the most first")
    phase: str
    params: float = Field(description="non-embedding, of its largest trials")
    seeds: int = Field(description="of each variant")
    variants: tuple[str, ...] = Field(description="of that choice, those still open, the setting's own first")
    trials: int = Field(description="about, of all sizes and choices")
    flops: float = Field(description="of all trials, about")
    gpu_hours: float
    reduction_percent: float = Field(description="of the loss: expected reduction of the regret at the target")
    reduction_per_gpu_hour: float
    command: str


class NextRuns(Frozen):
    """The list for a budget, each run with those before it taken into account."""

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
) -> NextRuns:
    """The runs to make, greedily by expected reduction of the regret for a GPU-hour.

    Parameters
    ----------
    settings
        By idea, what its result hands on.
    flops_per_s
        Of one GPU: its peak times the share of it that training reaches.
    target_params
        Parameters without embeddings of the model that is to be built.
    budget_gpu_hours
        Of all runs together; None: ten runs at most.
    out
        The study folder, for the commands.
    """
    choices = list(_compared(settings))
    empty = {"runs": (), "budget_gpu_hours": budget_gpu_hours, "gpu_hours": 0.0, "regret_percent": 0.0, "after_percent": 0.0}  # fmt: skip
    if not choices:
        return NextRuns(**empty, why_none=NOT_COMPARED(ideas=list(settings)) if settings else NOTHING)
    known = [
        SeenChoice(
            [tried.behind_percent for tried in one.tried], [tried.sd_percent for tried in one.tried],
            one.params or 1.0, one.noise_percent or 0.0,
        )
        for _, one in choices
    ]  # fmt: skip
    beliefs = Beliefs.of(known, reliability, SIZES, target_params)
    open_ = beliefs.open
    open_[:, 0] = True  # what the setting stands for now
    now, spent, runs, cheapest = beliefs.regret, 0.0, [], np.inf
    asked = {
        idea: _Asked(idea, rows, _labels(choices, rows, open_))
        for idea in settings
        if (rows := [n for n, (name, _) in enumerate(choices) if name == idea and now[n] >= _LEAST])
    }
    worth = {idea: one.worth(beliefs, open_) for idea, one in asked.items()}
    while budget_gpu_hours is not None or len(runs) < _MOST:
        offers = []
        for idea, found in worth.items():
            for (place, seeds), gains in found.items():
                hours = asked[idea].flops(SIZES[place - 1], seeds) / flops_per_s / 3600
                if gains.sum() < _LEAST:
                    continue
                cheapest = min(cheapest, hours)
                if budget_gpu_hours is None or spent + hours <= budget_gpu_hours:
                    offers.append((gains.sum() / hours, hours, idea, place, seeds))
        if not offers:
            break
        _, hours, idea, place, seeds = max(offers)
        one, gains = asked[idea], worth[idea][place, seeds]
        runs.append(_listed(choices, open_, one, place, seeds, gains, hours, out))
        rows = one.rows
        beliefs = beliefs.put(rows, beliefs.take(rows).planned(place, seeds, open_[rows]))
        spent += hours
        worth[idea] = one.worth(beliefs, open_)
    found = empty | {
        "runs": tuple(runs), "gpu_hours": spent, "regret_percent": float(now.sum()), "after_percent": float(beliefs.regret.sum()),
    }  # fmt: skip
    if not runs:
        none = DECIDED(least=_LEAST, largest=max(SIZES))
        found["why_none"] = none if np.isinf(cheapest) else TOO_DEAR(budget=budget_gpu_hours, cheapest=cheapest)
    return NextRuns(**found)


def _compared(settings: Mapping[str, Sequence[Setting]]) -> Iterator[tuple[str, Setting]]:
    """Of every choice that trials compared, the first field, with its idea."""
    for idea, own in settings.items():
        seen = set()
        for one in own if IDEAS[idea].at_size is not None else ():
            if one.tried and one.phase != "preferences" and (one.phase, one.decision) not in seen:
                seen.add((one.phase, one.decision))
                yield idea, one


def _labels(choices: Sequence[tuple[str, Setting]], rows: Sequence[int], open_: np.ndarray) -> frozenset[str]:
    """The variants of an idea that are still open, by their names in its tables."""
    return frozenset(
        tried.label for n in rows for tried, kept in zip(choices[n][1].tried, open_[n], strict=False) if kept
    )


@dataclass(frozen=True)
class _Asked:
    """An idea that has something open: the rows of its choices, and the variants to go on with."""

    idea: str
    rows: list[int]
    keep: frozenset[str]

    def worth(self, beliefs: Beliefs, open_: np.ndarray) -> dict[tuple[int, int], np.ndarray]:
        """By place and seeds, what each choice's regret is expected to lose."""
        own, variants = beliefs.take(self.rows), open_[self.rows]
        return {
            (place, seeds): np.maximum(own.hoped - own.planned(place, seeds, variants).hoped, 0.0)
            for place in range(1, len(SIZES) + 1)
            for seeds in SEEDS
        }

    def changes(self, size: float) -> dict[str, Any]:
        return IDEAS[self.idea].at_size(self._usual, size, self.keep)

    @cached_property
    def _usual(self) -> StudyParams:
        return load_params(params_file(SCALE, self.idea), self.idea)

    @cached_property
    def _planned(self) -> tuple[np.ndarray, np.ndarray, int]:
        """(FLOPs, trials) at the smallest size: of the fewest seeds and of one more; and the vocabulary."""
        idea = IDEAS[self.idea]
        changed = self.changes(SIZES[0]) | {"seeds": list(range(SEEDS[0]))}
        params = load_params(params_file(SCALE, self.idea), self.idea, changed)
        trials = idea.trials(params)
        flops = np.array([own_flops(one) for one in trials])
        last = np.array([one.seed == SEEDS[0] - 1 for one in trials])
        later = sum(one.expected for one in idea.rounds(params))  # about as dear as the others
        rounds = np.array([later * median(flops), later])
        total = np.array([flops.sum(), len(flops)]) + rounds
        more = np.array([flops[last].sum(), last.sum()]) + rounds / SEEDS[0]
        return total, more, max(one.model.vocab_size for one in trials)

    def flops(self, size: float, seeds: int) -> float:
        """Of all trials, to about a fifth of what a plan says: counted at the smallest size, where planning is quick."""
        total, more, vocabulary = self._planned
        return float((total + (seeds - SEEDS[0]) * more)[0]) * _dearer(size, vocabulary)

    def trials(self, seeds: int) -> int:
        total, more, _ = self._planned
        return round(float((total + (seeds - SEEDS[0]) * more)[1]))


def _dearer(size: float, vocabulary: int) -> float:
    """FLOPs of a trial over those of one of the smallest size: parameters and output head, by tokens in step with the parameters."""

    def read(params: float) -> float:
        width = 64 * (params / (12 * 64**2)) ** (1 / 3)  # hidden_size / num_layers of about 64
        return params * (params + vocabulary * width)

    return read(size) / read(SIZES[0])


def _listed(
    choices: Sequence[tuple[str, Setting]], open_: np.ndarray, asked: _Asked, place: int, seeds: int, gains: np.ndarray,
    hours: float, out: Path | None,
) -> ListedRun:  # fmt: skip
    size = SIZES[place - 1]
    order = [asked.rows[n] for n in np.argsort(-gains, kind="stable") if gains[n] >= _LEAST / len(gains)]
    first = choices[order[0]][1]
    return ListedRun(
        idea=asked.idea, choice=first.decision, choices=tuple(choices[n][1].decision for n in order), phase=first.phase,
        params=size, seeds=seeds, trials=asked.trials(seeds), flops=asked.flops(size, seeds), gpu_hours=hours,
        variants=tuple(one.label for one, kept in zip(first.tried, open_[order[0]], strict=False) if kept),
        reduction_percent=float(gains.sum()), reduction_per_gpu_hour=float(gains.sum() / hours),
        command=command(asked.idea, asked.changes(size) | {"seeds": seeds}, out),
    )  # fmt: skip


def command(idea: str, changes: Mapping[str, Any], out: Path | None) -> str:
    """What starts a run, for a shell."""
    given = [f"{key}={_yaml(value)}" for key, value in changes.items()]
    words = ["study", "run", idea, "--scale", SCALE, *(word for one in given for word in ("--set", one))]
    return shlex.join([*words, *(["--out", str(out)] if out is not None else [])])


def _yaml(value: Any) -> str:
    """In one line; JSON is YAML, but for what pydantic made of lists."""
    return json.dumps(value, ensure_ascii=False, default=list)
