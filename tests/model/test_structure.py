"""What single choices of the structure promise, and which of them do not go together."""

from __future__ import annotations

import pytest
import torch
from choices_runner import trial_of
from every_choice import BASE, CHOICES, batch, build

from studylib.choices.activation.relu import by_sign, rectified
from studylib.errors import StudyError
from studylib.model.cost import mlp_matrix_parameters
from studylib.model.gpt import build_gpt
from studylib.parallel import world
from studylib.registry import ACTIVATIONS, MIXERS, NORMS
from studylib.spec import ParallelSpec
from studylib.train.gradients import clip_gradients
from studylib.train.optimizer import build_optimizer


def test_the_default_model_computes_what_it_did_before_there_were_choices():
    """Recorded at 38daf39, on random tokens; a changed order of operations may move the last digits."""
    recorded = [6.373913, 6.093830, 5.439346, 5.092316, 4.504258, 4.162933, 3.780487, 3.512831]
    model = BASE.replace(num_layers=3, num_kv_heads=2, unit_stream=False)  # which was all there was

    spec = trial_of(model, ParallelSpec()).replace(train_steps=20)
    with world(ParallelSpec(), torch.device("cpu")) as one:
        gpt = build_gpt(model, one, seed=3)
        optimizer = build_optimizer(gpt, spec, one)
        found = []
        for _ in recorded:
            loss = gpt(**batch(model, rows=8))["loss"]
            loss.backward()
            clip_gradients(gpt, one, 1.0)
            optimizer.step()
            optimizer.zero_grad()
            found.append(loss.item())
    assert found == pytest.approx(recorded, rel=1e-4)


REFUSED = {
    "two norms of nothing": (
        {"residual": "post", "norm": "none"},
        "model.residual: 'post' normalises the stream itself",
    ),
    "a fraction of no rotation": (
        {"position": "alibi", "rotary_fraction": 0.5},
        "model.rotary_fraction: 0.5 is not used by alibi, but by position rope",
    ),
    "an odd part of a head": ({"rotary_fraction": 0.4}, "model.rotary_fraction: 0.4 rotates 3 of a head's 8 entries"),
    "a hybrid of one kind": ({"attention_every": 2}, "model.attention_every: 2 is for hybrids"),
}


@pytest.mark.parametrize(("changes", "why"), REFUSED.values(), ids=REFUSED.keys())
def test_choices_that_do_not_fit_are_refused_in_one_line(changes, why):
    with pytest.raises(StudyError) as refused:
        BASE.replace(**changes)
    assert why in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("hidden_size", [32, 96, 768, 5120])
def test_gated_and_ungated_mlps_have_equal_parameters(hidden_size):
    sizes = set()
    for name in ACTIVATIONS:
        sizes.add(mlp_matrix_parameters(BASE.replace(hidden_size=hidden_size, activation=name)))
    assert len(sizes) == 1
    assert BASE.replace(hidden_size=hidden_size, activation="relu").ffn_size == pytest.approx(4 * hidden_size, rel=0.05)


def test_tied_embeddings_are_one_table_with_two_scales():
    tied, apart = build(CHOICES["tied"]), build(BASE)
    table, head = tied.model.token_position_embeddings.pp_block, tied.model.lm_head.pp_block
    assert table.token_embedding.weight is head.proj.weight
    tokens = batch(BASE)["input_ids"]
    entering = [gpt.model.token_position_embeddings(input_ids=tokens)["hidden_states"].std() for gpt in (tied, apart)]
    assert entering[0].item() == pytest.approx(entering[1].item(), rel=0.05)


def test_deepnorm_starts_values_small_and_queries_as_ever():
    model = BASE.replace(residual="deepnorm", num_layers=4, num_kv_heads=2)
    ours = build(model).model.decoder[0].pp_block
    plain = build(model.replace(residual="post")).model.decoder[0].pp_block
    ratio = ours.attn.qkv_proj.weight / plain.attn.qkv_proj.weight
    gain = (8 * 4) ** -0.25
    torch.testing.assert_close(ratio[:48], torch.ones(48, 32))
    torch.testing.assert_close(ratio[48:], torch.full((16, 32), gain))
    for name in ("gate_up_proj", "down_proj"):
        ratio = getattr(ours.mlp, name).weight / getattr(plain.mlp, name).weight
        torch.testing.assert_close(ratio, torch.full_like(ratio, gain))


@pytest.mark.skipif(len(MIXERS) < 2, reason="there is no other mixer than attention")
def test_hybrids_have_attention_in_every_nth_layer():
    model = BASE.replace(num_layers=7, mixer=next(name for name in MIXERS if name != "attention"), attention_every=3)
    kinds = [model.mixer_of_layer(index) for index in range(7)]
    assert [index for index, kind in enumerate(kinds) if kind == "attention"] == [2, 5]
    assert model.mixers == {model.mixer: 5, "attention": 2}


def test_alpha_of_dyt_starts_as_its_authors_have_it():
    starts = {
        size: [NORMS["dyt"](BASE.replace(hidden_size=size), before_mixer=place).alpha for place in (True, False)]
        for size in (32, 1024, 2048, 4096, 5120, 8192, 10_000)
    }
    assert starts[32] == starts[1024] == [1.0, 1.0]
    assert starts[2048] == pytest.approx([0.8**0.5, 0.2**0.5])
    assert [starts[size] for size in (4096, 5120, 8192)] == [
        pytest.approx(pair) for pair in ([0.8, 0.2], [0.6, 0.15], [0.2, 0.05])
    ]
    assert starts[10_000] == starts[8192]
    model = BASE.replace(hidden_size=4096, num_heads=32, vocab_size=64, num_layers=1, intermediate_size=8, norm="dyt")
    layer = build(model).model.decoder[0].pp_block
    assert (layer.input_layernorm.alpha.item(), layer.post_attention_layernorm.alpha.item()) == pytest.approx(
        (0.8, 0.2)
    )


@pytest.mark.parametrize("position", ["learned", "sinusoidal"])
@pytest.mark.parametrize("init", ["completep", "normal"])
def test_absolute_positions_start_small_beside_tokens(position, init):
    block = build(BASE.replace(position=position, init=init)).model.token_position_embeddings.pp_block
    tokens = block.token_embedding(batch(BASE)["input_ids"])
    added = block.position(torch.zeros_like(tokens))
    share = added.square().mean().sqrt() / tokens.square().mean().sqrt()
    assert share.item() == pytest.approx({"learned": 0.25, "sinusoidal": 0.25 * 2**-0.5}[position], rel=0.15)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_relu_as_it_is_compiled_on_a_cpu_is_relu(dtype):
    x = torch.tensor([-2.0, -1e-30, -0.0, 0.0, 1e-30, 0.3, 5.0], dtype=dtype)
    found = []
    for function in (torch.relu, rectified, by_sign):
        row = x.clone().requires_grad_()
        value = function(row)
        value.backward(torch.full_like(row, 3.0))
        found.append((value.detach() + 0.0, row.grad))  # -0 is 0
    for value, gradient in found[1:]:
        assert torch.equal(value, found[0][0]) and torch.equal(gradient, found[0][1])
