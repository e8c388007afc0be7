"""Every rank built without a GPU: exact parts of the model, and what they hold. One child process builds all of them."""

from __future__ import annotations

import polars as pl
import pytest

from studylib import StudyError
from studylib.model.cost import flops_per_token, parameter_count
from studylib.model.memory import activation_bytes, memory_bytes
from studylib.model.stages import pipeline_stages, stage_flops, stage_parameters
from studylib.recipe import dry_run as module
from studylib.recipe.cards import card_named
from studylib.recipe.cost import step_cost
from studylib.recipe.dry_run import dry_run, dry_runs, summary
from studylib.recipe.rank_memory import on_gpu, rank_memory, under_way
from studylib.spec import ComputeSpec, DataSpec, ModelSpec, ParallelSpec, TrialSpec

CARD = card_named("h100-sxm")
MODEL = ModelSpec(num_layers=5, hidden_size=64, num_heads=4, vocab_size=512, seq_len=32)


def trial(model: ModelSpec = MODEL, **layout) -> TrialSpec:
    data = DataSpec(tokenizer={"vocab_size": 512})
    parallel = ParallelSpec(**{"micro_batch_size": 1} | layout)
    return TrialSpec(model=model, data=data, train_steps=10, global_batch_size=24, parallel=parallel)


TRIALS = {
    "all three": trial(dp=2, tp=2, pp=2, zero_stage=1),
    "one table for both ends": trial(MODEL.replace(tied_embeddings=True), tp=2, pp=3),
    "experts": trial(MODEL.replace(moe={"experts": 4}), tp=2, dp=2, expert_parallel=True),
    "hybrid": trial(MODEL.replace(mixer="mamba2", attention_every=2), tp=2, pp=2),
    "grouped queries, a last stage without layers": trial(
        MODEL.replace(num_kv_heads=2, qk_norm=True, position="learned"), tp=2, pp=4
    ),
    "whole matrices": trial(dp=2, tp=2).replace(**{"optimizer.name": "muon"}),
}


@pytest.fixture(scope="module")
def built() -> dict[str, pl.DataFrame]:
    return dict(zip(TRIALS, dry_runs(list(TRIALS.values()), CARD, workers=1), strict=True))


@pytest.mark.parametrize("name", TRIALS)
def test_every_rank_is_built_and_together_they_are_the_model(name, built):
    ranks, spec = built[name], TRIALS[name]
    assert ranks["rank"].to_list() == list(range(spec.parallel.world_size))
    for _, replica in ranks.group_by("dp"):
        assert replica["counted"].sum() == parameter_count(spec.model).total
    assert (ranks["weights_bytes"] == 4 * ranks["parameters"]).all()
    stages = pipeline_stages(spec.model, spec.parallel.pp)
    for row in ranks.iter_rows(named=True):
        stage = stages[row["pp"]]
        assert (row["layers"], row["embedding"], row["head"]) == (stage.layers, stage.embedding, stage.head)
    shares = ranks.unique("pp")["flops_share"]
    assert shares.sum() == pytest.approx(1)


def test_zero_1_shares_the_state_of_what_is_built(built):
    ranks = built["all three"]
    assert (ranks["optimizer_bytes"] == ranks["parameters"] * 2 * 4 / 2).all()
    alone = built["experts"]
    assert (alone["optimizer_bytes"] == alone["parameters"] * 2 * 4).all()


def test_what_must_be_seen_whole_is_kept_whole_by_every_tensor_parallel_rank(built):
    """Muon keeps one number for each weight of a hidden matrix, which no rank has half of; Adam, beside it, two for each other."""
    row = built["whole matrices"].row(0, named=True)
    tables = 2 * 512 * 64
    norms = 11 * 64
    hidden = parameter_count(MODEL).total - tables - norms
    assert row["parameters"] == (tables + hidden) / 2 + norms
    assert row["optimizer_bytes"] == 4 * (hidden + 2 * tables / 2 + 2 * norms)


def test_the_first_stage_holds_most_activations_and_only_the_last_has_logits(built):
    """With one forward, one backward a stage holds a micro-batch for itself and for each stage behind it."""
    ranks, spec = built["all three"].filter(pl.col("dp") == 0), on_gpu(TRIALS["all three"])
    first, last = (ranks.filter(pl.col("pp") == stage).row(0, named=True) for stage in (0, 1))
    assert first["logits_bytes"] == 0 < last["logits_bytes"]
    assert first["activations_bytes"] / last["activations_bytes"] == pytest.approx(2 * 3 / (1 * 2))
    assert first["activations_bytes"] > activation_bytes(spec), "which is a mean over stages"
    parts = ("weights", "copies", "gradients", "optimizer", "activations", "logits")
    assert last["total_bytes"] == pytest.approx(sum(last[f"{part}_bytes"] for part in parts))


def test_one_stage_holds_what_the_mean_over_stages_says(built):
    whole = on_gpu(trial())
    (stage,) = pipeline_stages(whole.model, 1)
    assert rank_memory(whole, stage).total == pytest.approx(memory_bytes(whole))
    small = whole.replace(
        compute=ComputeSpec(device="cuda", dtype="bfloat16", cross_entropy="chunked", recompute="layer")
    )
    assert rank_memory(small, stage).total == pytest.approx(memory_bytes(small))


def test_how_many_micro_batches_are_under_way():
    stages = pipeline_stages(MODEL, 4)
    assert [under_way(trial(pp=4), stage) for stage in stages] == [4, 3, 2, 1]
    assert [under_way(trial(pp=4, micro_batch_size=12), stage) for stage in stages] == [2, 2, 2, 1]
    assert [under_way(trial(pp=4, pp_engine="afab"), stage) for stage in stages] == [24] * 4
    assert under_way(trial(), pipeline_stages(MODEL, 1)[0]) == 1


def test_a_card_that_is_too_small_does_not_fit(built):
    heaviest = built["all three"]["total_bytes"].max()
    assert built["all three"]["fits"].all()
    rows = module._table(
        on_gpu(TRIALS["all three"]), rows_of(built["all three"]), CARD.replace(memory_bytes=heaviest)
    )  # room for CUDA itself is wanted beside
    assert not rows["fits"].all() and rows["fits"].any()


def rows_of(ranks: pl.DataFrame) -> list[dict]:
    """As the child process gives them."""
    return [
        {"rank": row["rank"], "dp": row["dp"], "tp": row["tp"], "pp": row["pp"], "embedding": row["embedding"], "head": row["head"],
         "layers": list(range(row["first_layer"], row["first_layer"] + row["layers"])), "parameters": row["parameters"],
         "counted": row["counted"], "weights_bytes": row["weights_bytes"], "state": row["optimizer_bytes"] / 4}
        for row in ranks.iter_rows(named=True)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda rows: rows.pop(), "7 ranks were built of 8"),
        (lambda rows: rows[0].update(counted=rows[0]["counted"] + 1), "replica 0 has"),
        (lambda rows: rows[0].update(layers=[0, 1]), r"rank 0 has layers \[0, 1\], counted were \[0, 1, 2\]"),
    ],
)
def test_what_is_built_otherwise_than_counted_is_an_error(spoil, said, built):
    rows = rows_of(built["all three"])
    spoil(rows)
    with pytest.raises(StudyError, match=said):
        module._table(on_gpu(TRIALS["all three"]), rows, CARD)


def test_a_rank_that_cannot_be_built_is_an_error_of_one_line(monkeypatch):
    monkeypatch.setattr(module.sys, "executable", "false")
    with pytest.raises(StudyError, match=r"a rank could not be built: exit status 1$"):
        dry_run(TRIALS["all three"], CARD)


def test_the_summary_says_what_is_heaviest_and_how_balanced_the_pipeline_is(built):
    spec, ranks = TRIALS["all three"], built["all three"]
    found = summary(ranks, spec, step_cost(spec, CARD))
    stages = pipeline_stages(spec.model, 2)
    flops = [stage_flops(spec.model, stage) for stage in stages]
    assert found.parameters == parameter_count(spec.model).total == sum(stage_parameters(MODEL, one) for one in stages)
    assert sum(flops) == pytest.approx(flops_per_token(spec.model))
    assert found.balance == pytest.approx(sum(flops) / 2 / max(flops))
    assert found.heaviest_bytes == ranks["total_bytes"].max() > found.lightest_bytes
    assert found.fits and found.ranks == 8
