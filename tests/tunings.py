"""Simulated tunings whose truth is known: rows of evaluations as `studylib.analysis.read_evaluation_rows` gives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

COMPONENTS = ("truth", "topic", "manner", "ending")


def asked(
    skills: Mapping[object, float], *, spread: float | Mapping[object, float] = 0.2, seeds: int = 3, items: int = 300,
    each: int = 2, wordings: Sequence[int] = tuple(range(64, 80)), column: str = "variant", of_seeds: float = 0.1, start: int = 0,
) -> pl.DataFrame:  # fmt: skip
    """Multiple choice of four: ``skills`` are log odds above chance, ``spread`` the standard deviation of a wording's part in them."""
    generator, rows = np.random.default_rng(start), []
    hard = generator.normal(0, 0.8, items)
    of_wording = dict(zip(wordings, generator.normal(0, 1, len(wordings)), strict=True))
    chosen = [generator.choice(wordings, each, replace=False).tolist() for _ in range(items)]
    for name, skill in skills.items():
        for seed in range(seeds):
            own = skill + generator.normal(0, of_seeds)
            for item in range(items):
                for wording in chosen[item]:
                    wide = spread[name] if isinstance(spread, Mapping) else spread
                    odds = own + hard[item] + wide * of_wording[wording]
                    right = float(generator.random() < 1 / (1 + 3 * np.exp(-odds)))
                    about = {column: name, "seed": seed, "item": f"q{item}", "wording": wording, "chance": 0.25}
                    rows.append(about | {"right": right, "margin": 0.02 * odds + generator.normal(0, 0.02)})
    return pl.DataFrame(rows)


def written(
    effects: Mapping[tuple[str, str], tuple[float, float, float]], *, seeds: int = 3, prompts: int = 150, start: int = 0
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Judged answers of variants by (method, name), each with (effect on the truth in log odds, distance in nats, gain in reward);
    and of the start."""
    generator, after, before = np.random.default_rng(start), [], []
    hard = generator.normal(0, 1, prompts)

    def answer(item: int, effect: float, gain: float) -> dict[str, object]:
        parts = {
            name: float(generator.random() < 1 / (1 + np.exp(-hard[item] - effect - ease)))
            for name, ease in zip(COMPONENTS, (-1, 0, 1, 0.5), strict=True)
        }
        more = {
            "characters": int(generator.poisson(20 + 3 * effect)),
            "reward": hard[item] + gain + generator.normal(0, 0.5),
        }
        text = {"question": f"質問 {item}", "written": f"答え {effect:g}"}
        return {"item": f"q{item}", "score": float(np.mean(list(parts.values())))} | parts | more | text

    for seed in range(seeds):
        about = {"start": "plain", "seed": seed}
        before += [about | {"variant": "even"} | answer(item, 0.0, 0.0) for item in range(prompts)]
        for (method, name), (effect, kl, gain) in effects.items():
            own = about | {"variant": name, "method": method}
            after += [own | {"kl": kl + generator.normal(0, 1)} | answer(item, effect, gain) for item in range(prompts)]
    return pl.DataFrame(after), pl.DataFrame(before)


def trials(values: Mapping[object, Sequence[float | None]], **columns: Mapping[object, object]) -> pl.DataFrame:
    """A trial a variant and seed with these losses (None: it failed); ``columns`` of each variant."""
    return pl.DataFrame(
        [
            {"variant": str(name), "seed": seed, "size": "100k", "val_bpb": loss, "status": "failed" if loss is None else "done"}
            | {column: of[name] for column, of in columns.items()}
            for name, losses in values.items()
            for seed, loss in enumerate(losses)
        ]
    )  # fmt: skip
