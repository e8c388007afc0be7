"""Fine-tuning on conversations: neighbours in a row change nothing, and every layout computes the same."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from several import SHARP, STEPS, compared, in_double, numbers, train_all
from test_resume import stop_at, without_times

from studylib.data import TrainingRows, prepare
from studylib.data.chat.pack import ConversationRows
from studylib.data.tokenizer import PAD
from studylib.errors import StudyError
from studylib.files import read_json, read_json_lines
from studylib.model.gpt import build_gpt
from studylib.parallel import pipeline_engine, world
from studylib.registry import ATTENTION_BACKENDS, MIXERS, POSITIONS
from studylib.rows import IGNORED, Batch
from studylib.spec import DataSpec, ObjectiveSpec, ParallelSpec, SourceSpec, TrialSpec
from studylib.train import train
from studylib.train.compute import resolve
from studylib.train.pipeline import forward_backward, forward_losses
from studylib.train.validation import Validation

LENGTH = 384
LAYOUTS = {
    "dp2-zero1": {"dp": 2, "zero_stage": 1},
    "tp2-pp2": {"tp": 2, "pp": 2},
    "dp2-pp2-afab": {"dp": 2, "pp": 2, "pp_engine": "afab"},
    "micro1": {"micro_batch_size": 1},
}
PATTERNS = {
    "dense": {},
    "sliding_window": {"window": 9},
    "dilated": {"window": 4, "dilation": 3},
    "strided": {"window": 5, "stride": 7},
    "bigbird": {"window": 9, "random_blocks": 1, "global_tokens": 2},
}


@pytest.fixture(scope="module")
def talks(tmp_path_factory) -> Path:
    """Who likes what: everybody many things, so that whoever sees a neighbour's answer is helped or misled by it."""
    random = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("talks") / "talks.jsonl"
    kana = list("あいうえおabcdefgh")
    words = ["".join(random.choice(kana, size)) for size in random.integers(2, 6, 60)]
    with open(path, "w", encoding="utf-8") as stream:
        for number in range(400):
            who, *others = random.choice(words, 1 + random.integers(1, 6))
            row = [("user", f"{who}は{number}？"), ("assistant", "と".join(others))]
            row += [("user", "ほか？"), ("assistant", str(random.choice(words)))] if number % 3 == 0 else []
            messages = [{"role": role, "content": content} for role, content in row]
            stream.write(json.dumps({"messages": messages}, ensure_ascii=False) + "\n")
    return path


@pytest.fixture(scope="module")
def tuned(tiny_trial, talks) -> TrialSpec:
    source = SourceSpec(kind="chat", name="talks", options={"path": str(talks)})
    data = DataSpec(sources=(source,), tokenizer_of=tiny_trial.data, validation_fraction=0.1)
    return tiny_trial.replace(
        data=data, objective=ObjectiveSpec(name="answers"), eval_tokens=100_000, **{"model.seq_len": LENGTH}
    )


def build(spec: TrialSpec, one):
    execution = resolve(spec).execution
    return build_gpt(spec.model, one, seed=0, execution=execution, masked=True, packed=True)


@pytest.fixture(scope="module")
def packings(tuned, data_folder) -> list[Batch]:
    """The same conversations alone, by two, by eight, by as many as fit, and those in another order."""
    shard = prepare(tuned.data, data_folder).shards("talks").train
    made = []
    for most in (1, 2, 8, None):
        rows = ConversationRows(shard, LENGTH, most, PAD, ("here",), np.arange(24))
        made.append(rows.batch(range(len(rows))))
    again = ConversationRows(shard, LENGTH, None, PAD, ("elsewhere",), np.arange(24))
    return [*made, again.batch(reversed(range(len(again))))]


# --- no neighbour's leak


def summed(spec: TrialSpec, one, batch: Batch) -> float:
    return forward_losses(build(spec, one), one, resolve(spec), batch, 8).item()


@pytest.mark.parametrize(
    ("position", "pattern"), [(one, "dense") for one in POSITIONS] + [("t5", one) for one in PATTERNS if one != "dense"]
)
def test_packing_changes_no_loss(position, pattern, tuned, packings):
    choices = {"position": position, "attention_pattern": pattern, **PATTERNS[pattern]}
    spec = in_double(tuned).replace(model=tuned.model.replace(**choices))
    assert len({len(one) for one in packings}) >= 3 and len({one.counted for one in packings}) == 1
    with world(ParallelSpec(), torch.device("cpu")) as one:
        found = [summed(spec, one, batch) for batch in packings]
        naive = summed(spec, one, Batch(packings[3].tokens_BT, packings[3].labels_BT))
    assert found == pytest.approx([found[0]] * len(found), rel=1e-12)
    if pattern not in ("sliding_window", "dilated"):  # which hardly reach beyond a question
        assert naive != pytest.approx(found[0], rel=1e-6), "who sees the neighbours has another loss"


def test_packing_changes_no_loss_of_experts(tuned, packings):
    """Each token goes to its experts whatever else there is: none is dropped."""
    moe = {"experts": 4, "experts_per_token": 2, "expert_size": 32, "every": 2}
    spec = in_double(tuned).replace(**{"model.moe": moe})
    with world(ParallelSpec(), torch.device("cpu")) as one:
        found = [summed(spec, one, batch) for batch in packings]
    assert found == pytest.approx([found[0]] * len(found), rel=1e-12)


def test_a_model_for_one_conversation_a_row_has_the_same_loss(tuned, packings):
    """The same kernels as in pre-training: nothing lies before the conversation in its row, and what is behind is not seen."""
    spec = in_double(tuned)
    with world(ParallelSpec(), torch.device("cpu")) as one:
        plain = build_gpt(spec.model, one, seed=0, execution=resolve(spec).execution, masked=True)
        alone = forward_losses(plain, one, resolve(spec), packings[0], 8).item()
        assert alone == pytest.approx(summed(spec, one, packings[3]), rel=1e-12)


@pytest.mark.parametrize("attention", [name for name, one in ATTENTION_BACKENDS.items() if not one().unusable("cpu")])
def test_a_changed_neighbour_changes_no_logit(attention, tuned, packings):
    spec = tuned.replace(**{"compute.attention": attention})
    if attention == "sdpa_flash":
        with pytest.raises(StudyError, match=r"'sdpa_flash' does not take begin; choose from auto, blocks, flex, math"):
            resolve(spec)
        return
    tokens = torch.tensor(packings[3].tokens_BT[:2, :-1])
    begin = torch.tensor(packings[3].begin_BT[:2])
    second = torch.tensor([sorted(set(row.tolist()))[1] for row in begin])[:, None]
    neighbour = begin == second
    changed = torch.where(neighbour, tokens.roll(1, dims=1), tokens)
    assert (changed != tokens).any(dim=1).all()
    with world(ParallelSpec(), torch.device("cpu")) as one, torch.no_grad():
        model = build(spec, one)
        before, after = (model.logits(x, begin=begin) for x in (tokens, changed))
    assert torch.equal(before[~neighbour], after[~neighbour])
    assert (before[neighbour] != after[neighbour]).any()


def test_attention_backends_agree_on_gradients(tuned, packings):
    found = []
    with world(ParallelSpec(), torch.device("cpu")) as one:
        for attention, recompute in (("math", "none"), ("blocks", "layer"), ("sdpa", "none")):
            spec = in_double(tuned).replace(**{"compute.attention": attention, "compute.recompute": recompute})
            model = build(spec, one)
            forward_backward(model, one, pipeline_engine("1f1b"), resolve(spec), packings[3], len(packings[3]))
            found.append([parameter.grad for parameter in model.parameters()])
    for other in found[1:]:
        for got, expected in zip(other, found[0], strict=True):
            torch.testing.assert_close(got, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("mixer", MIXERS)
def test_mixers_that_carry_a_state_over_refuse_to_pack(mixer, tuned, data_folder, tmp_path):
    if MIXERS[mixer].keeps_texts_apart:
        assert tuned.replace(**{"model.mixer": mixer}).objective.name == "answers"
        return
    with pytest.raises(StudyError, match=rf"'answers' lets conversations share a row, which model.mixer {mixer} would"):
        tuned.replace(**{"model.mixer": mixer})
    alone = ObjectiveSpec(name="answers", most_in_row=1)
    spec = tuned.replace(objective=alone, train_steps=4, **{"model.mixer": mixer, "model.num_kv_heads": None})
    assert math.isfinite(train(spec, tmp_path, data_folder=data_folder)["val_loss"])


# --- the mean over all that is learnt in a step


@pytest.fixture(scope="module")
def trained(tuned, data_folder, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("answers")
    double = compared(tuned)
    trials = {out / name: double.replace(parallel=ParallelSpec(**layout)) for name, layout in LAYOUTS.items()}
    train_all(trials | {out / "one": double}, data_folder)
    return out


@pytest.mark.slow
@pytest.mark.parametrize("layout", LAYOUTS)
def test_same_numbers_on_every_layout_and_micro_batch(layout, trained):
    expected, got = numbers(trained / "one"), numbers(trained / layout)
    assert len(got) == 2 * STEPS + 1
    assert got == pytest.approx(expected, rel=SHARP)
    assert expected[0] - expected[-1] > 0.1, "the loss must fall for the comparison to mean anything"


def test_the_loss_is_the_mean_over_the_learnt_tokens_of_the_step(tuned, data_folder, tmp_path):
    spec = in_double(tuned).replace(train_steps=1, **{"parallel.micro_batch_size": 2})
    batch = TrainingRows(prepare(spec.data, data_folder), spec).batch(0)
    counts = (batch.labels_BT != IGNORED).sum(axis=1)
    assert len(set(counts.tolist())) > 1 and counts.all(), "rows differ in how much they teach"
    with world(ParallelSpec(), torch.device("cpu")) as one:
        expected = summed(spec, one, batch) / counts.sum()
    assert train(spec, tmp_path, data_folder=data_folder)["train_loss"] == pytest.approx(expected, rel=1e-12)


def test_resumed_run_is_bit_identical(tuned, data_folder, tmp_path):
    spec = tuned.replace(checkpoint_every=5, epochs=3)
    train(spec, tmp_path / "whole", data_folder=data_folder)
    with pytest.raises(KeyboardInterrupt):
        train(spec, tmp_path / "cut", data_folder=data_folder, on_metrics=stop_at(13))
    train(spec, tmp_path / "cut", data_folder=data_folder)
    whole, cut = (without_times(read_json_lines(tmp_path / one / "metrics.jsonl")) for one in ("whole", "cut"))
    assert cut == whole
    results = [read_json(tmp_path / one / "result.json") for one in ("whole", "cut")]
    assert results[0]["objective"] == results[1]["objective"]


# --- what a run sees, starts from and is measured on


def test_every_epoch_shows_every_row_once_in_an_order_of_its_own(tuned, data_folder):
    prepared = prepare(tuned.data, data_folder)
    whole = ConversationRows(prepared.shards("talks").train, LENGTH, None, PAD, (tuned.seed, "talks"))
    spec = tuned.replace(global_batch_size=1, train_steps=2 * len(whole))
    rows = TrainingRows(prepared, spec)
    shown = [rows.batch(step).tokens_BT.tobytes() for step in range(spec.train_steps)]
    first, second = shown[: len(whole)], shown[len(whole) :]
    assert sorted(first) == sorted(second) == sorted(row.tobytes() for row in whole.batch(range(len(whole))).tokens_BT)
    assert first != second
    found = rows.shares()
    assert found["conversations"] == {"talks": {"rows": len(whole), "used": whole.counts.used, "cut": 0, "left_out": 0}}
    assert found["text_share"] > 0.9 > found["loss_share"] > 0.1


def test_stages_go_on_where_those_before_them_left_a_source(tuned, tiny_trial, data_folder):
    data = tuned.data.replace(sources=(*tuned.data.sources, *tiny_trial.data.sources))
    stages = ({"name": "both", "fraction": 0.5}, {"name": "talks", "mixture": {"talks": 1}})
    spec = tuned.replace(data=data, stages=stages, train_steps=10)
    rows = TrainingRows(prepare(data, data_folder), spec)
    batches = [rows.batch(step) for step in range(10)]
    talks = [
        tokens.tobytes()
        for one in batches
        for tokens, labels in zip(one.tokens_BT, one.labels_BT, strict=True)
        if (labels == IGNORED).any()
    ]
    assert len(talks) == 5 * 4 + 5 * 8 and len(set(talks)) == len(talks)


def test_plain_text_beside_conversations_is_learnt_whole(tuned, tiny_trial, data_folder, tmp_path):
    sources = (*tuned.data.sources, *tiny_trial.data.sources)
    data = tuned.data.replace(sources=sources)
    spec = tuned.replace(data=data, train_steps=6)
    batch = TrainingRows(prepare(data, data_folder), spec).batch(0)
    counts = (batch.labels_BT != IGNORED).sum(axis=1)
    whole = counts == LENGTH
    assert 0 < whole.sum() < len(batch) and not batch.begin_BT[whole].any()
    found = train(spec, tmp_path, data_folder=data_folder)
    assert found["val"].keys() == {"talks", "tiny"}


def test_validation_is_bits_per_byte_of_answers(tuned, data_folder):
    prepared = prepare(tuned.data, data_folder)
    shard = prepared.shards("talks").validation
    with world(ParallelSpec(), torch.device("cpu")) as one:
        found = []
        for most in (1, 3, None):
            objective = ObjectiveSpec(name="answers", **({"most_in_row": most} if most else {}))
            spec = in_double(tuned).replace(objective=objective)
            found.append(Validation(spec, prepared).measure(build(spec, one), one, resolve(spec)))
        assert [one["val_bpb"] for one in found] == pytest.approx([found[0]["val_bpb"]] * 3, rel=1e-12)
        model, nats = build(in_double(tuned), one), 0.0
        for start, stop in zip(shard.document_starts, shard.document_starts[1:], strict=False):
            tokens = torch.tensor(shard.tokens[start:stop].astype(np.int64))
            losses = -torch.log_softmax(model.logits(tokens[None, :-1])[0], dim=-1)
            learnt = np.flatnonzero(shard.learnt[start + 1 : stop])
            nats += losses[learnt, tokens[1:][learnt]].sum().item()
    assert found[0]["val_bpb"] == pytest.approx(nats / math.log(2) / shard.answer_bytes.sum(), rel=1e-9)
    assert found[0]["val"]["talks"]["bpb"] == found[0]["val_bpb"]


def test_a_tuned_trial_starts_from_a_trial_of_the_study(tuned, tiny_trial, data_folder, tmp_path):
    before = tiny_trial.replace(checkpoint_every=20)
    train(before, tmp_path / before.hash, data_folder=data_folder)
    after = tuned.replace(start_from=before.hash, train_steps=40)
    found = train(after, tmp_path / after.hash, data_folder=data_folder)
    records = [one for one in read_json_lines(tmp_path / after.hash / "metrics.jsonl") if "loss" in one]
    anew = train(tuned.replace(train_steps=1), tmp_path / "anew", data_folder=data_folder)
    assert abs(records[0]["loss"] - anew["train_loss"]) > 0.01, "other weights to begin with"
    assert found["val_loss"] < records[0]["loss"] - 0.5


def test_stages_with_another_length_or_order_are_refused(tuned):
    for own in ({"seq_len": LENGTH // 2}, {"order": "short_first"}):
        with pytest.raises(StudyError, match=r"stages: 'one' has a seq_len or an order of its own"):
            tuned.replace(stages=({"name": "one", **own},))
