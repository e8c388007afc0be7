"""Who leads at each size, and whether that changed over the sizes by more than noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from studylib.analysis.decision import Decision, decide_from
from studylib.analysis.equalise import at_size
from studylib.analysis.finished import typical_params
from studylib.analysis.margin import MARGIN
from studylib.analysis.posterior import fit_posterior
from studylib.analysis.twoway import finished
from studylib.errors import StudyError
from studylib.result import BySize, Change, SizeLeader


@dataclass(frozen=True)
class Leading:
    """The decision at one size, its variants by names that mean the same at every size.

    Attributes
    ----------
    params
        Non-embedding parameters (the lower median of the variants).
    p_best
        Of every variant, by its label.
    """

    size: str
    params: float
    decision: Decision
    labels: Mapping[str, str]

    @property
    def p_best(self) -> dict[str, float]:
        return {self.labels[name]: p for name, p in self.decision.p_best.items()}

    def row(self) -> SizeLeader:
        found = self.decision
        return SizeLeader(
            size=self.size, params=self.params, leader=self.labels[found.leader], p_best=found.p_best[found.leader],
            ahead=found.ahead, rivals=tuple(self.labels[name] for name in found.rivals),
        )  # fmt: skip


def leading_by_size(
    trials: pl.DataFrame,
    *,
    label: str = "variant",
    errors: Mapping[str, np.ndarray] | None = None,
    looks: int = 1,
) -> list[Leading]:
    """Of every size at which variants can be compared, smallest first.

    Parameters
    ----------
    trials
        One row a trial: ``size, variant, seed, status, non_embedding_params, val_bpb``.
    label
        Column of what a variant is called at every size, where its own name says more (``3x32``).
    errors, looks
        As of ``accountings`` (by ``size/variant``) and of ``decide``.
    """
    found = []
    for (size,), own in trials.group_by(["size"], maintain_order=True):
        try:
            seen = fit_posterior(own)
        except StudyError:  # one variant or one seed: nobody leads
            continue
        moves = {name: draws for name, draws in at_size(errors or {}, str(size)).items() if name in seen.variants}
        decision = decide_from(seen.moved(moves), margin=MARGIN * abs(seen.level), at=str(size), looks=looks)
        rows = finished(own, "val_bpb")
        labels = dict(rows.select("variant", pl.col(label).cast(pl.String).alias("label")).iter_rows())
        params = typical_params(rows)
        found.append(Leading(str(size), params, decision, labels))
    return sorted(found, key=lambda one: one.params)


def by_size(leading: Sequence[Leading]) -> BySize | None:
    """The rows of the report, and what became of the leader; None with fewer than two sizes."""
    if len(leading) < 2:
        return None
    first, last = leading[0], leading[-1]
    return BySize(sizes=tuple(one.row() for one in leading), change=_change(first, last))


def _change(first: Leading, last: Leading) -> Change:
    """A change of leaders counts where each is out at the other's size; one that was not tried at both ends is not known to be."""
    small, large = first.row(), last.row()
    if small.leader == large.leader:
        return "kept" if small.ahead and large.ahead else "unsure"
    if large.leader not in first.p_best or small.leader not in last.p_best:
        return "untried"
    out = small.leader not in large.rivals and large.leader not in small.rivals
    return "changed" if out else "noise"
