"""How all choices are held together: at which rate, and, where they fail together, which of them is at fault.

The rate is tuned first, as that of every variant is. Where the choices then fail together at the smallest size, each is tried there
alone and left out once, on the first seed; the two without which the rest does best, at the other seeds too. The one without which it
does best over all seeds is at fault; where the rest still fails, it goes on with that. What each brings alone at that size tells choices that spoil each other from
choices whose effects elsewhere do not hold there.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean

from studylib.errors import StudyError
from studylib.ideas.decision.combined import Combined, Part
from studylib.ideas.decision.schema import DecisionParams
from studylib.ideas.decision.trials import REST, baseline, combined_trial, rate_trials, together_trials
from studylib.spec import TrialSpec
from studylib.trials.cache import Task

ALL = "all choices together"
_CONTENDERS = 2  # of those left out, that are left out at every seed
ONE_LESS = "leaving out what is at fault, only where all together fail"


@dataclass(frozen=True)
class Stage:
    """Trials whose outcomes are needed; then about ``expected`` more by the round ``then``."""

    trials: Sequence[TrialSpec]
    then: str = ONE_LESS
    expected: int = 0


@dataclass(frozen=True)
class Out:
    """One choice that was left out.

    Attributes
    ----------
    part
        The choice.
    tried
        Every choice that was left out in turn, with the rest's difference to the baseline at the first seed, percent of the loss;
        None where it did not finish.
    rest
        Of the rest without ``part``, by seed.
    instead
        Others of ``tried`` without which the rest does not fail either, where it does not without ``part``.
    """

    part: Part
    tried: tuple[tuple[Part, float | None], ...]
    rest: tuple[float, ...]
    instead: tuple[Part, ...]


@dataclass
class Held:
    """All choices together, as far as the trials have come; `stages` fills it.

    Attributes
    ----------
    rates
        Loss in bits per byte at every multiple of the rate; None where it did not finish. Empty: not tuned.
    differences
        Of all choices at the smallest size to the baseline, percent of the loss by seed.
    fails
        Whether they fail together there.
    alone
        What each choice brings alone there, at the first seed, percent of the loss, by name; None where it did not finish. Empty: not
        asked.
    out
        The choices at fault, in the order in which they were left out.
    holds
        Whether what is left does not fail.
    """

    params: DecisionParams
    combined: Combined
    rates: dict[float, float | None] = field(default_factory=dict)
    differences: tuple[float, ...] = ()
    fails: bool = False
    alone: dict[str, float | None] = field(default_factory=dict)
    out: list[Out] = field(default_factory=list)
    holds: bool = True

    @classmethod
    def of(cls, params: DecisionParams, combined: Combined) -> Held:
        """From trials that have all ended."""
        found = cls(params, combined)
        for stage in found.stages():
            if open_ := [one for one in stage.trials if not found.ended(one)]:
                raise RuntimeError(f"{open_[0].name} of all choices together has not ended")
        return found

    @property
    def seeds(self) -> tuple[int, ...]:
        """Those of the smallest size, where it is found out who is at fault."""
        return self.params.seeds_of(self.params.held_at[0])

    @property
    def lr_factor(self) -> float:
        """The multiple of the rate at which the loss is lowest."""
        finished = {factor: loss for factor, loss in self.rates.items() if loss is not None}
        return min(finished, key=finished.__getitem__, default=1.0)

    @property
    def sum_there(self) -> float | None:
        """What the effects alone at the smallest size come to, percent of the loss; None where one is not known."""
        effects = list(self.alone.values())
        if not effects or None in effects:
            return None
        return 100 * math.expm1(sum(map(_log, effects)) / 100)

    @property
    def clash(self) -> bool | None:
        """Whether the choices are worse together than their effects at that very size say; None where one of these is not known."""
        from studylib.analysis import Alone, fails_together

        if self.sum_there is None:
            return None
        parts = [
            Alone(one.name, _log(self.alone[one.name]), math.sqrt(2) * one.noise, "there", one.noise, 1)
            for one in self.combined.parts
        ]
        return fails_together([_log(one) for one in self.differences], parts)

    def stages(self) -> Iterator[Stage]:
        """What is to be trained, one stage after another; the trials handed out must have ended before the next is asked for.

        Everything follows from outcomes on record, so what was cut off goes on where it stood.
        """
        params, whole = self.params, self.combined
        if not whole.parts:
            return
        if rates := rate_trials(params, whole):
            yield Stage([*rates.values()], ALL, params.held_trials)
            self.rates = {factor: self._loss(trial) for factor, trial in rates.items()}
        together = together_trials(params, whole, self.lr_factor)
        yield Stage(together, ONE_LESS, self._most_left_out())
        self.differences = self._differences(together[: len(self.seeds)])
        self.fails = self._failing(self.differences, whole)
        self.holds = not self.fails
        while not self.holds and len(self.out) < params.leave_out and len(whole.parts) > 1:
            tried = self._each_left_out(whole)
            alone = {} if self.out else {one.name: self._alone(one) for one in whole.parts}
            yield Stage([*alone.values(), *tried.values()], ONE_LESS, _CONTENDERS * (len(self.seeds) - 1))
            if alone:
                self.alone = {name: next(iter(self._differences([trial])), None) for name, trial in alone.items()}
            came = {name: self._differences([trial]) for name, trial in tried.items()}
            finished = {name: own[0] for name, own in came.items() if own}
            if not finished:
                return
            by_name = {part.name: part for part in whole.parts}
            without = {name: whole.without(by_name[name]) for name in finished}
            # Where training fails seeds differ by much, so one of them does not tell the best two apart.
            best = sorted(finished, key=finished.__getitem__)[:_CONTENDERS]
            rests = {name: [self._trial(without[name], seed) for seed in self.seeds] for name in best}
            yield Stage([trial for trials in rests.values() for trial in trials])
            own = {name: self._differences(trials) for name, trials in rests.items()}
            name = min(best, key=lambda one: (-len(own[one]), fmean(own[one])))
            self.holds = not self._failing(own[name], without[name])
            instead = [
                by_name[one]
                for one in finished
                if self.holds and one != name and not self._failing((finished[one],), without[one])
            ]
            self.out.append(
                Out(
                    part=by_name[name], tried=tuple((by_name[one], finished.get(one)) for one in tried), rest=own[name],
                    instead=tuple(instead),
                )
            )  # fmt: skip
            whole = without[name]

    def ended(self, trial: TrialSpec) -> bool:
        """Whether its outcome is on record, good or bad."""
        return _task(self.params, trial).state in ("done", "failed")

    def _most_left_out(self) -> int:
        """How many trials it takes at most to find who is at fault."""
        count, others = len(self.combined.parts), len(self.seeds) - 1
        turns = min(self.params.leave_out, count - 1)
        return sum(count - turn + _CONTENDERS * others for turn in range(turns)) + count * (turns > 0)

    def _alone(self, part: Part) -> TrialSpec:
        """One choice by itself at the smallest size, with the rate that comes with it."""
        about = {"family": REST, "variant": f"{part.brief} alone"}
        one = replace(self.combined, parts=(part,))
        trial = combined_trial(self.params, one, self.params.held_at[0], self.seeds[0], **about)
        return trial.replace(eval_every=0)

    def _each_left_out(self, whole: Combined) -> dict[str, TrialSpec]:
        """By name of the choice what is left of ``whole`` without it, at the first seed; without what the rest cannot be built from."""
        found = {}
        for part in whole.parts:
            try:
                found[part.name] = self._trial(whole.without(part), self.seeds[0])
            except StudyError:  # another of them needs it
                continue
        return found

    def _trial(self, combined: Combined, seed: int) -> TrialSpec:
        kept = {one.name for one in combined.parts}
        gone = [one.brief for one in self.combined.parts if one.name not in kept]
        about = {"lr_factor": self.lr_factor, "family": REST, "variant": f"without {', '.join(gone)}"}
        return combined_trial(self.params, combined, self.params.held_at[0], seed, **about).replace(eval_every=0)

    def _differences(self, trials: Sequence[TrialSpec]) -> tuple[float, ...]:
        """To the baseline at the same seed, percent of the loss; of trials that finished, beside baselines that did."""
        found = []
        for trial in trials:
            own = self._loss(trial)
            base = self._loss(baseline(self.params, self.params.held_at[0], trial.seed))
            if own is not None and base is not None:
                found.append(100 * (own / base - 1))
        return tuple(found)

    def _failing(self, differences: Sequence[float], combined: Combined) -> bool:
        from studylib.analysis import fails_together

        return fails_together(differences, [one.alone for one in combined.parts])

    def _loss(self, trial: TrialSpec) -> float | None:
        result = _task(self.params, trial).result()
        return result.val_bpb if result is not None and math.isfinite(result.val_bpb) else None


def _log(percent: float) -> float:
    """Percent as a hundred times the logarithm, in which effects add up however large they are."""
    return 100 * math.log1p(percent / 100)


def _task(params: DecisionParams, trial: TrialSpec) -> Task:
    return Task.under(params.folder, trial)
