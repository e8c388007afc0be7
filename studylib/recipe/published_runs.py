"""Published runs of 7B to 13B models, one of this engine, and what the cost model says of them."""

from __future__ import annotations

from functools import cache
from statistics import median

import polars as pl

from studylib.frozen import Frozen
from studylib.model.cost import flops_per_token
from studylib.recipe.assumptions import REACHED, WHOLE
from studylib.recipe.cards import card_named
from studylib.recipe.cost import step_cost
from studylib.spec import ModelSpec, ParallelSpec, TrialSpec


class PublishedRun(Frozen):
    """A run whose speed is public.

    Attributes
    ----------
    tokens_per_second
        Of one card.
    published
        The figure as it was published.
    taken
        What was not, and how it was taken; empty: nothing that matters.
    whole
        The figure is of a whole run with its restarts and evaluations, not of steps.
    own
        Measured with this engine; too small, and on too few cards, to calibrate by.
    """

    name: str
    trial: TrialSpec
    card: str
    tokens_per_second: float
    published: str
    taken: str
    whole: bool
    own: bool
    source: str


def _run(
    name: str, card: str, layers: int, hidden: int, ffn: int, vocab: int, seq_len: int, batch: int, *, dp: int, micro_batch: int,
    tokens_per_second: float, published: str, source: str, taken: str = "", whole: bool = False, own: bool = False, tp: int = 1, pp: int = 1,
    kv_heads: int | None = None, head_dim: int = 128, **choices: object,
) -> PublishedRun:  # fmt: skip
    model = ModelSpec(
        num_layers=layers, hidden_size=hidden, num_heads=hidden // head_dim, num_kv_heads=kv_heads, intermediate_size=ffn, vocab_size=vocab,
        seq_len=seq_len, **choices,
    )  # fmt: skip
    trial = TrialSpec(
        model=model, train_steps=10_000, global_batch_size=batch,
        parallel=ParallelSpec(dp=dp, tp=tp, pp=pp, zero_stage=1, micro_batch_size=micro_batch),
    )  # fmt: skip
    return PublishedRun(
        name=name, trial=trial, card=card, tokens_per_second=tokens_per_second, published=published, taken=taken, whole=whole, own=own,
        source=source,
    )  # fmt: skip


_LLAMA_2 = "arXiv 2307.09288, tables 1 and 2"
_FOUNDRY = "github.com/mosaicml/llm-foundry, scripts/train/benchmarking/README.md (commit 061f2c7c)"
_UNKNOWN_CARDS = "number of cards and layout are not published: 512, replicas alone"
_OLMO_3 = "the Olmo 3 team in muxup.com/2025q4/minipost-olmo3-training-cost; arXiv 2512.13961"
_OLMO_3_TAKEN = f"{_UNKNOWN_CARDS}; its sliding windows, in 3 of 4 layers, counted as full attention"
_MPT = {"activation": "gelu", "norm": "layernorm", "position": "learned", "tied_embeddings": True}


@cache
def published_runs() -> tuple[PublishedRun, ...]:
    """Each with its conditions. Their trainers hide what replicas send behind computing."""
    return (
        _run("Llama 2 7B", "a100-sxm", 32, 4096, 11008, 32000, 4096, 1024, dp=512, micro_batch=2,
             tokens_per_second=2e12 / (184_320 * 3600), published="184,320 GPU-hours for 2.0T tokens", whole=True,
             source=_LLAMA_2, taken=_UNKNOWN_CARDS),
        _run("Llama 2 13B", "a100-sxm", 40, 5120, 13824, 32000, 4096, 1024, dp=512, micro_batch=2,
             tokens_per_second=2e12 / (368_640 * 3600), published="368,640 GPU-hours for 2.0T tokens", whole=True,
             source=_LLAMA_2, taken=_UNKNOWN_CARDS),
        _run("Llama 3 8B", "h100-sxm", 32, 4096, 14336, 128_256, 8192, 512, dp=512, micro_batch=1, kv_heads=8,
             tokens_per_second=15e12 / (1.3e6 * 3600), published="1.3M GPU-hours for more than 15T tokens", whole=True,
             source="github.com/meta-llama/llama3, MODEL_CARD.md", taken=_UNKNOWN_CARDS),
        _run("OLMo 3 7B", "h100-sxm", 32, 4096, 11008, 100_352, 8192, 512, dp=512, micro_batch=1, qk_norm=True,
             tokens_per_second=7700, published="7,700 tokens/s a GPU",
             source=_OLMO_3, taken=_OLMO_3_TAKEN),
        _run("OLMo 3 7B", "h100-sxm", 32, 4096, 11008, 100_352, 8192, 512, dp=512, micro_batch=1, qk_norm=True,
             tokens_per_second=5.93e12 / (234_000 * 3600), published="about 234,000 GPU-hours for 5.93T tokens", whole=True,
             source=_OLMO_3, taken=_OLMO_3_TAKEN),
        _run("LLM-jp v3 13B", "h100-sxm", 40, 5120, 13824, 99_488, 4096, 1024, dp=64, tp=2, pp=2, micro_batch=2,
             tokens_per_second=20_000 * 1024 * 4096 / 86_400 / 256, published="about 20,000 steps a day on 256 GPUs",
             source="github.com/llm-jp/scripts, pretrain/scripts/v3-13b-exp4-sakura (README.md, train.sh)"),
        _run("Llama 3.1 8B, torchtitan", "h100-sxm", 32, 4096, 14336, 128_256, 8192, 256, dp=128, micro_batch=2, kv_heads=8,
             tokens_per_second=6514, published="6,514 tokens/s a GPU on 128",
             source="github.com/pytorch/torchtitan, benchmarks/llama3_h100_202412_torchtitan.md (commit 31a17bfd), table 3",
             taken="its cards have 2.4 TB/s and 500 W; its selective recomputation is not counted"),
        _run("MPT 7B", "h100-sxm", 32, 4096, 16384, 50_368, 2048, 48, dp=8, micro_batch=6, **_MPT,
             tokens_per_second=10_643, published="10,643 tokens/s a GPU on 8", source=_FOUNDRY),
        _run("MPT 13B", "h100-sxm", 40, 5120, 20480, 50_368, 2048, 128, dp=64, micro_batch=2, **_MPT,
             tokens_per_second=4800, published="4,800 tokens/s a GPU on 64", source=_FOUNDRY),
        _run("MPT 13B", "a100-sxm", 40, 5120, 20480, 50_368, 2048, 48, dp=8, micro_batch=2, **_MPT,
             tokens_per_second=2262, published="2,262 tokens/s a GPU on 8", source=_FOUNDRY),
        _run("this engine, 0.37B", "h200-sxm", 24, 1024, 2736, 32_768, 2048, 8, dp=1, micro_batch=8, head_dim=64, own=True,
             tokens_per_second=172_500, published="172,500 tokens/s on one", source="LOG.md, `study bench gpu`"),
    )  # fmt: skip


class RunCheck(Frozen):
    """The cost model on one run; speeds in tokens/s of a card.

    ``error`` is predicted over published speed, less one; ``left_out_error`` the same with what is calibrated fitted to the other runs
    alone. ``utilisation`` is what the run itself reached of the dense bf16 peak.
    """

    name: str
    card: str
    gpus: int
    layout: str
    whole: bool
    published: float
    predicted: float
    error: float
    left_out_error: float
    utilisation: float
    said: str
    taken: str
    source: str


@cache
def fitted_shares() -> tuple[float, ...]:
    """For each run what makes the model's speed the published one: what ``REACHED`` would have to be; of whole runs, ``WHOLE``.

    The medians of those that are not this engine's are those constants.
    """
    return tuple(
        run.tokens_per_second / _speed(run, REACHED.value) if run.whole else _share_of(run) for run in published_runs()
    )


def _share_of(run: PublishedRun) -> float:
    low, high = 0.05, 4.0
    while high / low > 1 + 1e-5:  # speed rises with the share
        middle = (low * high) ** 0.5
        low, high = (middle, high) if _speed(run, middle) < run.tokens_per_second else (low, middle)
    return low


def _speed(run: PublishedRun, reached: float) -> float:
    """Of steps."""
    return step_cost(run.trial, card_named(run.card), overlapped=True, reached=reached).tokens_per_second


def _predicted(run: PublishedRun, share: float) -> float:
    return share * _speed(run, REACHED.value) if run.whole else _speed(run, share)


@cache
def check_published() -> tuple[RunCheck, ...]:
    """The cost model on every published run."""
    runs, shares = published_runs(), fitted_shares()
    found = []
    for run in runs:
        others = [
            share
            for other, share in zip(runs, shares, strict=True)
            if other is not run and other.whole == run.whole and not other.own
        ]
        found.append(_check(run, median(others)))
    return tuple(found)


def _check(run: PublishedRun, of_others: float) -> RunCheck:
    parallel, card = run.trial.parallel, card_named(run.card)
    predicted = _predicted(run, WHOLE.value if run.whole else REACHED.value)
    return RunCheck(
        name=run.name, card=card.label, gpus=parallel.world_size, layout=f"tp {parallel.tp}, pp {parallel.pp}, dp {parallel.dp}",
        whole=run.whole, published=run.tokens_per_second, predicted=predicted, error=predicted / run.tokens_per_second - 1,
        left_out_error=_predicted(run, of_others) / run.tokens_per_second - 1,
        utilisation=flops_per_token(run.trial.model) * run.tokens_per_second / card.bf16_flops,
        said=run.published, taken=run.taken, source=run.source,
    )  # fmt: skip


def published_utilisation(card: str) -> tuple[float, float, float]:
    """Lowest, middle and highest share of the dense bf16 peak that the published runs on a card of this name reached; on any where none did."""
    checks = [(one, run) for one, run in zip(check_published(), published_runs(), strict=True) if not run.own]
    on_card = [one.utilisation for one, run in checks if run.card == card]
    found = sorted(on_card or [one.utilisation for one, _ in checks])
    return found[0], median(found), found[-1]


def published_table() -> pl.DataFrame:
    """`check_published`, a row a run."""
    return pl.DataFrame([one.model_dump() for one in check_published()])
