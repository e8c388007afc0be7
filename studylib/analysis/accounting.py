"""The accountings of a fair race: who is best when FLOPs, tokens, seconds or memory are held equal.

Trials are trained at equal FLOPs. What another accounting holds equal is another number of tokens for each variant; where no run
of that length exists, the loss of the run nearest to it is moved there along the loss surface (``loss_surface``), and the error
of the move, with that of the measured speeds, is handed on as draws. A move beyond a factor of two, or one whose error is larger
than the differences that it is to judge, is not made.

Equal memory means equal tokens among the variants that need no more memory than the median one (or a given cap): what a variant
that needs less would do as a larger model was not tried, so it is credited with nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from studylib.analysis.decision import Basis, Decision, decide
from studylib.analysis.equalise import Moved, Mover, at_size
from studylib.analysis.loss_surface import SPREAD
from studylib.notebook import line, records
from studylib.result import Text, Verdict
from studylib.words import Words

NO_VERDICT = Words(
    en="No verdict: {% for one in reasons %}{{ one }}{{ '.' if loop.last else '; ' }}{% endfor %}",
    ja="結論なし:{{ reasons | listed }}。",
)
LEFT_OUT = Words(
    en="{{ told }} Not in the race, or only at its best: {% for one in reasons %}{{ one }}{{ '.' if loop.last else '; ' }}{% endfor %}",
    ja="{{ told }}比較から除くか、最も有利な値で扱った案:{{ reasons | listed }}。",
)


@dataclass(frozen=True)
class NoVerdict:
    """An accounting that the trials say nothing about, and why."""

    why: Text
    leader: None = None
    ahead: bool = False

    def text(self) -> Text:
        return self.why

    def verdict(self, basis: Basis) -> Verdict:
        return Verdict(basis=basis, winner=None, ahead=False, p_best={}, expected_regret_bpb=None, text=self.why)

    def row(self) -> dict[str, object]:
        """As that of a decision."""
        return (
            dict.fromkeys(("at", "leader", "P(best)", "asked for"))
            | {"state": "no verdict"}
            | dict.fromkeys(("expected regret", "margin", "rivals"))
        )

    def _repr_html_(self) -> str:
        return line(self.why.en)


class Accountings(dict[Basis, Moved]):
    """The losses of every accounting; shows itself as how far they were moved."""

    def _repr_html_(self) -> str:
        rows = [
            {
                "held equal": basis, "size": size, "variants": own["variant"].n_unique(),
                "as trained": own.filter((pl.col("token_ratio") - 1).abs() < 1e-9)["variant"].n_unique(),
                "tokens, over those trained": _range(own["token_ratio"]),
                "not comparable": list(at_size(moved.refused, size)), "only bounded": list(at_size(moved.bounded, size)),
                "left out": list(at_size(moved.out, size)),
            }
            for basis, moved in self.items()
            for (size,), own in moved.trials.group_by(["size"], maintain_order=True)
        ]  # fmt: skip
        return records(rows)


class Decisions(dict[Basis, Decision | NoVerdict]):
    """The decisions of every accounting at one size; shows itself as a row each."""

    def _repr_html_(self) -> str:
        why = "".join(line(f"{basis}: {one.why.en}") for basis, one in self.items() if isinstance(one, NoVerdict))
        return records([{"held equal": basis} | one.row() for basis, one in self.items()]) + why


def _range(ratios: pl.Series) -> str:
    least, most = ratios.min(), ratios.max()
    return "" if least is None else f"{least:.3g}" if most - least < 5e-4 else f"{least:.3g} to {most:.3g}"


def accountings(
    trials: pl.DataFrame,
    lengths: pl.DataFrame | None = None,
    *,
    reference: Mapping[str, str] | str | None = None,
    speeds: Mapping[str, Sequence[float]] | None = None,
    bases: Iterable[Basis] = ("flops", "tokens", "seconds", "memory"),
    cap: float | None = None,
    spread: float = SPREAD,
) -> Accountings:
    """Every accounting's losses, at every size.

    Parameters
    ----------
    trials
        The race: one row a trial with ``size, variant, seed, status, tokens, flops, non_embedding_params, memory_bytes`` and
        ``val_bpb``; a variant has one length at a size.
    lengths
        Whole runs of some of these variants at other lengths, in the same columns.
    reference
        Variant, of all sizes or by size, whose FLOPs, tokens and seconds are those held equal; default: their geometric
        mean over the variants.
    speeds
        Tokens/s of each timed window by ``size/variant``, measured alone; sizes without have no equal seconds. None or empty:
        the trials' own ``tokens_per_s``, which is fair only where they did not run side by side.
    cap
        Bytes; default 5 % above the median variant's.
    spread
        As in ``fit_loss_surface``.

    Raises
    ------
    StudyError
        Too few variants or seeds to know the noise, a cost that is missing, or a cap below every variant.
    """
    mover = Mover(trials, lengths, reference, spread)
    found = Accountings()
    for basis in bases:
        if basis == "seconds":
            found[basis] = mover.moved(mover.tokens_in_equal_seconds(speeds))
        elif basis == "memory":
            found[basis] = mover.within(mover.moved(mover.tokens_at_equal("tokens")), cap)
        else:
            found[basis] = mover.moved(mover.tokens_at_equal(basis))
    return found


def decide_moved(moved: Moved, size: str, **settings: float) -> Decision | NoVerdict:
    """The decision of one accounting at one size, or why there is none; ``settings`` as of ``decide``."""
    refused = at_size(moved.refused, size)
    if refused:
        return NoVerdict(NO_VERDICT(reasons=list(refused.values())))
    own = moved.trials.filter(pl.col("size") == size)
    if own["variant"].n_unique() < 2:
        return NoVerdict(
            Text(
                en="No verdict: fewer than two variants can be compared.", ja="結論なし:比較できる案が 2 つに満たない。"
            )
        )
    found = decide(own, at=size, errors=at_size(moved.errors, size), **settings)
    bounded = at_size(moved.bounded, size)
    return NoVerdict(NO_VERDICT(reasons=[bounded[found.leader]])) if found.leader in bounded else found


def decisions_at(accounts: Mapping[Basis, Moved], size: str, *, looks: int = 1) -> Decisions:
    """Every accounting's decision about the variants of one size; ``looks`` as of ``decide``."""
    return Decisions((basis, decide_moved(moved, size, looks=looks)) for basis, moved in accounts.items())


def verdicts_of(
    decisions: Mapping[Basis, Decision | NoVerdict], accounts: Mapping[Basis, Moved], size: str
) -> tuple[Verdict, ...]:
    """The report's rows of one size, each with what its accounting left out or could only bound, and why."""
    rows = []
    for basis, decision in decisions.items():
        row = decision.verdict(basis)
        if basis in accounts and decision.leader is not None:
            reasons = [*at_size(accounts[basis].out, size).values(), *at_size(accounts[basis].bounded, size).values()]
            if reasons:
                row = row.replace(text=LEFT_OUT(told=row.text, reasons=reasons))
        rows.append(row)
    return tuple(rows)
