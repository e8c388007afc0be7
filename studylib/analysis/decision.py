"""From losses to a decision: P(best), expected regret, the flat basin, and the run that would settle it.

Model. ``loss = variant + seed + noise`` (see ``twoway``); one noise variance for all variants, with its exact
scaled-inverse-chi-square posterior, so few seeds give wide (t-like) answers. Variants are exchangeable a priori,
``variant ~ Normal(m, tau)``, with a half-Cauchy prior on ``tau`` (scale 3 % of the mean loss: the size of the
differences published for shapes and structures). The data decide how far the leader's lucky draw is pulled back
towards the others; without that, the best of many equal variants would look like a winner.
Only contrasts between variants enter, because the seeds' common level is not identified and not needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from studylib.analysis.next_run import NextRun, plan_next_run
from studylib.analysis.twoway import TwoWay, fit_two_way
from studylib.errors import invalid
from studylib.result import Text, Verdict

Basis = Literal["flops", "text", "seconds", "memory", "target_tokens"]
State = Literal["winner", "equivalent", "undecided"]

_TAU_SCALE = 0.03
_OPEN = 0.05  # a variant stays in the basin until the leader is ahead with 95 %


@dataclass(frozen=True)
class Decision:
    """What the trials say about which variant is best.

    Attributes
    ----------
    leader
        The variant with the lowest posterior mean.
    p_best
        Probability that each variant is best; sums to 1.
    regret
        Expected loss given away by choosing the leader now, in units of the metric (bits per byte).
    basin
        Variants that cannot be told from the best: the leader, and all with ``P(better than the leader) > 5 %``.
    margin
        Practical equivalence: differences below it do not matter.
    state
        ``winner``: P(best) and regret both pass. ``equivalent``: P(best) does not, yet choosing the leader costs less
        than the margin, so more seeds are not worth it. ``undecided``: neither.
    effects
        Posterior mean of each variant's difference to the leader.
    next_run
        The cheapest run that would settle it; None when there is nothing to settle.
    """

    leader: str
    p_best: dict[str, float]
    regret: float
    basin: tuple[str, ...]
    margin: float
    state: State
    effects: dict[str, float]
    sd: float
    next_run: NextRun | None

    @property
    def decided(self) -> bool:
        return self.state == "winner"

    def verdict(self, basis: Basis) -> Verdict:
        """The row of the report for one accounting."""
        return Verdict(
            basis=basis,
            winner=self.leader,
            ahead=self.decided,
            p_best=self.p_best,
            expected_regret_bpb=self.regret,
            text=self.text(),
            basin=self.basin,
        )

    def text(self) -> Text:
        p, others = _percent(self.p_best[self.leader]), len(self.basin) - 1
        if self.state == "winner":
            return Text(
                en=f"{self.leader} is best with probability {p}.",
                ja=f"{self.leader} が {p} の確率で最良です。",
            )
        if self.state == "equivalent":
            return Text(
                en=f"{self.leader} leads (P(best) {p}); {_others(others)} cannot be told from it, and choosing it "
                f"gives away only {self.regret:.4f} bits per byte on average.",
                ja=f"{self.leader} が首位(最良確率 {p})。ほかの {others} 案と区別できませんが、これを選んでも"
                f"平均損失は {self.regret:.4f} bits/byte にすぎません。",
            )
        return Text(
            en=f"Undecided: {self.leader} leads with P(best) {p}; {_others(others)} still open.",
            ja=f"未決:{self.leader} が首位ですが最良確率は {p}。ほかの {others} 案も候補に残っています。",
        )


def _others(count: int) -> str:
    return "1 other" if count == 1 else f"{count} others"


def _percent(p: float) -> str:
    """Never a certainty that finitely many draws cannot show."""
    return ">99 %" if p >= 0.995 else f"{100 * p:.0f} %"


def decide(
    trials: pl.DataFrame,
    metric: str = "val_bpb",
    *,
    variant: str = "variant",
    confidence: float = 0.9,
    margin: float | None = None,
    draws: int = 20_000,
    random_seed: int = 0,
) -> Decision:
    """Which variant is best, and is that decided?

    Parameters
    ----------
    trials
        One row a trial, of one size or budget, adjusted to the accounting wanted (``studylib.analysis.equalise``).
        Lower ``metric`` is better. Trials that did not finish are left out, never imputed.
    confidence
        P(best) from which the leader counts as the winner.
    margin
        Practical equivalence in units of the metric; default 0.2 % of the mean loss.

    Raises
    ------
    StudyError
        Fewer than two variants or seeds (see ``fit_two_way``), or a setting out of range.
    """
    if not 0.5 < confidence < 1:
        raise invalid("confidence", confidence, "is not between 0.5 and 1")
    if margin is not None and margin < 0:
        raise invalid("margin", margin, "is negative")
    fit = fit_two_way(trials, metric, variant=variant)
    level = float(fit.effects.mean())
    margin = 0.002 * abs(level) if margin is None else margin
    samples = posterior(fit, draws=draws, scale=_TAU_SCALE * abs(level), random_seed=random_seed)

    mean = samples.mean(axis=0)
    lead = int(mean.argmin())
    best = np.bincount(samples.argmin(axis=1), minlength=len(mean)) / len(samples)
    regret = float((samples[:, lead] - samples.min(axis=1)).mean())
    ahead = (samples < samples[:, [lead]]).mean(axis=0)
    inside = [i for i in np.argsort(mean, kind="stable") if i == lead or ahead[i] > _OPEN]
    if best[lead] >= confidence and regret <= margin:
        state: State = "winner"
    else:
        state = "equivalent" if regret <= margin else "undecided"
    basin = tuple(fit.variants[i] for i in inside)
    gaps = {fit.variants[i]: float(mean[i] - mean[lead]) for i in range(len(mean))}
    return Decision(
        leader=fit.variants[lead],
        p_best={name: float(p) for name, p in zip(fit.variants, best, strict=True)},
        regret=regret,
        basin=basin,
        margin=margin,
        state=state,
        effects=gaps,
        sd=fit.sd,
        next_run=None if state == "winner" else plan_next_run(trials, fit, basin, gaps, margin, variant=variant),
    )


def posterior(fit: TwoWay, *, draws: int = 20_000, scale: float, random_seed: int = 0) -> np.ndarray:
    """[draws, V] samples of the variants' losses, up to a common level.

    ``scale`` is that of the half-Cauchy prior on the spread of the variants, in units of the loss.
    """
    generator = np.random.default_rng(random_seed)
    count = len(fit.variants)
    basis = _contrasts(count)  # [V-1, V], orthonormal, each row sums to 0
    seen = basis @ fit.effects
    # An exact tie without noise (identical variants) must not divide by zero.
    floor = 1e-12 * max(float(np.abs(fit.effects).max()), 1e-12)
    error = basis @ fit.covariance @ basis.T * max(fit.sd, floor) ** 2
    values, vectors = np.linalg.eigh(error)
    values = np.maximum(values, floor**2 * 1e-3)
    seen = vectors.T @ seen  # independent coordinates: variance factor * values + tau^2 each

    noise = fit.dof / generator.chisquare(fit.dof, draws)  # [draws] posterior of the variance, relative to sd^2
    tau = scale * np.tan(np.linspace(0.002, 0.998, 96) * np.pi / 2)  # equal prior mass a point: half-Cauchy
    chosen, evidence = np.empty(draws), np.empty(draws)
    for part in np.array_split(np.arange(draws), max(1, draws // 2000)):
        total = noise[part, None, None] * values + tau[None, :, None] ** 2  # [part, tau, V-1]
        log = -0.5 * (np.log(total) + seen**2 / total).sum(axis=-1)
        top = log.max(axis=1, keepdims=True)
        cumulative = np.exp(log - top).cumsum(axis=1)
        pick = (generator.random(len(part))[:, None] * cumulative[:, -1:] > cumulative).sum(axis=1)
        chosen[part] = tau[np.minimum(pick, len(tau) - 1)]
        evidence[part] = top[:, 0] + np.log(cumulative[:, -1])
    # How far apart the variants lie also says which noise levels are credible: resample the draws accordingly.
    weight = np.exp(evidence - evidence.max())
    kept = generator.choice(draws, draws, p=weight / weight.sum())
    noise, chosen = noise[kept], chosen[kept]
    variance = noise[:, None] * values
    shrink = chosen[:, None] ** 2 / (chosen[:, None] ** 2 + variance)
    coordinates = shrink * seen + np.sqrt(shrink * variance) * generator.standard_normal((draws, count - 1))
    return coordinates @ vectors.T @ basis


def _contrasts(count: int) -> np.ndarray:
    """[count-1, count] orthonormal rows orthogonal to the vector of ones (Helmert's)."""
    rows = np.zeros((count - 1, count))
    for i in range(1, count):
        rows[i - 1, :i] = 1.0
        rows[i - 1, i] = -i
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)
