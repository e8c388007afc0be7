"""Losses and gradients are those of trl's own trainers, on the same exported weights and the same token ids.

Written against trl 1.16.0, transformers 5.23.0, accelerate 1.15.0 and torch 2.13.0, in double precision on a CPU. Trainers, data
collators and losses are trl's; only their reading of text is left out, since what is compared are token ids.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from studylib.model.gpt import GPT, build_gpt
from studylib.parallel import pipeline_engine, world
from studylib.registry import OBJECTIVES
from studylib.rows import IGNORED, PAD, Batch
from studylib.spec import ModelSpec, ObjectiveSpec, ParallelSpec, TrialSpec
from studylib.train.compute import resolve
from studylib.train.export import export_llama, llama_state
from studylib.train.pipeline import forward_backward, row_scores
from studylib.train.rewards import rewards

EOS, LENGTH, VOCAB = 2, 48, 96
# Ours are double throughout; theirs round to fp32 inside (norms, rotary angles, the fused head's log-probabilities).
CLOSE = 1e-5
MODEL = ModelSpec(
    num_layers=2, hidden_size=32, num_heads=4, num_kv_heads=2, vocab_size=VOCAB, seq_len=LENGTH, init="completep"
)

Text = tuple[list[int], list[int]]  # what is read, and what is learnt behind it


# --- ours


def trial_of(objective: ObjectiveSpec, **model) -> TrialSpec:
    return TrialSpec(
        model=MODEL.replace(**model), objective=objective, train_steps=1, start_from="any",
        compute={"device": "cpu", "dtype": "float64", "compile": "none"},
        data={"tokenizer": {"vocab_size": VOCAB}},
    )  # fmt: skip


def built(spec: TrialSpec, one, seed: int = 0) -> GPT:
    """Drawn, with norms and output rows that are no ones, so that nothing hides behind them."""
    objective = OBJECTIVES[spec.objective.name](spec.objective)
    gpt = build_gpt(spec.model, one, seed=seed, execution=resolve(spec).execution, **objective.built_for())
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in gpt.parameters():
            parameter += (
                0.2
                * parameter.std(correction=0).clamp(min=0.5)
                * torch.randn(parameter.shape, generator=random, dtype=parameter.dtype)
            )
    return gpt


def rows_of(texts: list[list[Text]], **values: np.ndarray) -> Batch:
    """Each list of texts in a row of its own."""
    tokens = np.full((len(texts), LENGTH + 1), PAD)
    labels, begin = np.full((2, len(texts), LENGTH), IGNORED)
    for row, several in enumerate(texts):
        at = 0
        for prompt, answer in several:
            size = len(prompt) + len(answer)
            tokens[row, at : at + size] = prompt + answer
            labels[row, at + len(prompt) - 1 : at + size - 1] = answer
            begin[row, at : at + size] = at
            at += size
        begin[row, at:] = at
    return Batch(tokens, labels, begin_BT=begin, **values)


def trained(
    spec: TrialSpec, batch: Batch, folder: Path, micro_batch_size: int
) -> tuple[float, dict[str, torch.Tensor]]:
    """Loss of a step and its gradients by Llama's names and scale; the weights are exported to ``folder``."""
    with world(ParallelSpec(), torch.device("cpu")) as one:
        gpt = built(spec, one)
        export_llama(gpt, folder)
        loss = forward_backward(gpt, one, pipeline_engine("1f1b"), resolve(spec), batch, micro_batch_size)
        gradients = [parameter.grad.clone() for parameter in gpt.parameters()]
        # What is exported is each weight times a number, so a gradient by it is that by the weight over the number.
        scales = state_with(gpt, [torch.ones_like(one) for one in gradients])
        by_weight = state_with(gpt, gradients)
    return loss.item(), {name: by_weight[name] / scales[name] ** 2 for name in by_weight}


def state_with(gpt: GPT, values: list[torch.Tensor]) -> dict[str, torch.Tensor]:
    with torch.no_grad():
        for parameter, value in zip(gpt.parameters(), values, strict=True):
            parameter.copy_(value)
    return llama_state(gpt)


# --- trl's


@pytest.fixture(scope="module")
def trl():
    return pytest.importorskip("trl", reason="the test extra installs trl")


@pytest.fixture(scope="module")
def words(trl):
    import tokenizers
    import transformers

    of_words = tokenizers.Tokenizer(
        tokenizers.models.WordLevel({f"w{one}": one for one in range(VOCAB)}, unk_token="w0")
    )
    return transformers.PreTrainedTokenizerFast(tokenizer_object=of_words, pad_token=f"w{PAD}", eos_token=f"w{EOS}")


def settings(config: type, folder: Path, **more):
    return config(
        output_dir=str(folder / "trl"), report_to=[], use_cpu=True, bf16=False, activation_checkpointing=False,
        remove_unused_columns=False, **more,
    )  # fmt: skip


def trainer_of(kind: type, model, words, args, rows: list[dict], **more):
    """The trainer, which takes rows of token ids as they are."""

    from datasets import Dataset

    class OfTokens(kind):
        def _prepare_dataset(self, dataset, *_, **__):
            return dataset

    return OfTokens(model=model, args=args, processing_class=words, train_dataset=Dataset.from_list(rows), **more)


def loss_and_gradients(trainer, rows: list[dict]) -> tuple[float, dict[str, torch.Tensor]]:
    trainer.model.train()
    trainer.model.zero_grad()
    loss = trainer.compute_loss(trainer.model, trainer.data_collator(rows))
    loss.backward()
    return loss.item(), {name: one.grad for name, one in trainer.model.named_parameters()}


def llama(folder: Path):
    from transformers import LlamaForCausalLM

    return LlamaForCausalLM.from_pretrained(
        folder, dtype=torch.float64, attn_implementation="sdpa", local_files_only=True
    )


def assert_same(ours: tuple[float, dict], theirs: tuple[float, dict]) -> None:
    assert ours[0] == pytest.approx(theirs[0], rel=CLOSE)
    assert ours[1].keys() == theirs[1].keys()
    for name, expected in theirs[1].items():
        assert expected.abs().max() > 0, name
        torch.testing.assert_close(ours[1][name], expected, rtol=0, atol=CLOSE * expected.abs().max().item(), msg=name)


# --- texts


@pytest.fixture(scope="module")
def texts() -> list[Text]:
    random = np.random.default_rng(1)
    draw: Callable[[int], list[int]] = lambda size: random.integers(4, VOCAB, size).tolist()  # noqa: E731
    return [([EOS, *draw(random.integers(2, 9))], [*draw(random.integers(1, 14)), EOS]) for _ in range(8)]


@pytest.fixture(scope="module")
def pairs(texts) -> list[tuple[Text, Text]]:
    """Answers differ in length; the second of each is that of another text."""
    return [((prompt, answer), (prompt, texts[place - 1][1])) for place, (prompt, answer) in enumerate(texts)]


# --- comparisons


@pytest.mark.slow
@pytest.mark.parametrize("tied", [False, True], ids=["untied", "tied"])
@pytest.mark.parametrize("packed", [False, True], ids=["alone", "packed"])
def test_fine_tuning(packed, tied, texts, trl, words, tmp_path):
    """The mean over learnt tokens of all rows, whatever the micro-batches."""
    spec = trial_of(ObjectiveSpec(name="answers"), tied_embeddings=tied)
    rows = [texts[:2], texts[2:4], texts[4:6], texts[6:]] if packed else [[one] for one in texts]
    ours = trained(spec, rows_of(rows), tmp_path, 2)
    given = [{"input_ids": prompt + answer, "labels": [IGNORED] * len(prompt) + answer} for prompt, answer in texts]
    args = settings(trl.SFTConfig, tmp_path, padding_free=packed, max_length=None, loss_type="nll")
    trainer = trainer_of(trl.SFTTrainer, llama(tmp_path), words, args, given)
    assert ("position_ids" in trainer.data_collator(given)) == packed
    assert_same(ours, loss_and_gradients(trainer, given))


@pytest.mark.slow
@pytest.mark.parametrize(("loss", "theirs", "beta"), [("dpo", "sigmoid", 0.1), ("dpo_norm", "sigmoid_norm", 5.0)])
def test_preferences(loss, theirs, beta, pairs, trl, words, tmp_path):
    """The reference is another model than the policy, asked by each side itself."""
    spec = trial_of(ObjectiveSpec(name="preference", loss=loss, beta=beta))
    rows = [[one] for pair in pairs for one in pair]
    with world(ParallelSpec(), torch.device("cpu")) as one:
        gpt = built(spec, one, seed=7).eval()
        export_llama(gpt, tmp_path / "reference")
        reference = row_scores(gpt, one, resolve(spec), rows_of(rows), 4)[:, 0]
    given = [
        {"prompt_ids": chosen[0], "chosen_ids": chosen[1], "rejected_ids": rejected[1]} for chosen, rejected in pairs
    ]
    with world(ParallelSpec(), torch.device("cpu")) as one:
        export_llama(built(spec, one), tmp_path / "policy")
    args = settings(trl.DPOConfig, tmp_path, loss_type=[theirs], beta=beta, max_length=None)
    trainer = trainer_of(
        trl.DPOTrainer, llama(tmp_path / "policy"), words, args, given, ref_model=llama(tmp_path / "reference")
    )
    found = loss_and_gradients(trainer, given)
    theirs = torch.stack(
        trainer.compute_ref_log_probs(trainer.ref_model, trainer.data_collator(given)), dim=1
    ).flatten()
    torch.testing.assert_close(reference, theirs.double(), rtol=CLOSE, atol=0)
    batch = rows_of(rows, reference_B=reference.numpy())
    assert_same(trained(spec, batch, tmp_path / "ours", 4), found)


@pytest.mark.slow
def test_rewards(pairs, trl, words, tmp_path):
    """``AutoModelForSequenceClassification`` whose ``score`` is our row of ``<pad>``; the other rows get no gradient."""
    from transformers import AutoModelForSequenceClassification

    spec = trial_of(ObjectiveSpec(name="reward"))
    batch = rows_of([[one] for pair in pairs for one in pair])
    loss, gradients = trained(spec, batch, tmp_path, 4)
    model = AutoModelForSequenceClassification.from_pretrained(
        tmp_path, num_labels=1, pad_token_id=PAD, dtype=torch.float64, attn_implementation="sdpa", local_files_only=True
    )
    with torch.no_grad():
        model.score.weight[0] = llama(tmp_path).lm_head.weight[PAD]
    given = [
        {"chosen_ids": [*chosen[0], *chosen[1]], "rejected_ids": [*rejected[0], *rejected[1]]}
        for chosen, rejected in pairs
    ]
    trainer = trainer_of(trl.RewardTrainer, model, words, settings(trl.RewardConfig, tmp_path, max_length=None), given)
    theirs = loss_and_gradients(trainer, given)
    rows = gradients.pop("lm_head.weight")
    assert_same((loss, gradients | {"score.weight": rows[[PAD]]}), theirs)
    assert not rows[:PAD].any() and not rows[PAD + 1 :].any()

    with world(ParallelSpec(), torch.device("cpu")) as one, torch.no_grad():
        gpt, texts = built(spec, one).eval(), [np.array([*text[0], *text[1]]) for pair in pairs for text in pair]
        got = rewards(gpt, one, resolve(spec), texts)
        expected = [model.eval()(torch.tensor(text)[None]).logits.item() for text in texts]
    assert got == pytest.approx(expected, rel=CLOSE)
