"""What idea 2 concludes: the verdict, what is carried to the target, and the next run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import polars as pl

from studylib.analysis import Additivity, AtTarget, Decision
from studylib.ideas._shared import effects, learning_rates
from studylib.ideas._shared.effects import carried
from studylib.ideas._shared.next_run import next_run_over_sizes
from studylib.ideas._shared.numbers import NOTHING, signed
from studylib.ideas.architecture.captions import SUMS, VARIANT, contexts_title
from studylib.result import Text
from studylib.spec import ModelSpec

learning_rate_words = partial(learning_rates.learning_rate_words, subject=VARIANT)

verdict, lasting_words = effects.verdict, effects.lasting_words


def baseline_words(model: ModelSpec) -> Text:
    return Text(en=f"The baseline is {described(model)}.", ja=f"基準は {described(model)}。")


def described(model: ModelSpec) -> str:
    """The baseline's choices, as the models write them."""
    choices = [model.activation, model.norm, model.position, f"{model.residual} residual", model.mixer]
    return ", ".join(
        [*choices, "tied embeddings" if model.tied_embeddings else "untied embeddings"]
        + ["small embeddings"] * (model.unit_stream is False)
    )


def factors_words(by_factor: Mapping[str, Decision]) -> Text:
    """The leader of every factor, with its probability."""

    def listed(mark: str, ahead: str, open_: str) -> str:
        return mark.join(
            f"{factor} {one.leader.removeprefix(f'{factor}: ')} ({one.p_best[one.leader]:.0%}, "
            f"{ahead if one.ahead else open_})"
            for factor, one in by_factor.items()
        )

    return Text(
        en=f"By factor, leader and P(best): {listed('; ', 'ahead', 'open')}.",
        ja=f"因子ごとの首位と最良確率:{listed('、', '首位確定', '未決')}。",
    )


def sums_words(found: Sequence[Additivity], chosen: Mapping[str, str]) -> Text:
    """Whether the sum holds, for the verdict."""
    if not found:
        return Text(
            en=f"Nothing was combined: {len(chosen)} factor(s) have a choice below the baseline, two are needed.",
            ja=f"組み合わせは試していません(基準を下回る案のある因子は {len(chosen)}、2 つ以上必要)。",
        )
    last = found[-1]
    return Text(
        en=f"Best of each factor ({', '.join(last.parts)}) at {last.size}: predicted {signed(last.predicted)}, measured "
        f"{signed(last.measured)} bits per byte; {SUMS[last.state].en}.",
        ja=f"各因子の最良({'、'.join(last.parts)})の組み合わせ({last.size}):予測 {signed(last.predicted, '〜')}、実測 "
        f"{signed(last.measured, '〜')} bits/byte。{SUMS[last.state].ja}。",
    )


def contexts_words(table: pl.DataFrame | None) -> Text:
    """For the verdict; empty where nothing was asked at longer contexts."""
    if table is None or table["rise"].is_null().all():
        return NOTHING
    title = contexts_title(table)
    cannot = table.filter(pl.col("rise").is_null())["variant"].to_list()
    return Text(
        en=f"{title.en}" + (f"; {', '.join(cannot)} cannot read there." if cannot else "."),
        ja=f"{title.ja}" + (f"({'、'.join(cannot)} は不可)。" if cannot else "。"),
    )


def extrapolation(at: AtTarget, by_factor: Mapping[str, Decision], found: Sequence[Additivity]) -> dict:
    """For result.json: effects over sizes and at the target (% of the baseline's loss), leaders by factor, and the sum."""
    return carried(at) | {
        "leader_by_factor": {
            factor: {"leader": one.leader, "p_best": one.p_best[one.leader], "ahead": one.ahead}
            for factor, one in by_factor.items()
        },
        "sum_of_effects": {one.size: one.as_dict() for one in found},
    }


def next_run(decision: Decision, at: AtTarget) -> Text | None:
    """What would settle the largest size, and what is missing before anything can be carried to the target."""
    sizes = len(at.sizes)
    wanted = Text(
        en=f"To decide for 10B, more sizes are needed, over a wider range and nearer to it ({sizes} here): "
        "study run architecture --scale cpu, or gpu.",
        ja=f"10B について決めるには、より広く 10B に近い範囲でより多くの規模が必要です(現在 {sizes}):"
        "study run architecture --scale cpu または gpu。",
    )
    return next_run_over_sizes(decision, at, wanted)
