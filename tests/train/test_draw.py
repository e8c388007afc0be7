"""Drawing tokens: what is kept of the context changes nothing, prompts go on as the model says, top-p is top-p."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from several import on_processes

from studylib.bench.sampling import ReadingAgain
from studylib.choices.execution import Execution
from studylib.data import Tokenizer, prepare
from studylib.data.pseudo import SamplingSpec
from studylib.errors import StudyError
from studylib.model.gpt import GPT, build_gpt
from studylib.model.reading import Reading
from studylib.parallel import world
from studylib.registry import MIXERS
from studylib.spec import ModelSpec, ParallelSpec
from studylib.train import draw
from studylib.train.compute import resolve
from studylib.train.draw import draw_continuations, draw_documents, draw_tokens

# A small vocabulary, so that many documents end within the context.
MODEL = ModelSpec(num_layers=2, hidden_size=32, num_heads=4, vocab_size=24, seq_len=32)
MARKS = SimpleNamespace(eos_id=2, bos_id=1, pad_id=3, vocab_size=20, known_pieces={})
ENDLESS = SimpleNamespace(eos_id=23, bos_id=23, pad_id=23, vocab_size=20, known_pieces={})
CHAT = SimpleNamespace(
    eos_id=2, bos_id=1, pad_id=3, vocab_size=20, known_pieces={8: "<|im_start|>", 9: "<|im_end|>", 10: "〘電話〙"}
)
LIKELIEST = SamplingSpec(top_p=1e-9, batch_documents=4)


@pytest.fixture(name="compute")
def _compute(tiny_trial):
    return resolve(tiny_trial)


def build(model: ModelSpec = MODEL, weights: str = "float64", **options) -> GPT:
    with world(ParallelSpec(), torch.device("cpu")) as one:
        return build_gpt(model, one, seed=0, execution=Execution(weights=weights), **options).eval()


def prompts(*lengths: int) -> list[list[int]]:
    random = np.random.default_rng(0)
    return [random.integers(4, 20, length).tolist() for length in lengths]


def as_lists(drawn: list[tuple[np.ndarray, bool]]) -> list[tuple[list[int], bool]]:
    return [(tokens.tolist(), ended) for tokens, ended in drawn]


@pytest.mark.parametrize("mixer", MIXERS)
def test_documents_are_the_same_when_everything_is_read_again(mixer, compute):
    gpt, sampling = build(MODEL.replace(mixer=mixer)), SamplingSpec(temperature=1.0, batch_documents=40)
    kept = as_lists(draw_documents(gpt, compute, MARKS, 32, sampling, 0))
    again = as_lists(draw_documents(gpt, compute, MARKS, 32, sampling, 0, reading=ReadingAgain))
    assert kept == again
    ended = sum(flag for _, flag in kept)
    assert 5 < ended < 40 and all(len(tokens) == 32 for tokens, flag in kept if not flag)
    assert kept != as_lists(draw_documents(gpt, compute, MARKS, 32, sampling, 1))


def test_ended_rows_are_left_behind(compute):
    read = []

    class Counting(Reading):
        def hidden_states(self, input_ids, prefix_len=None):
            read.append(len(input_ids))
            return super().hidden_states(input_ids, prefix_len)

    sampling = SamplingSpec(temperature=1.0, batch_documents=40)
    documents = draw_documents(build(), compute, MARKS, 32, sampling, 0, reading=Counting)
    lengths = np.array([len(tokens) for tokens, _ in documents])
    running = [int((lengths >= place).sum()) for place in range(len(read))]
    assert read[0] == 40 > read[-1]
    assert all(few <= rows <= 4 / 3 * few + 1 for rows, few in zip(read, running, strict=True))


@pytest.mark.parametrize("prefixes", [False, True])
def test_every_prompt_goes_on_as_it_would_alone(prefixes, compute):
    gpt, asked = build(prefixes=prefixes), prompts(9, 1, 4, 30, 9, 17, 4, 32)
    for row, (tokens, ended) in enumerate(draw_continuations(gpt, compute, MARKS, asked, 32, LIKELIEST)):
        text, start = list(asked[row]), len(asked[row])
        prefix_len = torch.tensor([start]) if prefixes else None
        while len(text) <= 32:
            with torch.no_grad():
                logits = gpt.logits(torch.tensor([text]), prefix_len)[0, -1]
            logits[[0, 1, 3, 20, 21, 22, 23]] = -torch.inf
            text.append(int(logits.argmax()))
            if text[-1] == MARKS.eos_id:
                break
        assert (tokens.tolist(), ended) == (text[start:][: -1 if ended else None], text[-1] == MARKS.eos_id)


def test_what_is_written_is_limited_and_ends_with_the_context(compute):
    gpt, asked = build(), prompts(9, 2, 30, 32)
    lengths = [len(tokens) for tokens, _ in draw_continuations(gpt, compute, ENDLESS, asked, 32, LIKELIEST)]
    assert lengths == [24, 31, 3, 1]
    few = LIKELIEST.replace(max_tokens=5)
    drawn = draw_continuations(gpt, compute, ENDLESS, asked, 32, few)
    assert [(len(tokens), ended) for tokens, ended in drawn] == [(5, False), (5, False), (3, False), (1, False)]
    assert draw_continuations(gpt, compute, ENDLESS, [], 32, few) == []


@pytest.mark.parametrize("length", [0, 33])
def test_a_prompt_that_does_not_fit_is_refused(length, compute):
    with pytest.raises(StudyError, match=rf"prompts\[1\]: '{length} tokens' must have 1 to 32, the context"):
        draw_continuations(build(), compute, MARKS, prompts(3, length), 32, LIKELIEST)


def test_continuations_are_drawn_by_their_seed(compute):
    gpt, asked, sampling = build(), prompts(5, 5, 8), SamplingSpec(temperature=1.0)
    once, twice, other = (
        as_lists(draw_continuations(gpt, compute, MARKS, asked, 32, sampling.replace(seed=seed))) for seed in (0, 0, 1)
    )
    assert once == twice != other


def test_an_answer_ends_as_its_template_says_and_holds_no_other_control_token(compute):
    sampling = SamplingSpec(temperature=3.0, top_p=1.0)  # every token is as good as drawn
    gpt, asked = build(), prompts(*[5] * 60)
    drawn = draw_continuations(gpt, compute, CHAT, asked, 32, sampling, end=9)
    tokens = {token for written, _ in drawn for token in written.tolist()}
    assert tokens == {*range(4, 20)} - {8, 9}, "no mark, no role, no end; a mask of the user's is text"
    ended = [len(written) for written, flag in drawn if flag]
    assert 20 < len(ended) < 60 and all(len(written) == 28 for written, flag in drawn if not flag)
    as_text = draw_continuations(gpt, compute, CHAT, asked, 32, sampling)
    assert {token for written, _ in as_text for token in written.tolist()} == {*range(4, 20)} - {8, 9}
    assert as_lists(as_text) != as_lists(drawn) and any(flag for _, flag in as_text)


def test_tensor_parallel_ranks_draw_what_one_process_draws(compute, tmp_path, tiny_trial):
    asked, sampling = prompts(5, 9, 5, 2), SamplingSpec(temperature=1.0)
    alone = as_lists(draw_continuations(build(), compute, CHAT, asked, 32, sampling, end=9))
    on_processes(2, _draw_split, tiny_trial, asked, sampling, tmp_path)
    ranks = [[tuple(one) for one in json.loads((tmp_path / f"{rank}.json").read_text())] for rank in range(2)]
    assert ranks == [alone, alone] and sum(len(tokens) for tokens, _ in alone) > 40


def _draw_split(trial, asked, sampling, folder: Path) -> None:
    with world(ParallelSpec(tp=2), torch.device("cpu")) as two:
        gpt = build_gpt(MODEL, two, seed=0, execution=Execution(weights="float64")).eval()
        drawn = as_lists(draw_continuations(gpt, resolve(trial), CHAT, asked, 32, sampling, end=9))
    (folder / f"{two.tp_rank}.json").write_text(json.dumps(drawn))


def test_ids_beyond_the_tokenizers_are_never_drawn(tiny_trial, data_folder):
    """Sentinels have such ids; an untrained model would draw one every few tokens."""
    roomy, sampling = tiny_trial.replace(**{"model.vocab_size": 1024}), SamplingSpec(temperature=1.0, batch_documents=8)
    tokenizer = Tokenizer.load(prepare(tiny_trial.data, data_folder).tokenizer_file)
    documents = draw_documents(build(roomy.model, "float32"), resolve(roomy), tokenizer, 32, sampling, 0)
    drawn = [token for document, _ in documents for token in document]
    assert len(drawn) > 100 and max(drawn) < tokenizer.vocab_size == 512


@pytest.mark.parametrize("draws", [0, 1, 8])
def test_top_p_keeps_the_smallest_set_and_temperature_sharpens(draws, monkeypatch):
    """Whether the set is sorted out or hit by drawing."""
    monkeypatch.setattr(draw, "DRAWS", draws)
    logits = torch.log(torch.tensor([[0.3, 0.05, 0.5, 0.15]])).repeat(4000, 1)

    def shares(**changes) -> list[float]:
        sampling = SamplingSpec(temperature=1.0, top_p=1.0).replace(**changes)
        drawn = draw_tokens(logits.clone(), sampling, torch.Generator().manual_seed(0))
        return (torch.bincount(drawn, minlength=4) / len(drawn)).tolist()

    assert shares() == pytest.approx([0.3, 0.05, 0.5, 0.15], abs=0.03)
    assert shares(top_p=0.79) == pytest.approx([0.375, 0, 0.625, 0], abs=0.03)
    assert shares(top_p=0.01) == [0, 0, 1, 0]
    assert shares(temperature=0.5)[2] == pytest.approx(0.25 / 0.365, abs=0.03)
    banned = draw_tokens(logits.index_fill(1, torch.tensor([2, 1]), -torch.inf), SamplingSpec(), torch.Generator())
    assert set(banned.tolist()) == {0, 3}


@pytest.mark.parametrize("draws", [0, 1, 8])
def test_of_equally_likely_tokens_the_first_are_kept(draws, monkeypatch):
    """Logits in bfloat16 are often equal."""
    monkeypatch.setattr(draw, "DRAWS", draws)
    logits = torch.tensor([[0.0, 1.0] + [2.0] * 6]).repeat(3000, 1)
    sampling = SamplingSpec(temperature=1.0, top_p=0.3)  # each of the six has 0.154
    counts = torch.bincount(draw_tokens(logits, sampling, torch.Generator().manual_seed(0)), minlength=8)
    assert counts[2:4].min() > 1300 and counts.sum() == counts[2:4].sum() == 3000


def test_rows_are_drawn_each_from_its_own_distribution():
    logits = torch.full((512, 512), -5.0).fill_diagonal_(20.0)
    drawn = draw_tokens(logits, SamplingSpec(), torch.Generator().manual_seed(0))
    assert torch.equal(drawn, torch.arange(512))
