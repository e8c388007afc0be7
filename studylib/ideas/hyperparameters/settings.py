"""What idea 7 hands on: a setting for each field of training that it varied, no two of which contradict each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import polars as pl

from studylib.analysis import AtTarget, Compared, Decision, Valley, decide
from studylib.errors import StudyError
from studylib.findings import BestBatch, Dropout, Epochs, RateAtTarget, along_valley, as_compared, settings_at_target
from studylib.ideas.hyperparameters.one_factor import Factor
from studylib.ideas.hyperparameters.recipe import RATE, base
from studylib.ideas.hyperparameters.schema import HyperparametersParams
from studylib.result import Text
from studylib.search import SearchResult
from studylib.spec import OptimizerSpec, Setting
from studylib.words import Words

BATCH = "global_batch_size"
AS_COMPARED = Text(en="as it was compared here", ja="本研究の比較で用いた値")
UNDER = Words(
    en="under {{ init }}{% if stays %}, where it stays as models widen{% endif %}",
    ja="{{ init }} での値{% if stays %}(幅を広げても動かない){% endif %}",
)
CARRIED = Text(
    en="not told apart from the best at this size, and the one whose rate is known over sizes",
    ja="この規模の最良と区別できず、学習率が規模を越えて分かっているもの",
)
Decided = tuple[Decision, pl.DataFrame] | None  # with the trials that it judges, of one size


def for_optimizer(
    at: AtTarget,
    tuned: Mapping[tuple[str, int], SearchResult],
    params: HyperparametersParams,
    varied: Sequence[str] = (),
) -> tuple[Setting, ...]:
    """The best at the target. One that is not the common recipe's brings what it was tuned and compared with.

    Fields that were ``varied`` about the common recipe say nothing about it: it keeps what it had there.
    """
    names = {name: {"name": name} for name in params.optimizers}
    found = settings_at_target(at, {"optimizer": names}, OptimizerSpec(), "adamw", place="optimizer")
    if not found or found[0].value == "adamw":
        return found
    name = str(found[0].value)
    width = max(width for (one, width), search in tuned.items() if one == name and search.finished)
    tried = {"evidence": "measured", "basis": "flops", "sizes": (_size(params, width),), "decided": False}
    point = tuned[name, width].best.point
    arm = OptimizerSpec(**params.optimizers[name] | {"name": name})
    fields = dict.fromkeys([*(f"optimizer.{key}" for key in params.optimizers[name]), *varied])
    given = {field: getattr(arm, field.removeprefix("optimizer."), None) for field in fields}
    return (
        *found,
        *(Setting(field=field, value=value, choice="optimizer", **tried) for field, value in point.items()),
        *(
            _as_compared(field, value, "optimizer")
            for field, value in given.items()
            if field not in point and value is not None
        ),
    )


def for_rate(
    rate: RateAtTarget | None, init: str | None, inits: pl.DataFrame, fits: Iterable[Valley]
) -> tuple[Setting, ...]:
    """Of the common recipe's optimizer, by the law over sizes, else of the largest size with an optimum (``fits``: valleys by size).

    A parametrisation ``init`` for which there is no law has the rate of the trials ``inits`` that chose it.
    """
    known: dict[str, Any] = {"field": RATE, "basis": "flops", "evidence": "measured"}
    if init is not None and (rate is None or init != rate.init):
        own = inits.filter(pl.col("variant") == init)
        counts = own.group_by("learning_rate").len().sort(-pl.col("len").cast(pl.Int64), "learning_rate")
        chosen = counts["learning_rate"].to_list()
        sizes = (str(own["size"][0]),)
        source = UNDER(init=init, stays=False)
        return (
            Setting(
                value=chosen[0], alternatives=tuple(chosen[1:]), sizes=sizes, decided=False, source=source, **known
            ),
        )
    if rate is not None:
        known["source"] = UNDER(init=rate.init, stays=rate.stays)
    if rate is not None and rate.law is not None:
        law = rate.law
        return (
            Setting(
                value=law.use, interval=(law.optimum[0], law.optimum[2]), expected_regret_percent=law.regret_percent,
                sizes=rate.sizes, decided=law.decided, **known, **along_valley(fits, law.use, float),
            ),
        )  # fmt: skip
    if rate is None or rate.best is None:
        return ()
    known |= along_valley(fits, rate.best, float)
    return (Setting(value=rate.best, interval=rate.interval, sizes=(rate.size,), decided=False, **known),)


def for_batch(
    batch: BestBatch | None, params: HyperparametersParams, fits: Mapping[int, Mapping[int, Valley]]
) -> tuple[Setting, ...]:
    """In sequences of the target's context; ``fits`` by width and training tokens. Without a law none: the batch of a short run says nothing about a long one."""
    if batch is None or batch.law is None:
        return ()
    law, length = batch.law, params.target_seq_len
    widest = next((one for _, one in sorted(fits.items(), reverse=True)), {})
    tried = along_valley(
        [one for _, one in sorted(widest.items())], law.use, lambda tokens: max(1, round(tokens / length))
    )
    widths = dict.fromkeys(one.width for one in batch.cells)
    return (
        Setting(
            field=BATCH, value=max(1, round(law.use / length)), interval=(law.optimum[0] / length, law.optimum[2] / length),
            expected_regret_percent=law.regret_percent, basis="tokens", evidence="measured",
            sizes=tuple(_size(params, width) for width in widths), decided=law.decided,
            source=Text(en=f"sequences of {length} tokens", ja=f"{length} トークンの系列数"), **tried,
        ),
    )  # fmt: skip


def for_epochs(epochs: Epochs | None, size: str, trials: pl.DataFrame) -> tuple[Setting, ...]:
    """Fresh text, and how often it may be repeated where there is not enough."""
    if epochs is None:
        return ()
    fine = tuple(one.epochs for one in epochs.repeated if one.epochs > 1 and not one.worse)
    rows = trials.filter(pl.col("family") == "epochs")
    values = dict(rows.select("variant", pl.col("epochs").cast(pl.Int64)).unique(maintain_order=True).rows())
    return (_measured("epochs", 1, fine, size, rows, values),)


def for_dropout(dropout: Dropout | None, size: str, trials: pl.DataFrame) -> tuple[Setting, ...]:
    """On fresh text: none, unless a share surely helps there."""
    fresh = [one for one in dropout.tried if one.epochs == 1] if dropout is not None else []
    if not fresh:
        return ()
    best = next((one.share for one in fresh if one.sure and one.difference[1] < 0), 0.0)
    open_ = tuple(one.share for one in fresh if not one.sure and one.share != best)
    rows = trials.filter(pl.col("family").is_in(["epochs", "dropout"]) & (pl.col("epochs") == 1))
    rows = rows.with_columns(pl.col("dropout").fill_null(0.0))
    values = dict(rows.select("variant", "dropout").unique(maintain_order=True).rows())
    return (_measured("model.dropout", best, open_, size, rows, values),)


def for_init(inits: Decided, rate: RateAtTarget | None) -> tuple[Setting, ...]:
    """The best of one size; before it the one whose rate is known over sizes, where the two are not told apart."""
    if inits is None or rate is None or not (rate.law or rate.stays) or rate.init not in inits[0].rivals:
        return for_choice("model.init", inits)
    return tuple(one.replace(source=CARRIED) for one in for_choice("model.init", inits, take=rate.init))


def for_choice(
    field: str, decided: Decided, values: Mapping[str, Any] | None = None, take: str | None = None
) -> tuple[Setting, ...]:
    """Of one size the leader, or the variant to ``take``. ``values`` of the field by variant; by default the variants are they."""
    if decided is None:
        return ()
    decision, trials = decided
    take = decision.leader if take is None else take
    values = {name: name for name in decision.p_best} if values is None else values
    others = (name for name in (decision.leader, *decision.rivals) if name != take)
    regret = decision.regret + decision.effects[take]  # of the leader, and what it is behind the leader
    return (
        Setting(
            field=field, value=values[take], alternatives=tuple(values[name] for name in others),
            p_best=decision.p_best[take], expected_regret_percent=100 * regret / trials["val_bpb"].mean(),
            basis="flops", evidence="measured", sizes=(decision.at,), decided=False,
            **as_compared(Compared.of(decision, trials), take, values),
        ),
    )  # fmt: skip


def handed_on(
    params: HyperparametersParams,
    *,
    at: AtTarget,
    tuned: Mapping[tuple[str, int], SearchResult],
    rate: RateAtTarget | None,
    rate_fits: Mapping[str, Valley],
    batch: BestBatch | None,
    batch_fits: Mapping[int, Mapping[int, Valley]],
    inits: Decided,
    factors: Sequence[Factor],
    epochs: Epochs | None,
    dropout: Dropout | None,
    objective: Decided,
    trials: pl.DataFrame,
) -> tuple[Setting, ...]:
    """All of them; ``trials``: every trial of the idea. What goes with an optimizer's rate was varied about the common recipe, and holds for its optimizer alone."""
    varied = [one.field for one in factors if one.field.startswith("optimizer.")]
    size, first = _size(params, params.hidden_size), for_optimizer(at, tuned, params, varied)
    common = not first or first[0].value == "adamw"
    found = list(first)
    if not common and inits is not None:
        found.append(_as_compared("model.init", base(params, params.hidden_size, params.seeds[0]).model.init))
    if common:
        chosen = for_init(inits, rate)
        found += chosen
        own = str(chosen[0].value) if chosen else None
        found += for_rate(rate, own, inits[1] if inits else pl.DataFrame(), rate_fits.values())
    found += for_batch(batch, params, batch_fits)
    kept = [one for one in factors if common or one.field not in varied]
    for one in kept:
        if one.field not in (BATCH, RATE) and one.decision is not None:
            found += for_choice(one.field, (one.decision, one.trials), one.values)
    return (
        *found,
        *for_epochs(epochs, size, trials),
        *for_dropout(dropout, size, trials),
        *for_choice("objective.name", objective),
    )


def _as_compared(field: str, value: Any, choice: str = "") -> Setting:
    return Setting(field=field, value=value, evidence="convention", source=AS_COMPARED, decided=False, choice=choice)


def _measured(
    field: str, value: Any, alternatives: tuple[Any, ...], size: str, trials: pl.DataFrame, values: Mapping[str, Any]
) -> Setting:
    """``values`` of the field by variant of ``trials``."""
    own = next((name for name, one in values.items() if one == value), "")
    try:
        compared = Compared.of(decide(trials), trials)
    except StudyError:  # too few trials finished
        compared = None
    return Setting(
        field=field, value=value, alternatives=alternatives, basis="tokens", evidence="measured", sizes=(size,), decided=False,
        **as_compared(compared, own, values),
    )  # fmt: skip


def _size(params: HyperparametersParams, width: int) -> str:
    return str(base(params, width, params.seeds[0]).tags["size"])
