"""The cost model: each term by its own cause, the whole against published runs; and the layouts that it puts in order."""

from __future__ import annotations

from statistics import median

import pytest

from studylib import StudyError
from studylib.model.cost import flops_per_token, parameter_count
from studylib.model.stages import pipeline_stages
from studylib.recipe.assumptions import ASSUMPTIONS, MEMORY, NETWORK, REACHED, WHOLE, assumptions
from studylib.recipe.cards import CARDS, card_named
from studylib.recipe.cost import gpu_hours, stage_seconds, step_cost, tensor_bytes
from studylib.recipe.layouts import layout_cost, layouts_table, search_layouts
from studylib.recipe.published_runs import (
    check_published,
    fitted_shares,
    published_runs,
    published_table,
    published_utilisation,
)
from studylib.recipe.rank_memory import on_gpu, usable_bytes
from studylib.spec import ModelSpec, ParallelSpec, TrialSpec

CARD = card_named("h100-sxm")
# 1.1 billion parameters; layers and head so that two, four or eight stages are about equal
MODEL = ModelSpec(num_layers=16, hidden_size=2048, num_heads=16, num_kv_heads=8, vocab_size=65_536, seq_len=2048)


def trial(**layout) -> TrialSpec:
    parallel = ParallelSpec(**{"micro_batch_size": 1, "zero_stage": 1} | layout)
    return TrialSpec(model=MODEL, train_steps=100, global_batch_size=256, parallel=parallel)


LAID = trial(dp=8, tp=4, pp=4)
COST = step_cost(LAID, CARD)
TERMS = ("compute", "tensor", "pipeline", "data", "bubble", "optimizer")


def halved_by(**of_card: float) -> set[str]:
    """The terms that are half as long on a card with these numbers; no other may be shorter, but for the bubble."""
    cost = step_cost(LAID, CARD.replace(**of_card))
    halved = {name for name in TERMS if getattr(cost, name) == pytest.approx(getattr(COST, name) / 2)}
    for name in set(TERMS) - halved - {"bubble"}:
        assert getattr(cost, name) == pytest.approx(getattr(COST, name)), name
    return halved


def test_the_parts_add_up_to_the_step():
    assert sum(getattr(COST, name) for name in TERMS) == pytest.approx(COST.seconds)
    assert all(getattr(COST, name) > 0 for name in TERMS)
    assert COST.tokens_per_second * COST.seconds * 128 == pytest.approx(256 * 2048)
    assert COST.flops == flops_per_token(MODEL) * 256 * 2048
    assert COST.utilisation == pytest.approx(COST.flops / COST.seconds / 128 / CARD.bf16_flops)
    assert COST.run_utilisation == pytest.approx(WHOLE.value * COST.utilisation)


def test_twice_the_bandwidth_halves_what_is_sent_over_it_and_nothing_else():
    assert halved_by(within_node=2 * CARD.within_node) == {"tensor"}
    assert halved_by(between_nodes=2 * CARD.between_nodes) == {"pipeline", "data"}


def test_a_faster_card_computes_in_less_time():
    faster = {name: 2 * getattr(CARD, name) for name in ("matrix_flops", "attention_flops", "memory_bandwidth")}
    assert halved_by(**faster) == {"compute", "optimizer"}
    for name in faster:
        assert step_cost(LAID, CARD.replace(**{name: faster[name]})).compute < COST.compute


def test_half_of_the_speed_is_twice_the_computing():
    slow = step_cost(LAID, CARD, reached=REACHED.value / 2)
    assert slow.compute == pytest.approx(2 * COST.compute)
    assert (slow.tensor, slow.pipeline, slow.data) == (COST.tensor, COST.pipeline, COST.data)


def test_replicas_send_fp32_gradients_around_and_gather_fp32_weights():
    """A ring sends every byte twice but for a rank's own part; gathering sends it once."""
    one = trial(dp=8)
    count = parameter_count(MODEL).total
    assert step_cost(one, CARD).volume.data == pytest.approx(4 * count * (2 + 1) * 7 / 8)
    plain = trial(dp=8, zero_stage=0)
    assert step_cost(plain, CARD).volume.data == pytest.approx(4 * count * 2 * 7 / 8)
    assert step_cost(trial(), CARD).volume.data == 0
    # eight cards of a node: by NVLink; sixteen over two nodes: a ring crosses each of the eight adapters once
    assert step_cost(one, CARD).data == pytest.approx(4 * count * 3 * 7 / 8 / (NETWORK.value * CARD.within_node))
    two = step_cost(trial(dp=16), CARD)
    assert two.data == pytest.approx(two.volume.data / (NETWORK.value * 8 * CARD.between_nodes))
    hidden = step_cost(trial(dp=16), CARD, overlapped=True)
    assert hidden.data == 0 and hidden.compute == two.compute


def test_stages_pass_on_the_residual_stream():
    states = 4 * 2048 * 2048  # of one micro batch of one sequence, fp32
    assert step_cost(trial(dp=8, pp=4), CARD).volume.pipeline == 2 * 32 * states  # a middle stage sends both ways
    assert step_cost(trial(dp=8, pp=2), CARD).volume.pipeline == 32 * states
    assert step_cost(trial(dp=8), CARD).volume.pipeline == 0


def test_tensor_parallel_ranks_reduce_outputs_and_gradients_of_inputs():
    """That these are the engine's own sizes is held in tests/train/test_topologies.py."""
    laid = on_gpu(trial(tp=2))
    (stage,) = pipeline_stages(MODEL, 1)
    states, tokens = 2048 * 2048, 2048
    assert tensor_bytes(laid, stage) == states * (16 * (2 * 2 + 2 * 4) + 4 + 2) + 12 * tokens
    again = laid.replace(**{"compute.recompute": "layer"})
    assert tensor_bytes(again, stage) - tensor_bytes(laid, stage) == states * 16 * 2
    assert tensor_bytes(on_gpu(trial()), stage) == 0
    volume = step_cost(trial(tp=4, dp=2), CARD).volume.tensor
    assert volume == pytest.approx(128 * 2 * 3 / 4 * tensor_bytes(laid, stage))


def test_the_bubble_is_what_1f1b_leaves_and_more_micro_batches_make_it_smaller():
    """All stages but the busiest, once each; were they equal, (stages - 1) / (micro batches + stages - 1) of the time."""
    for size, count in ((1, 64), (8, 8)):
        laid = on_gpu(trial(dp=4, pp=4, micro_batch_size=size))
        busy = [stage_seconds(laid, stage, CARD) for stage in pipeline_stages(MODEL, 4)]
        others = sum(busy) / max(busy) - 1
        share = step_cost(laid, CARD).bubble_share
        assert share == pytest.approx(others / (count + others))
        assert 0.75 * 3 / (count + 3) < share <= 3 / (count + 3)
    assert step_cost(trial(dp=4), CARD).bubble_share == 0


def test_recomputing_a_layer_costs_a_third_more_and_saves_memory():
    kept = layout_cost(trial(dp=8, micro_batch_size=8), CARD)
    again = layout_cost(trial(dp=8, micro_batch_size=8).replace(**{"compute.recompute": "layer"}), CARD)
    assert 1.2 < again.cost.compute / kept.cost.compute < 1.34
    assert again.memory_bytes < kept.memory_bytes / 2
    assert again.cost.flops == kept.cost.flops


def test_the_optimizer_moves_its_state_once():
    count = parameter_count(MODEL).total
    moved = 4 * (3 * count + (3 + 2 * 2) * count / 8)
    assert step_cost(trial(dp=8), CARD).optimizer == pytest.approx(moved / (MEMORY.value * CARD.memory_bandwidth))


def test_card_hours_of_a_run():
    hours = gpu_hours(LAID, CARD, 1e11, 0.4)
    assert hours == pytest.approx(flops_per_token(MODEL) * 1e11 / (0.4 * 989.4e12) / 3600)
    assert gpu_hours(LAID, CARD, 2e11, 0.4) == pytest.approx(2 * hours)
    seconds = 1e11 / LAID.tokens_per_step * COST.seconds
    assert gpu_hours(LAID, CARD, 1e11, COST.utilisation) == pytest.approx(seconds * 128 / 3600)


# --- published runs


def test_published_runs_are_foretold_within_their_scatter():
    checks = check_published()
    assert len({one.name for one in checks if 6e9 < flops_per_token(model_of(one.name)) / 6 < 16e9}) >= 6
    off = sorted(abs(one.left_out_error) for one in checks)
    assert median(off) < 0.1, "half of the runs within a tenth, none of them used for its own forecast"
    assert off[-2] < 0.25
    assert [one.name for one in checks if abs(one.left_out_error) > 0.25] == ["Llama 3 8B"]  # a fifth of the peak
    assert all(one.published > 0 and one.source and one.said for one in checks)
    assert published_table().height == len(published_runs())


def model_of(name: str) -> ModelSpec:
    return next(run.trial.model for run in published_runs() if run.name == name)


def test_the_two_calibrated_constants_are_the_medians_they_say():
    shares = list(zip(published_runs(), fitted_shares(), strict=True))
    assert REACHED.value == pytest.approx(
        median(share for run, share in shares if not (run.whole or run.own)), abs=0.005
    )
    assert WHOLE.value == pytest.approx(median(share for run, share in shares if run.whole), abs=0.005)
    assert [one.name for one in ASSUMPTIONS if one.calibrated] == [REACHED.name, WHOLE.name]
    assert assumptions().height == len(ASSUMPTIONS) and all(one.source for one in ASSUMPTIONS)


def test_published_shapes_have_the_sizes_of_their_names():
    sizes = {run.name: parameter_count(run.trial.model).total / 1e9 for run in published_runs()}
    assert sizes["Llama 2 7B"] == pytest.approx(6.74, abs=0.01)
    assert sizes["Llama 2 13B"] == pytest.approx(13.02, abs=0.01)
    assert sizes["Llama 3 8B"] == pytest.approx(8.03, abs=0.01)
    assert sizes["OLMo 3 7B"] == pytest.approx(7.3, abs=0.01)
    assert sizes["LLM-jp v3 13B"] == pytest.approx(13.7, abs=0.05)
    assert sizes["MPT 7B"] == pytest.approx(6.658859008, rel=1e-3)  # with biases, which the engine has none of
    assert sizes["MPT 13B"] == pytest.approx(12.85395456, rel=1e-3)


def test_the_published_range_of_a_card():
    low, middle, high = published_utilisation("h100-sxm")
    assert 0.15 < low < 0.3 < middle < 0.45 < high < 0.5
    assert published_utilisation("h200-sxm")[2] > high, "of all cards, where none was used"


# --- layouts

SMALL = CARD.replace(memory_bytes=24e9)


@pytest.fixture(scope="module")
def found() -> list:
    return search_layouts(trial(), SMALL, 16)


def test_the_fastest_that_fits_is_first(found):
    fitting = [one for one in found if one.fits]
    assert found[: len(fitting)] == fitting and 10 < len(fitting) < len(found)
    seconds = [one.cost.seconds for one in fitting]
    assert seconds == sorted(seconds)
    beyond = [one.memory_bytes for one in found[len(fitting) :]]
    assert beyond == sorted(beyond) and beyond[0] > usable_bytes(SMALL) >= fitting[0].memory_bytes
    assert all(one.memory_bytes == max(one.memory_by_stage) for one in found)


def test_every_layout_is_valid_and_each_is_there_once(found):
    seen = set()
    for one in found:
        laid = one.applied(trial())  # which checks it
        assert laid.parallel.world_size == 16 and 8 % laid.parallel.tp == 0
        seen.add(str(one))
    assert len(seen) == len(found)
    assert layout_cost(found[0].applied(trial()), SMALL) == found[0]
    for field, values in {"tp": {1, 2, 4, 8}, "zero_stage": {0, 1}, "micro_batch_size": {1, 2, 4, 8, 16}}.items():
        assert {getattr(one.parallel, field) for one in found} == values
    assert max(one.parallel.pp for one in found) == 16, "as many stages as layers at most"


def test_layouts_can_be_asked_for(found):
    asked = search_layouts(trial(), SMALL, 16, tp=2, pp=4)
    assert {(one.parallel.tp, one.parallel.pp, one.parallel.dp) for one in asked} == {(2, 4, 2)}
    assert asked[0] == next(one for one in found if (one.parallel.tp, one.parallel.pp) == (2, 4))
    with pytest.raises(StudyError, match=r"gpus: 16 have no layout of tp 3: tp must divide num_heads 16"):
        search_layouts(trial(), CARD, 16, tp=3)
    with pytest.raises(StudyError, match=r"gpus: 17 have no layout: .* dp divide global_batch_size 256"):
        search_layouts(trial(), CARD, 17)


def test_a_larger_card_fits_more(found):
    larger = search_layouts(trial(), CARD, 16, tp=1)
    assert sum(one.fits for one in larger) > sum(one.fits for one in found if one.parallel.tp == 1)


def test_the_table_has_a_row_a_layout(found):
    table = layouts_table(found)
    assert table.height == len(found)
    first = table.row(0, named=True)
    assert first["layout"] == str(found[0]) and first["seconds"] == found[0].cost.seconds
    assert first["tensor_bytes"] == found[0].cost.volume.tensor


def test_a_card_that_is_not_known_is_told_those_that_are():
    with pytest.raises(StudyError, match=r"gpu: 'h100' is not valid; choose from a100-sxm, h100-sxm"):
        card_named("h100")
    assert all(card.matrix_flops < card.bf16_flops and card.source for card in CARDS.values())
