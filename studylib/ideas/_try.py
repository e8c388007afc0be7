"""A reader's own change beside a baseline: what differs, what it costs, and what it is worth at the same seeds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from studylib.errors import invalid
from studylib.notebook import flattened, line, records
from studylib.params import StudyParams
from studylib.spec import TrialSpec
from studylib.trials.cache import Task

if TYPE_CHECKING:
    import polars as pl

    from studylib.trials.plan import Plan

_MOST_SEEDS = 3
BASE, MINE = "baseline", "mine"
_NOT_COMPARED = ("tags", "seed", "checkpoint_every", "keep_steps")


@dataclass(frozen=True)
class Comparison:
    """Two recipes at the same seeds, trained or still to train.

    Attributes
    ----------
    specs
        Those of the baseline, then as many of the change.
    """

    params: StudyParams
    specs: tuple[TrialSpec, ...]

    @classmethod
    def of(cls, params: StudyParams, base: TrialSpec, mine: TrialSpec) -> Comparison:
        """At the study's first seeds, three at most.

        Raises
        ------
        StudyError
            The two are the same trial, or there is only one seed.
        """
        seeds = params.seeds[:_MOST_SEEDS]
        if len(seeds) < 2:
            raise invalid("seeds", list(seeds), "is too few to compare by: a difference needs 2 at least")
        specs = tuple(
            one.replace(seed=seed, tags={"variant": name})
            for name, one in ((BASE, base), (MINE, mine))
            for seed in seeds
        )
        if specs[0].hash == specs[len(seeds)].hash:
            raise invalid("mine", mine.label, "is the baseline itself: change something that it is trained by")
        return cls(params, specs)

    def carry_out(self) -> None:
        """Train what is not trained yet."""
        from studylib.trials import run_trials

        run_trials(self.specs, **self.params.launch)

    @property
    def pair(self) -> tuple[TrialSpec, TrialSpec]:
        """Both at the first seed."""
        return self.specs[0], self.specs[len(self.specs) // 2]

    @property
    def changes(self) -> list[dict[str, Any]]:
        """The settings in which the two differ."""
        base, mine = (
            dict(
                flattened(
                    {key: value for key, value in one.model_dump(mode="json").items() if key not in _NOT_COMPARED}
                )
            )
            for one in self.pair
        )
        return [
            {"setting": name, BASE: base.get(name), MINE: mine.get(name)}
            for name in dict.fromkeys((*base, *mine))
            if base.get(name) != mine.get(name)
        ]

    def planned(self) -> Plan:
        """What is done of it and what the rest would take."""
        from studylib.trials import plan_steps

        return plan_steps(self.specs, self.params.folder, workers=self.params.workers or None)

    def __repr__(self) -> str:
        changes = "; ".join(f"{one['setting']}: {one[BASE]} -> {one[MINE]}" for one in self.changes)
        return f"{changes}\n{self.planned()}"

    def _repr_html_(self) -> str:
        return records(self.changes) + line(str(self.planned()))

    def compared(self, metric: str = "val_bpb") -> Compared:
        """The paired difference in ``metric`` (bits per byte), from the trials that are done."""
        from studylib.trials import trials_frame

        return Compared(self, trials_frame(self.specs, self.params.folder), metric)


@dataclass(frozen=True)
class Compared:
    """What the trials of a comparison say; shows itself as a sentence and a table."""

    comparison: Comparison
    trials: pl.DataFrame
    metric: str

    @property
    def to_do(self) -> int:
        """Trials that are neither done nor failed."""
        return sum(
            Task.under(self.comparison.params.folder, spec).state in ("to do", "running")
            for spec in self.comparison.specs
        )

    def table(self) -> pl.DataFrame:
        """One row: ``difference, low, high`` (95 %), ``p_value``, ``mde`` and the rest of `compare_to_baseline`.

        Raises
        ------
        StudyError
            Fewer than two seeds of both are done.
        """
        from studylib.analysis import compare_to_baseline

        return compare_to_baseline(self.trials, BASE, self.metric)

    def __repr__(self) -> str:
        if self.to_do:
            return f"{self.to_do} of {len(self.trials)} trials are not trained yet: set go = True in the cell above and run it."
        found = self.table().row(0, named=True)
        if found["difference"] is None:
            return (
                f"{MINE} has fewer than two finished trials: {'; '.join(self.trials['message'].drop_nulls().unique())}"
            )
        side = "below" if found["difference"] < 0 else "above"
        told = "more than chance" if found["significant"] else "no more than chance may do"
        return (
            f"{MINE} is {abs(found['difference']):.4f} bits per byte {side} {BASE} (95 %: {found['low']:+.4f} to "
            f"{found['high']:+.4f}; {found['pairs']} paired seeds): {told} (p = {found['p_value']:.2g}). The noise floor of such a "
            f"comparison: a true difference of {found['mde']:.4f} is found in 4 of 5."
        )

    def _repr_html_(self) -> str:
        if self.to_do:
            return line(repr(self))
        rows = self.trials.select("variant", "seed", "status", self.metric, "params", "tokens", "flops", "seconds")
        return line(repr(self)) + records(rows.rows(named=True))
