"""Mixture of experts: what it computes, against the plain formula written out."""

from __future__ import annotations

import math

import pytest
import torch
from every_choice import batch, build
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from studylib.choices.execution import Execution
from studylib.errors import StudyError
from studylib.model.cost import flops_per_token, parameter_count
from studylib.model.gpt import GPT
from studylib.model.moe.auxiliary import auxiliary_scale, load_balancing_loss, router_z_loss, with_auxiliary_loss
from studylib.model.moe.dispatch import block_products, gather_rows, grouped_products, has_grouped_kernel, scatter_rows
from studylib.model.moe.layer import MoE
from studylib.model.moe.load import imbalance
from studylib.model.moe.router import Router
from studylib.parallel import world
from studylib.spec import ModelSpec, MoESpec, ParallelSpec, validated

MODEL = ModelSpec(num_layers=2, hidden_size=32, num_heads=4, vocab_size=512, seq_len=32, moe={"experts": 4})
MODELS = {
    "top 2 of 4": MODEL,
    "top 1 of 8": MODEL.replace(moe={"experts": 8, "experts_per_token": 1, "expert_size": 40}),
    "shared, every second layer": MODEL.replace(
        num_layers=5, moe={"experts": 6, "experts_per_token": 2, "shared_experts": 1, "every": 2}
    ),
}


def moe_layer(model: ModelSpec = MODEL, seed: int = 0) -> MoE:
    with world(ParallelSpec(), torch.device("cpu")) as one:
        layer = MoE(model, one.context.tp_pg)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * parameter.shape[-1] ** -0.5)
    return layer


def inputs(model: ModelSpec = MODEL, rows: int = 3) -> torch.Tensor:
    return torch.randn(rows, model.seq_len, model.hidden_size, generator=torch.Generator().manual_seed(1))


def written_out(layer: MoE, x: torch.Tensor) -> torch.Tensor:
    """Every expert for every token, then the sum over those with a weight."""
    _, weights, chosen = layer.router(x)
    gate, up = layer.experts.gate_up_proj.chunk(2, dim=1)
    wide = F.silu(torch.einsum("btd,eid->btei", x, gate)) * torch.einsum("btd,eid->btei", x, up)
    every = torch.einsum("btei,edi->bted", wide, layer.experts.down_proj)
    weight = torch.zeros(*x.shape[:2], every.shape[2]).scatter(-1, chosen, weights)
    return (every * weight.unsqueeze(-1)).sum(dim=2)


def test_no_token_is_dropped_and_each_gets_its_experts():
    layer, x = moe_layer(), inputs()
    torch.testing.assert_close(layer(x), written_out(layer, x), rtol=1e-4, atol=1e-5)


def test_gradients_are_those_of_the_plain_formula():
    model = MODEL.replace(**{"moe.balance_loss": 0.0, "moe.z_loss": 0.0})
    x = inputs().requires_grad_()
    found = []
    for forward in (lambda layer: layer(x), lambda layer: written_out(layer, x)):
        layer = moe_layer(model)
        x.grad = None
        forward(layer).square().sum().backward()
        found.append([x.grad.clone(), *(parameter.grad for parameter in layer.parameters())])
    for one, other in zip(*found, strict=True):
        assert one.abs().sum() > 0
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)


def test_shared_experts_are_added_for_every_token():
    layer, x = moe_layer(MODEL.replace(**{"moe.shared_experts": 2})), inputs()
    torch.testing.assert_close(layer(x) - layer.shared(x), written_out(layer, x), rtol=1e-4, atol=1e-5)
    assert layer.shared(x).abs().sum() > 0


def test_auxiliary_losses_reach_the_router_and_nothing_else_changes():
    """The gradient of the injected losses is that of adding them to the loss by hand."""
    x = inputs()
    plain, balanced = moe_layer(MODEL.replace(**{"moe.balance_loss": 0.0, "moe.z_loss": 0.0})), moe_layer()
    assert torch.equal(plain(x), balanced(x))
    plain.load.zero_()
    logits, _, chosen = plain.router(x)
    counts = F.one_hot(chosen, 4).sum(dim=(1, 2))
    own = 0.01 * load_balancing_loss(logits.softmax(-1), counts) + 0.001 * router_z_loss(logits)
    (plain(x).sum() + 0.5 * own).backward()
    with auxiliary_scale(0.5):
        balanced(x).sum().backward()
    torch.testing.assert_close(plain.router.weight.grad, balanced.router.weight.grad, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(plain.experts.down_proj.grad, balanced.experts.down_proj.grad)


def test_auxiliary_gradient_has_the_scale_of_the_forward_pass():
    x, weight = torch.ones(3, requires_grad=True), torch.ones((), requires_grad=True)
    with auxiliary_scale(0.25):
        passed = with_auxiliary_loss(x, 3 * weight)
    passed.sum().backward()
    assert torch.equal(passed, x)
    assert weight.grad.item() == 0.75
    assert torch.equal(x.grad, torch.ones(3))


def test_balance_loss_is_one_when_even_and_the_number_of_experts_in_collapse():
    even = torch.full((2, 8, 4), 0.25)
    assert load_balancing_loss(even, torch.full((2, 4), 4)).item() == pytest.approx(1.0)
    collapsed = torch.zeros(2, 8, 4)
    collapsed[..., 1] = 1.0
    assert load_balancing_loss(collapsed, torch.tensor([[0, 8, 0, 0]] * 2)).item() == pytest.approx(4.0)


def test_balance_loss_does_not_depend_on_how_a_batch_is_cut():
    probabilities = torch.randn(6, 16, 4, generator=torch.Generator().manual_seed(0)).softmax(-1)
    counts = F.one_hot(probabilities.topk(2).indices, 4).sum(dim=(1, 2))
    whole = load_balancing_loss(probabilities, counts)
    parts = [load_balancing_loss(probabilities[i : i + 2], counts[i : i + 2]) for i in (0, 2, 4)]
    torch.testing.assert_close(whole, torch.stack(parts).mean())


def test_router_stays_in_fp32_under_autocast():
    router = Router(32, MODEL.moe)
    torch.nn.init.normal_(router.weight)
    x = inputs()
    with torch.autocast("cpu", torch.bfloat16):
        logits, weights, _ = router(x)
    assert logits.dtype == weights.dtype == torch.float32
    assert torch.equal(logits, router(x)[0])
    torch.testing.assert_close(weights.sum(-1), torch.ones(3, 32))


def test_a_single_expert_keeps_its_probability_so_that_the_router_learns():
    layer, x = (
        moe_layer(MODEL.replace(**{"moe.experts_per_token": 1, "moe.balance_loss": 0, "moe.z_loss": 0})),
        inputs(),
    )
    assert layer.router(x)[1].max() < 1
    layer(x).square().sum().backward()
    assert layer.router.weight.grad.abs().sum() > 0


@pytest.mark.parametrize("counts", [[3, 0, 5], [0, 8, 0], [8, 0, 0]])
def test_grouped_kernel_computes_what_blocks_compute(counts):
    if not has_grouped_kernel(torch.device("cpu"), 16, 8):
        pytest.skip("this torch has no grouped_mm")
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(8, 16, generator=generator).bfloat16().requires_grad_()
    weights = torch.randn(3, 8, 16, generator=generator).bfloat16().requires_grad_()
    direction = torch.randn(8, 8, generator=generator).bfloat16()
    found = []
    for product in (
        lambda: block_products(rows, weights, counts),
        lambda: grouped_products(rows, weights, torch.tensor(counts).cumsum(0).to(torch.int32)),
    ):
        rows.grad = weights.grad = None
        made = product()
        made.backward(direction)
        found.append((made, rows.grad, weights.grad))
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=2e-2, atol=2e-2)


def test_rows_go_to_their_places_and_back():
    x = torch.arange(6.0).view(3, 2).requires_grad_()
    order = torch.tensor([5, 0, 3])  # of 3 tokens with 2 copies each
    rows = gather_rows(x, order, 2)
    assert rows.tolist() == [[4, 5], [0, 1], [2, 3]]
    spread = scatter_rows(rows, order, 6)
    assert spread[5].tolist() == [4, 5]
    assert spread[1].abs().sum() == 0
    assert torch.autograd.gradcheck(
        lambda value: scatter_rows(gather_rows(value, order, 2), order, 6), x.detach().double().requires_grad_()
    )


def test_bf16_autocast_computes_nearly_the_same():
    layer, x = moe_layer(), inputs()
    with torch.autocast("cpu", torch.bfloat16):
        low = layer(x)
    torch.testing.assert_close(low.float(), layer(x), rtol=5e-2, atol=5e-2)


def test_load_counts_every_token_once_for_each_of_its_experts():
    layer = moe_layer()
    layer(inputs())
    assert layer.load.sum().item() == 3 * 32 * 2
    layer(inputs())
    assert layer.load.sum().item() == 2 * 3 * 32 * 2
    assert imbalance(torch.tensor([[0.25] * 4, [1, 0, 0, 0]])).tolist() == [1.0, 4.0]


@pytest.mark.parametrize(
    ("moe", "message"),
    [
        ({"experts": 1}, "model.moe.experts: 1 leaves nothing"),
        ({"experts": 4, "experts_per_token": 4}, "experts_per_token: 4 must be less than the 4 experts"),
        ({"experts": 4, "every": 3}, "model.moe.every: 3 leaves none of 2 layers"),
        ({"experts": 4, "balance_loss": -1}, "balance_loss"),
        ({"experts": 4, "expert": 2}, "key 'expert' in moe: 2 is not known"),
    ],
)
def test_impossible_experts_are_refused(moe, message):
    content = MODEL.model_dump() | {"moe": moe}
    with pytest.raises(StudyError, match=message):
        validated(ModelSpec, content)


def test_shared_experts_do_not_count_unless_there_are_any():
    assert MoESpec(experts=8).active_experts == 2


@pytest.mark.parametrize("name", MODELS)
def test_parameters_total_and_active_are_counted_exactly(name):
    model = MODELS[name]
    built, counted = build(model), parameter_count(model)
    assert sum(parameter.numel() for parameter in built.parameters()) == counted.total
    experts = [parameter for name, parameter in built.named_parameters() if ".experts." in name]
    idle = 1 - model.moe.experts_per_token / model.moe.experts
    assert counted.inactive == pytest.approx(idle * sum(parameter.numel() for parameter in experts))
    assert counted.active + counted.inactive == counted.total


@pytest.mark.parametrize("name", MODELS)
def test_flops_are_those_of_active_experts(name):
    model = MODELS[name]
    built = build(model)
    with FlopCounterMode(display=False) as counter, torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        built(**batch(model))["loss"].backward()
    assert counter.get_total_flops() == pytest.approx(flops_per_token(model) * 4 * model.seq_len, rel=1e-3)


def test_default_expert_size_costs_a_token_what_the_dense_one_does():
    model = ModelSpec(num_layers=4, hidden_size=512, num_heads=8, vocab_size=1024, moe={"experts": 8})
    assert flops_per_token(model) == pytest.approx(flops_per_token(model.replace(moe=None)), rel=0.01)
    assert parameter_count(model).total > 2 * parameter_count(model.replace(moe=None)).total


@pytest.mark.parametrize("name", MODELS)
def test_first_loss_is_that_of_a_uniform_guess_and_all_parameters_learn(name):
    model = MODELS[name]
    built = build(model)
    loss = built(**batch(model, rows=16))["loss"]
    assert loss.item() == pytest.approx(math.log(model.vocab_size), rel=0.1)
    loss.backward()
    assert [name for name, parameter in built.named_parameters() if not parameter.grad.abs().sum() > 0] == []


def test_experts_start_differently_from_each_other_and_equally_in_every_build():
    first, again = build(MODEL), build(MODEL)
    for (name, one), other in zip(first.named_parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other), name
        if ".experts." in name:
            assert not torch.equal(one[0], one[1]), name


def test_experts_start_as_a_dense_layer_of_their_size_does():
    """CompleteP's rule for hidden matrices by each expert's own fan-in."""
    experts = build(MODEL.replace(moe={"experts": 16, "expert_size": 88})).model.decoder[0].pp_block.mlp.experts
    dense = build(MODEL.replace(moe=None)).model.decoder[0].pp_block.mlp
    assert experts.gate_up_proj.std().item() == pytest.approx(dense.gate_up_proj.weight.std().item(), rel=0.05)
    assert experts.down_proj.std().item() == pytest.approx(dense.down_proj.weight.std().item(), rel=0.05)


def gradients(built: GPT, dtype: torch.dtype = torch.float32) -> tuple[float, list[torch.Tensor]]:
    with torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
        loss = built(**batch(MODEL))["loss"]
    loss.backward()
    return loss.item(), [parameter.grad for parameter in built.parameters()]


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["fp32-blocks", "bf16-grouped"])
def test_compiled_layers_with_experts_compute_the_same(dtype):
    model = MODEL.replace(num_layers=1)
    loss, plain = gradients(build(model), dtype)
    other, compiled = gradients(build(model, execution=Execution(compile="layer")), dtype)
    low = dtype == torch.bfloat16
    assert loss == pytest.approx(other, rel=1e-3 if low else 1e-5)
    for one, two in zip(plain, compiled, strict=True):
        assert (one - two).norm() <= (0.1 if low else 1e-3) * one.norm() + 1e-6


def test_recomputed_layers_with_experts_have_the_same_gradients():
    """The auxiliary losses' gradient is there once, though the forward pass is run twice."""
    with auxiliary_scale(0.5):
        loss, plain = gradients(build(MODEL))
        again, recomputed = gradients(build(MODEL, execution=Execution(recompute="layer")))
    assert loss == again
    for one, two in zip(plain, recomputed, strict=True):
        torch.testing.assert_close(one, two, rtol=1e-5, atol=1e-7)
