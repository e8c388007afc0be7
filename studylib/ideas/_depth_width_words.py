"""What idea 1's numbers say, in words: figure titles, the verdict, and published shapes held against it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import polars as pl
from scipy import stats

from studylib.analysis import BasinFit, BuildableShape, Decision, NoiseFloor, OptimumScaling, score
from studylib.analysis.twoway import fit_two_way
from studylib.result import Anchor, Text, Verdict

# Layers x hidden size of GPT-3 13B (arXiv 2005.14165), Llama 2 13B (arXiv 2307.09288) and LLM-jp 13B.
PUBLISHED_13B = {"GPT-3 13B": (40, 5140), "Llama 2 13B": (40, 5120), "LLM-jp 13B": (40, 5120)}


def number(value: float) -> str:
    """Three digits: an aspect ratio has no more."""
    return f"{value:.3g}"


def _span(ends: tuple[float, float], mark: str = "-") -> str:
    return f"{number(ends[0])}{mark}{number(ends[1])}"


def valley_title(fits: Sequence[BasinFit]) -> Text:
    """The finding of the largest budget."""
    last = fits[-1]
    if last.optimum is None:
        return Text(
            en=f"At {last.budget}, aspect ratios {_span(last.flat)} are within noise of the best; the optimum is not bracketed",
            ja=f"{last.budget} では縦横比 {_span(last.flat, '〜')} が誤差内で最良、最適点は範囲内に定まらない",
        )
    return Text(
        en=f"At {last.budget}, {number(last.optimum)} wide per layer is best, and {_span(last.flat)} is within noise of it",
        ja=f"{last.budget} では縦横比 {number(last.optimum)} が最良、{_span(last.flat, '〜')} は誤差内で同等",
    )


def valley_alt(fits: Sequence[BasinFit]) -> Text:
    panels_en = "; ".join(f"{fit.budget}: flat from {number(fit.flat[0])} to {number(fit.flat[1])}" for fit in fits)
    panels_ja = "、".join(f"{fit.budget}:{number(fit.flat[0])} から {number(fit.flat[1])} まで平坦" for fit in fits)
    return Text(
        en=f"Validation bits per byte against aspect ratio (hidden size over layers), one panel a budget. {panels_en}.",
        ja=f"縦横比(隠れ次元 ÷ 層数)に対する検証 bits/byte。予算ごとに 1 枠。{panels_ja}。",
    )


def scaling_title(scaling: OptimumScaling | None, target: float) -> Text:
    size = f"{target / 1e9:.3g}B"
    if scaling is None:
        return Text(en=f"The best shape is not carried to {size} yet", ja=f"最適な形状はまだ {size} へ外挿できない")
    low, middle, high = scaling.aspect
    return Text(
        en=f"Carried to {size}, the best aspect ratio is {number(middle)}, anywhere from {number(low)} to {number(high)}",
        ja=f"{size} へ外挿した最適縦横比は {number(middle)}(区間 {number(low)}〜{number(high)})",
    )


def scaling_alt(fits: Sequence[BasinFit], reason: str) -> Text:
    known_en = ", ".join(f"{fit.budget} {number(fit.optimum)}" for fit in fits if fit.optimum is not None) or "none"
    return Text(
        en=f"Best aspect ratio against model size. Optima found: {known_en}. {reason}".strip(),
        ja=f"モデル規模に対する最適縦横比。求まった最適点:{known_en if known_en != 'none' else 'なし'}。",
    )


def learning_rate_table(trials: pl.DataFrame) -> pl.DataFrame:
    """For each shape of the learning-rate check: its best factor, and what the common rate gives away.

    Columns ``variant, best_factor, given_away`` (bits per byte); shapes without a finished common-rate trial
    are left out.
    """
    rows = trials.filter((pl.col("family") == "lr") & (pl.col("status") == "done"))
    common = rows.filter(pl.col("lr_factor") == 1.0).select("variant", common="val_bpb")
    best = rows.sort("val_bpb").group_by("variant", maintain_order=True).first()
    best = best.select("variant", best_factor="lr_factor", best="val_bpb")
    joined = common.join(best, on="variant", how="inner", maintain_order="left")
    return joined.select("variant", "best_factor", given_away=pl.col("common") - pl.col("best"))


def learning_rate_words(table: pl.DataFrame, margin: float) -> Text:
    """Whether one learning rate was fair to all shapes."""
    if table.is_empty():
        return Text(
            en="Learning rates follow CompleteP and were not tuned per shape; no check was asked for (lr_factors).",
            ja="学習率は CompleteP に従い、形状ごとの調整と確認(lr_factors)は行っていません。",
        )
    worst = table.sort("given_away")["given_away"][-1]
    spread = worst - table["given_away"].min()
    fair = spread <= margin
    return Text(
        en=f"Learning rates follow CompleteP, not tuned per shape. Trying others on {len(table)} shapes, the common rate "
        f"gives away between {table['given_away'].min():.4f} and {worst:.4f} bits per byte: "
        + (
            "within noise, so the comparison is fair."
            if fair
            else "more than the noise, so shapes differ by tuning too."
        ),
        ja=f"学習率は CompleteP に従い形状ごとには調整していません。{len(table)} 形状で別の学習率を試すと、共通の学習率の損は "
        f"{table['given_away'].min():.4f}〜{worst:.4f} bits/byte。"
        + ("誤差内なので比較は公平です。" if fair else "誤差を超えるため、形状の差に調整の差が混じります。"),
    )


def learning_rate_title(table: pl.DataFrame) -> Text:
    moved = len(table.filter(pl.col("best_factor") != 1.0))
    return Text(
        en=f"The common learning rate is the best of those tried for {len(table) - moved} of {len(table)} shapes",
        ja=f"共通の学習率は {len(table)} 形状中 {len(table) - moved} 形状で試した中の最良",
    )


def learning_rate_alt(table: pl.DataFrame) -> Text:
    rows = [f"{name}: x{factor:g}" for name, factor, _ in table.rows()]
    return Text(
        en=f"Validation loss against learning rate, one seed, a line a shape. Best factor: {', '.join(rows)}.",
        ja=f"学習率に対する検証損失。1 シード、形状ごとに 1 本の線。最良倍率:{'、'.join(rows)}。",
    )


def heads_title(decision: Decision) -> Text:
    told = len(decision.basin) == 1
    return Text(
        en=f"{decision.leader} leads; {'no other comes near' if told else f'{len(decision.basin) - 1} more are within noise'}",
        ja=f"{decision.leader} が首位、" + ("ほかは及ばない" if told else f"ほか {len(decision.basin) - 1} 案は誤差内"),
    )


def heads_alt(table: pl.DataFrame, decision: Decision) -> Text:
    known = table.filter(pl.col("difference").is_not_null())
    listed = ", ".join(f"{name} {difference:+.4f}" for name, difference in known.select("variant", "difference").rows())
    return Text(
        en=f"Bits per byte above {decision.leader} at the same seed: {listed}.",
        ja=f"同じシードでの {decision.leader} との差(bits/byte):{listed}。",
    )


def p_best_title(decisions: Mapping[str, Decision]) -> Text:
    leaders = {decision.leader for decision in decisions.values()}
    sure = sum(decision.decided for decision in decisions.values())
    if len(leaders) == 1:
        (leader,) = leaders
        return Text(
            en=f"{leader} leads under all three accountings; {sure} of 3 are decided",
            ja=f"3 つの基準すべてで {leader} が首位、決着は {sure}/3",
        )
    return Text(
        en=f"The leader depends on what is held equal: {', '.join(sorted(leaders))}; {sure} of 3 are decided",
        ja=f"首位は基準により異なる:{'、'.join(sorted(leaders))}。決着は {sure}/3",
    )


def p_best_alt(verdicts: Sequence[Verdict]) -> Text:
    listed = "; ".join(f"equal {one.basis}: {one.winner} {one.p_best[one.winner]:.2f}" for one in verdicts)
    return Text(en=f"Probability that each shape is best. {listed}.", ja=f"各形状が最良である確率。{listed}。")


def curves_title(trials: pl.DataFrame) -> Text:
    means = trials.group_by("variant").agg(pl.col("val_bpb").mean()).sort("val_bpb").drop_nulls()
    first, last = means.row(0), means.row(-1)
    return Text(
        en=f"{first[0]} ends {100 * (last[1] / first[1] - 1):.1f} % below {last[0]}",
        ja=f"最終損失は {first[0]} が {last[0]} より {100 * (last[1] / first[1] - 1):.1f} % 低い",
    )


def curves_alt(trials: pl.DataFrame) -> Text:
    size = trials["size"][0]
    return Text(
        en=f"Validation bits per byte along training at {size}, mean and range over seeds, a line a shape.",
        ja=f"{size} の学習中の検証 bits/byte。シード平均と範囲、形状ごとに 1 本の線。",
    )


def speed_table(trials: pl.DataFrame, throughput: Mapping[str, float] | None) -> pl.DataFrame:
    """A row a shape with its speed measured alone; the trials' own rows when they ran alone."""
    if throughput is None:
        return trials
    shapes = trials.unique("variant", maintain_order=True)
    keys = pl.concat_str("size", "variant", separator="/")
    return shapes.with_columns(keys.replace_strict(throughput, return_dtype=pl.Float64).alias("tokens_per_s"))


def speed_title(trials: pl.DataFrame) -> Text:
    rates = trials.group_by("variant").agg(pl.col("tokens_per_s").median()).sort("tokens_per_s").drop_nulls()
    slow, fast = rates.row(0), rates.row(-1)
    return Text(
        en=f"{fast[0]} trains {fast[1] / slow[1]:.1f} times as fast as {slow[0]} at equal parameters",
        ja=f"同じパラメータ数でも {fast[0]} は {slow[0]} の {fast[1] / slow[1]:.1f} 倍の速さで学習する",
    )


def speed_alt(trials: pl.DataFrame) -> Text:
    rates = trials.group_by("variant", maintain_order=True).agg(pl.col("tokens_per_s").median()).drop_nulls()
    listed = ", ".join(f"{name} {rate:,.0f}" for name, rate in rates.rows())
    return Text(
        en=f"Training tokens per second of each shape, measured alone: {listed}.",
        ja=f"単独で測った各形状の学習速度(トークン/秒):{listed}。",
    )


def extrapolation(
    fits: Sequence[BasinFit], scaling: OptimumScaling | None, reason: str, shape: BuildableShape | None
) -> dict:
    """What result.json says about other sizes: each budget's optimum, and the line through them where there is one."""
    budgets = {
        fit.budget: {"optimum": fit.optimum, "interval": fit.interval, "flat": fit.flat, "reason": fit.reason}
        for fit in fits
    }
    carried = {"not_carried": reason} if scaling is None else scaling.as_dict()
    return carried | {"optimum_by_budget": budgets} | ({"buildable": shape.as_dict()} if shape else {})


def heads_words(decision: Decision | None) -> Text:
    if decision is None:
        return Text(en="Head counts were not compared.", ja="ヘッド数は比較していません。")
    told = decision.text()
    return Text(en=f"Heads: {told.en}", ja=f"ヘッド数:{told.ja}")


def verdict(
    decisions: Mapping[str, Decision],
    fits: Sequence[BasinFit],
    scaling: OptimumScaling | None,
    reason: str,
    shape: BuildableShape | None,
    noise: NoiseFloor,
    heads: Decision | None,
    rates: Text,
) -> Text:
    """The paragraph at the head of the idea's page."""
    last, flops = fits[-1], decisions["flops"]
    told = flops.text()
    bases_en = "; ".join(f"equal {basis}: {one.leader}" for basis, one in decisions.items())
    names = {"flops": "FLOPs", "seconds": "時間", "memory": "メモリ"}
    bases_ja = "、".join(f"同一{names[basis]}では {one.leader}" for basis, one in decisions.items())
    if shape is not None and scaling is not None:
        low, _, high = scaling.aspect
        carried_en = (
            f"Carried to {scaling.target_params:.3g} parameters ({scaling.factor:.0f} times the largest size here) the aspect "
            f"ratio is {number(low)} to {number(high)}; the nearest buildable shape is {shape.num_layers} layers x "
            f"{shape.hidden_size}, {shape.num_heads} heads."
        )
        carried_ja = (
            f"{scaling.target_params:.3g} パラメータ(本研究の最大規模の {scaling.factor:.0f} 倍)への外挿では縦横比 "
            f"{number(low)}〜{number(high)}、実装可能な最寄りの形状は {shape.num_layers} 層 × {shape.hidden_size}、"
            f"{shape.num_heads} ヘッドです。"
        )
    else:
        carried_en = f"Nothing is carried to 10B: {reason}."
        carried_ja = "10B への外挿はできません(最適点の定まった予算が 3 つ以上必要です)。"
    return Text(
        en=f"{told.en} ({last.budget}, equal FLOPs; {bases_en}.) The basin is flat: aspect ratios {_span(last.flat)} cannot be "
        f"told from the best at a detectable effect of {noise.mde:.4f} bits per byte. {carried_en} {heads_words(heads).en} {rates.en}",
        ja=f"{told.ja}({last.budget}、同一 FLOPs。{bases_ja}。)谷底は平坦で、縦横比 {_span(last.flat, '〜')} は検出可能差 "
        f"{noise.mde:.4f} bits/byte で最良と区別できません。{carried_ja}{heads_words(heads).ja}{rates.ja}",
    )


def next_run(decision: Decision, fits: Sequence[BasinFit], scaling: OptimumScaling | None) -> Text | None:
    """What would settle the largest budget, and what is missing before anything can be carried to 10B."""
    told = decision.next_run.text() if decision.next_run is not None else None
    if scaling is not None:
        return told
    open_ = [fit.budget for fit in fits if fit.optimum is None]
    few = len(fits) - len(open_)
    wanted = Text(
        en=f"To carry the answer to 10B, three budgets need an optimum inside the shapes tried; {few} of {len(fits)} have one"
        + (f" (not {', '.join(open_)})" if open_ else "")
        + ". Train larger budgets and longer: study run depth_width --scale cpu, or gpu.",
        ja=f"10B へ外挿するには、最適点が範囲内に定まった予算が 3 つ必要です(現在 {len(fits)} 予算中 {few})。"
        "より大きな予算をより長く学習してください:study run depth_width --scale cpu または gpu。",
    )
    return wanted if told is None else Text(en=f"{told.en} {wanted.en}", ja=f"{told.ja}{wanted.ja}")


def _relative_spread(trials: pl.DataFrame) -> tuple[float, float] | None:
    """95 % interval of (worst - best) / best over moderate shapes of one size, from paired noise."""
    moderate = trials.filter(pl.col("aspect") >= 2)
    if moderate["variant"].n_unique() < 2:
        return None
    fit = fit_two_way(moderate)
    worst, best = int(fit.effects.argmax()), int(fit.effects.argmin())
    level = float(moderate.filter(pl.col("variant") == fit.variants[best])["val_bpb"].mean())
    spread = float(fit.effects[worst] - fit.effects[best])
    seeds = min(len(fit.seeds[fit.variants[worst]]), len(fit.seeds[fit.variants[best]]))
    half = float(stats.t.ppf(0.975, fit.dof)) * fit.sd * math.sqrt(2 / seeds)
    return max(0.0, spread - half) / level, (spread + half) / level


def anchors(trials: pl.DataFrame, fits: Sequence[BasinFit], scaling: OptimumScaling | None) -> tuple[Anchor, ...]:
    """Published findings about shape held against this study's largest budget and its extrapolation."""
    last = fits[-1]
    largest = trials.filter((pl.col("size") == last.budget) & (pl.col("status") == "done"))
    spread = _relative_spread(largest)
    aspects = [hidden / layers for layers, hidden in PUBLISHED_13B.values()]
    return (
        score(
            Text(
                en="Shape matters little: 6 x 4288 is within 3 % of 48 x 1600 in loss",
                ja="形状の影響は小さい:6 × 4288 の損失は 48 × 1600 の 3 % 以内",
            ),
            "Kaplan et al. 2020, arXiv 2001.08361",
            tuple(100 * end for end in spread) if spread else None,
            (0.0, 3.0),
            unit="% between the best and the worst shape with aspect >= 2",
        ),
        score(
            Text(
                en="GPT-3, Llama 2 and LLM-jp 13B are 40 layers x 5120 to 5140: aspect ratio 128",
                ja="GPT-3・Llama 2・LLM-jp の 13B はいずれも 40 層 × 5120〜5140(縦横比 128)",
            ),
            "arXiv 2005.14165, 2307.09288; llm-jp-13b-v1.0",
            (scaling.aspect[0], scaling.aspect[2]) if scaling else None,
            (min(aspects) / math.sqrt(2), max(aspects) * math.sqrt(2)),
            unit="aspect at the target size (published value within a factor of 1.4)",
        ),
        score(
            Text(
                en="At 1e18 FLOPs an aspect ratio of 64 beats 128",
                ja="1e18 FLOPs では縦横比 64 が 128 に勝る",
            ),
            "nanochat, depth and width sweep (2025)",
            last.interval if last.optimum is not None else None,
            (0.0, math.sqrt(64 * 128)),
            unit="best aspect at the largest budget",
        ),
    )
