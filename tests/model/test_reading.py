"""What is read bit by bit is what is read at once: every choice of the model, however the tokens are cut."""

from __future__ import annotations

import pytest
import torch
from every_choice import BASE, CHOICES, batch, build
from test_moe import MODELS as WITH_EXPERTS
from torch.utils.flop_counter import FlopCounterMode

from studylib.choices.execution import Execution
from studylib.errors import StudyError
from studylib.model.gpt import GPT
from studylib.model.reading import Reading
from studylib.registry import ATTENTION_PATTERNS, MIXERS, POSITIONS
from studylib.spec import ModelSpec

PATTERNS = {
    "dense": [{}],
    "sliding_window": [{"window": 5}, {"window": 5, "global_tokens": 2}],
    "dilated": [{"window": 3, "dilation": 4}],
    "bigbird": [{"window": 7, "random_blocks": 1, "global_tokens": 3}],
    "strided": [{"window": 5, "stride": 4}, {"window": 3, "stride": 8}],
}
MODELS = (
    CHOICES
    | {f"experts {name}": model for name, model in WITH_EXPERTS.items()}
    | {f"{name} with experts": BASE.replace(mixer=name, moe={"experts": 4}) for name in MIXERS}
    | {
        f"{name} {options} {position}": BASE.replace(
            attention_pattern=name,
            **options,
            position=position,
            num_kv_heads=2,
            seq_len=200 if name == "bigbird" else 40,
        )
        for name in ATTENTION_PATTERNS
        for options in PATTERNS[name]
        for position in POSITIONS
    }
)
# One by one, in blocks, and both: a state is gone on from by one token and by several, and begun by one and by several.
CUTS = ([1], [5, 1, 1, 7], [2, 9])


def in_double(model: ModelSpec, **options) -> GPT:
    return build(model, execution=Execution(weights="float64"), **options).eval()


def pieces(tokens: torch.Tensor, cut: list[int]) -> list[torch.Tensor]:
    """Pieces of these lengths, again and again."""
    sizes = []
    while sum(sizes) < tokens.shape[1]:
        sizes.append(min(cut[len(sizes) % len(cut)], tokens.shape[1] - sum(sizes)))
    return list(tokens.split(sizes, dim=1))


def read(gpt: GPT, tokens: torch.Tensor, cut: list[int]) -> torch.Tensor:
    """The logits at every position."""
    reading = Reading(gpt)
    hidden = [reading.hidden_states(piece) for piece in pieces(tokens, cut)]
    with torch.no_grad():
        return gpt.model.lm_head.pp_block.logits(torch.cat(hidden, dim=1))


def at_once(gpt: GPT, tokens: torch.Tensor, prefix_len: torch.Tensor | None = None) -> torch.Tensor:
    with torch.no_grad():
        return gpt.logits(tokens, prefix_len)


def assert_same(ours: torch.Tensor, expected: torch.Tensor, tolerance: float = 1e-9) -> None:
    """Relative to the largest, at every position."""
    assert ours.shape == expected.shape and ours.dtype == expected.dtype
    assert (ours - expected).abs().max() <= tolerance * expected.abs().max()


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS.keys())
def test_pieces_are_read_as_the_whole(model):
    gpt, tokens = in_double(model), batch(model, rows=3)["input_ids"]
    expected = at_once(gpt, tokens)
    for cut in CUTS:
        assert_same(read(gpt, tokens, cut), expected)


@pytest.mark.parametrize("dtype, tolerance", [("float32", 1e-4), ("bfloat16", 0.1)])
@pytest.mark.parametrize("mixer", MIXERS)
def test_in_lower_precision_only_rounding_differs(mixer, dtype, tolerance):
    model = BASE.replace(mixer=mixer, num_layers=4)
    gpt, tokens = build(model).eval(), batch(model)["input_ids"]
    with torch.autocast("cpu", torch.bfloat16, enabled=dtype == "bfloat16"):
        for cut in CUTS:
            assert_same(read(gpt, tokens, cut), at_once(gpt, tokens), tolerance)


@pytest.mark.parametrize("pattern", ATTENTION_PATTERNS)
@pytest.mark.parametrize("position", POSITIONS)
def test_a_prefix_is_read_both_ways_and_the_rest_goes_on_from_it(position, pattern):
    model = BASE.replace(position=position, attention_pattern=pattern, **PATTERNS[pattern][0])
    gpt, tokens, prefix_len = (
        in_double(model, prefixes=True),
        batch(model, rows=3)["input_ids"],
        torch.tensor([9, 4, 0]),
    )
    expected = at_once(gpt, tokens, prefix_len)
    assert (expected - at_once(gpt, tokens)).abs().max() > 1e-3
    reading = Reading(gpt)
    first, *others = pieces(tokens, [9, 1, 1, 6])
    hidden = [reading.hidden_states(first, prefix_len), *(reading.hidden_states(piece) for piece in others)]
    assert_same(gpt.model.lm_head.pp_block.logits(torch.cat(hidden, dim=1)).detach(), expected)


@pytest.mark.parametrize("mixer", MIXERS)
def test_rows_are_left_out_repeated_and_put_in_another_order(mixer):
    model = BASE.replace(mixer=mixer)
    gpt, tokens, chosen = in_double(model), batch(model)["input_ids"], torch.tensor([3, 1, 1])
    reading = Reading(gpt)
    reading.hidden_states(tokens[:, :11])
    reading.select(chosen)
    ways = torch.cat([tokens[chosen, :11], tokens[:3, 11:]], dim=1)  # the second and third rows go on differently
    expected = at_once(gpt, ways)
    for place in range(11, 32):
        assert_same(reading.next_logits(ways[:, place, None]), expected[:, place])


@pytest.mark.parametrize("position", POSITIONS)
def test_beyond_the_trained_length_it_goes_on_or_says_that_it_cannot(position):
    model = BASE.replace(position=position)
    tokens = torch.randint(0, 512, (2, 80), generator=torch.Generator().manual_seed(0))
    gpt, longest = in_double(model), POSITIONS[position](model).longest
    if longest is None:
        assert_same(read(gpt, tokens, [30, 1, 1, 1]), at_once(gpt, tokens))
        return
    with pytest.raises(StudyError, match=f"has {longest} positions and was asked for {longest + 1}"):
        read(gpt, tokens, [longest, 1])


@pytest.mark.parametrize("mixer", MIXERS)
def test_a_token_costs_its_own_pass_not_that_of_all_before(mixer):
    model = BASE.replace(mixer=mixer, seq_len=200)
    gpt, tokens = build(model).eval(), batch(model)["input_ids"]
    reading = Reading(gpt)
    reading.hidden_states(tokens[:, :-1])
    with FlopCounterMode(display=False) as one:
        reading.next_logits(tokens[:, -1:])
    with FlopCounterMode(display=False) as all_of_them:
        at_once(gpt, tokens)
    assert 0 < one.get_total_flops() < 0.02 * all_of_them.get_total_flops()


def test_a_model_built_for_several_texts_in_a_row_reads_on_in_one():
    gpt, tokens = in_double(BASE, packed=True), batch(BASE)["input_ids"]
    for cut in CUTS:
        assert_same(read(gpt, tokens, cut), at_once(gpt, tokens))


def test_a_prefix_after_the_first_tokens_is_a_mistake():
    gpt, tokens = build(BASE, prefixes=True), batch(BASE)["input_ids"]
    reading = Reading(gpt)
    reading.hidden_states(tokens[:, :4], torch.tensor([4, 4, 4, 4]))
    with pytest.raises(AssertionError, match="a prefix is read at once"):
        reading.hidden_states(tokens[:, 4:8], torch.tensor([4, 4, 4, 4]))
