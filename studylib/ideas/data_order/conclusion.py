"""What idea 4 concludes: the verdict and the sentences in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from studylib.analysis import AtTarget, Decision, NoiseFloor, TokensSaved
from studylib.ideas._shared import next_run as following
from studylib.ideas._shared.effects import target_words
from studylib.ideas._shared.leaders import leaders
from studylib.ideas._shared.numbers import NOTHING
from studylib.ideas.data_order.captions import dose_title, times
from studylib.result import Text


def verdict(decisions: Mapping[str, Decision], at: AtTarget, noise: NoiseFloor) -> Text:
    """What stands at the head of the idea's page."""
    told, bases, target = decisions["flops"].text(), leaders(decisions), target_words(at)
    return Text(
        en=f"{told.en} (Japanese bits per byte; {bases.en}; detectable effect {noise.mde:.4f}.) {target.en}",
        ja=f"{told.ja}(日本語の bits/byte。{bases.ja}。検出可能差 {noise.mde:.4f}。){target.ja}",
    )


def transfer_words(saved: Sequence[TokensSaved], train_tokens: int) -> Text:
    """The order in which a Japanese token does most work, of those that spend fewer than Japanese alone; empty
    where none does."""
    fewer = [one for one in saved if one.spent < train_tokens * 0.999]
    if not fewer:
        return NOTHING
    best = max(fewer, key=lambda one: one.factor[1])
    low, middle, high = (times(value) for value in best.factor)
    sure = {
        1: ("saves Japanese tokens", "節約"),
        0: ("not told apart from one", "差は検出できず"),
        -1: ("wastes them", "浪費"),
    }[best.sure]
    return Text(
        en=f"Transfer: in {best.variant} a Japanese token does the work of {middle} ({low} to {high}; {sure[0]}).",
        ja=f"転移:{best.variant} では日本語 1 トークンが {middle} トークン分({low}〜{high}、{sure[1]})。",
    )


def forgetting_words(forgotten: pl.DataFrame) -> Text:
    """Where most of the helper language is lost."""
    lost = forgotten.group_by("variant", maintain_order=True).agg(pl.col("forgotten").mean()).sort("forgotten").row(-1)
    return Text(
        en=f"Forgetting is largest in {lost[0]}: {lost[1]:+.3f} bits per byte of the helper.",
        ja=f"忘却は {lost[0]} で最大({lost[1]:+.3f} bits/byte)。",
    )


def next_run(decision: Decision) -> Text:
    """What would settle the order at this size, and what is missing before it is carried to 10B."""
    wanted = Text(
        en="An order was tried at one size; whether it lasts is seen at others: study run data_order --scale cpu, then gpu.",
        ja="順序は 1 つの規模でしか試していません。他の規模でも成り立つかは study run data_order --scale cpu、続いて gpu で確認できます。",
    )
    return following.next_run(decision, wanted)


def facts_words(table: pl.DataFrame) -> Text:
    """Whether anything told in English alone is known in Japanese."""
    asked = table.filter(pl.col("group") == "english_only_in_japanese") if len(table) else table
    if not len(asked):
        return Text(
            en="Facts were not asked for: the corpus does not tell one world in both languages.",
            ja="事実の質問はしていません(コーパスが同じ世界を二言語で語っていないため)。",
        )
    best = asked.sort("margin").row(-1, named=True)
    carried = asked.filter(pl.col("low") > 0)["variant"].to_list()
    known = table.filter((pl.col("group") == "both_in_japanese") & (pl.col("low") > 0))["variant"].to_list()
    if carried:
        en = f"Facts told only in English are likelier than wrong ones in Japanese after {', '.join(carried)}"
        ja = f"英語だけで語られた事実は {'、'.join(carried)} で日本語でも正答の尤度が上回ります"
    else:
        en = "No order makes facts told only in English known in Japanese beyond the noise"
        ja = "英語だけで語られた事実が日本語でも知られていると言える順序はありません"
    return Text(
        en=f"{en} (most: {best['variant']}, {best['margin']:+.2f} nats, {100 * best['accuracy']:.0f} % right by "
        f"{100 * best['chance']:.0f} % chance; facts told in both languages are known after {len(known)} orders).",
        ja=f"{ja}(最大:{best['variant']}、{best['margin']:+.2f} nats、正答率 {100 * best['accuracy']:.0f} %、偶然 "
        f"{100 * best['chance']:.0f} %。二言語で語られた事実を知る順序は {len(known)})。",
    )


def dose_words(tables: Mapping[str, pl.DataFrame]) -> Text:
    """Where made text helps and where it starts to hurt, for the verdict."""
    if not tables:
        return Text(en="Made text was not tried (scarce).", ja="疑似データは試していません(scarce)。")
    told = dose_title(tables)
    return Text(en=f"Scarce text: {told.en}.", ja=f"日本語が不足する場合:{told.ja}。")
