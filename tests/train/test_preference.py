"""Learning from pairs of answers: against a reference, and as rewards; equal on every layout, and never skill where there is none."""

from __future__ import annotations

import json
import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from several import SHARP, in_double, numbers, train_all
from test_resume import stop_at, without_times

from studylib.choices.objective._losses import DPO, BradleyTerry
from studylib.data import TrainingRows, prepare
from studylib.errors import StudyError
from studylib.files import read_json, read_json_lines
from studylib.model.gpt import build_gpt
from studylib.parallel import pipeline_engine, world
from studylib.registry import MIXERS, OBJECTIVES, STEPS
from studylib.rows import IGNORED, PAD, Batch
from studylib.spec import DataSpec, ObjectiveSpec, ParallelSpec, SourceSpec, TrialSpec, likelihood_of
from studylib.steps._kind import Context
from studylib.train import train
from studylib.train.__main__ import main
from studylib.train.compute import resolve
from studylib.train.likelihoods import read_references
from studylib.train.pipeline import forward_backward, row_scores
from studylib.train.rewards import rewards
from studylib.train.trained import load_trained
from studylib.train.validation import Validation
from studylib.trials import run_steps, run_trials
from studylib.trials.plan import plan_steps

LN2, LENGTH, PAIRS, SAME = math.log(2), 48, 260, 20
STEPS_COMPARED = 8
LAYOUTS = {
    "dp2": {"dp": 2},
    "tp2": {"tp": 2},
    "pp2": {"pp": 2},
    "dp2-zero1": {"dp": 2, "zero_stage": 1},
    "tp2-dp2": {"tp": 2, "dp": 2},
    "micro2": {"micro_batch_size": 2},
}
OBJECTIVE = {
    "dpo": ObjectiveSpec(name="preference", beta=0.3),
    "dpo_norm": ObjectiveSpec(name="preference", loss="dpo_norm", beta=5.0),
    "reward": ObjectiveSpec(name="reward"),
}
# Every layout with the plainest; what the others add to it, an average by length and another head, where most is cut.
LAID_OUT = [("dpo", layout) for layout in LAYOUTS]
LAID_OUT += [("dpo_norm", "tp2-dp2"), ("dpo_norm", "micro2"), ("reward", "tp2-dp2"), ("reward", "pp2")]


@pytest.fixture(scope="module")
def preferred(tmp_path_factory) -> Path:
    """Good answers are of kana, bad ones of letters; of some pairs both answers are one."""
    random, path = np.random.default_rng(0), tmp_path_factory.mktemp("pairs") / "pairs.jsonl"

    def word(letters: str) -> str:
        return "".join(random.choice(list(letters), random.integers(1, 9)))

    with open(path, "w", encoding="utf-8") as stream:
        for number in range(PAIRS):
            good, bad = word("あいうえおかきくけこ"), word("abcdefghijk")
            row = {
                "prompt": f"{word('あいうえおabc')}{number}？",
                "chosen": good,
                "rejected": good if number < SAME else bad,
            }
            stream.write(json.dumps(row, ensure_ascii=False) + "\n")
    return path


@pytest.fixture(scope="module")
def parent(tiny_trial) -> TrialSpec:
    return tiny_trial.replace(train_steps=40, checkpoint_every=40, **{"model.seq_len": LENGTH})


@pytest.fixture(scope="module")
def child(parent, preferred) -> TrialSpec:
    source = SourceSpec(kind="chat", name="pairs", options={"path": str(preferred), "pairs": True})
    data = DataSpec(sources=(source,), tokenizer_of=parent.data, validation_fraction=0.2)
    return parent.replace(data=data, objective=OBJECTIVE["dpo"], start_from=parent.hash, eval_tokens=100_000)


@pytest.fixture(scope="module")
def study(parent, child, tmp_path_factory) -> Path:
    """The parent and what it thinks of the pairs, in single and in double precision."""
    out = tmp_path_factory.mktemp("study")
    double = in_double(parent)
    steps = [likelihood_of(child, parent), likelihood_of(doubled(child, parent), double)]
    run_steps(steps, out, launcher="inprocess", progress=())
    return out


def doubled(child: TrialSpec, parent: TrialSpec) -> TrialSpec:
    return in_double(child).replace(start_from=in_double(parent).hash)


def run(spec: TrialSpec, study: Path, name: str) -> dict:
    return train(spec, study / "trials" / name, data_folder=study / "data")


def losses(folder: Path) -> list[float]:
    return [one["loss"] for one in read_json_lines(folder / "metrics.jsonl") if "loss" in one]


def reference_of(spec: TrialSpec, study: Path) -> dict:
    return read_references(spec, study, prepare(spec.data, study / "data"))


def begun(spec: TrialSpec, study: Path, one):
    """The model with which ``spec`` starts: its parent's weights, and the head of its own objective."""
    parent = TrialSpec.model_validate(read_json(study / "trials" / spec.start_from / "spec.json"))
    theirs = load_trained(parent.replace(compute=spec.compute), study / parent.name, study / "data").model
    objective = OBJECTIVES[spec.objective.name](spec.objective)
    model = build_gpt(spec.model, one, seed=0, execution=resolve(spec).execution, **objective.built_for())
    model.load_state_dict(theirs.state_dict())
    return model


# --- the losses


def test_losses_by_hand():
    """Numbers of the papers' formulas, two pairs."""
    labels = torch.tensor([[5, 6, -100], [7, 8, 9], [5, -100, -100], [6, 7, -100]])
    scores = torch.tensor([-2.0, -6.0, -1.0, -3.0], dtype=torch.float64)
    reference = torch.tensor([-3.0, -3.0, -1.5, -1.0], dtype=torch.float64)

    def nats(*margins: float) -> float:
        return sum(math.log(1 + math.exp(-margin)) for margin in margins)

    found = DPO(0.5, by_length=False)(scores, labels, reference=reference).item()
    assert found == pytest.approx(nats(0.5 * (1 + 3), 0.5 * (0.5 + 2)))
    found = DPO(2.0, by_length=True)(scores, labels, reference=reference).item()
    assert found == pytest.approx(nats(2 * (1 / 2 + 3 / 3), 2 * (0.5 / 1 + 2 / 2)))
    assert BradleyTerry()(scores, labels).item() == pytest.approx(nats(4, 2))


@pytest.mark.parametrize("loss", [DPO(0.1, by_length=False), DPO(5.0, by_length=True), BradleyTerry()])
def test_equal_answers_are_exactly_ln_2_whatever_rounding_says(loss):
    labels = torch.tensor([[4, 5, 2], [4, 5, 2], [4, 5, 2], [4, 2, -100]])
    scores = torch.tensor([-7.0, -7.0 + 1e-5, -7.0, -6.0], dtype=torch.float64, requires_grad=True)
    values = {name: torch.zeros(4, dtype=torch.float64) for name in loss.takes}
    margins = loss.margins(scores, labels, **values)
    assert margins[0].item() == 0 and margins[1].item() != 0
    assert loss(scores[:2], labels[:2], **{name: one[:2] for name, one in values.items()}).item() == LN2
    loss(scores, labels, **values).backward()
    assert scores.grad[:2].tolist() == [0, 0] and scores.grad[2] < 0 < scores.grad[3]


# --- the first step, and what is not skill


@pytest.mark.parametrize("name", ["dpo", "dpo_norm"])
def test_at_the_first_step_every_row_is_ln_2_and_nothing_is_decided(name, child, study):
    spec = child.replace(objective=OBJECTIVE[name])
    prepared, references = prepare(spec.data, study / "data"), reference_of(child, study)
    rows = TrainingRows(prepared, spec, {label: sides["train"] for label, sides in references.items()})
    with world(ParallelSpec(), torch.device("cpu")) as one:
        model = begun(spec, study, one).eval()
        for step in range(4):
            batch = rows.batch(step)
            scores = row_scores(model, one, resolve(spec), batch, 3)[:, 0]
            loss, labels = model.row_loss, torch.from_numpy(batch.labels_BT)
            margins = loss.margins(scores, labels, reference=torch.from_numpy(batch.reference_B))
            each = torch.nn.functional.softplus(-loss.beta * margins)
            assert each.tolist() == pytest.approx([LN2] * (len(batch) // 2), abs=2e-5)
        found = Validation(spec, prepared, references).measure(model, one, resolve(spec))["val"]["pairs"]
    assert found["undecided"] == 1 and found["accuracy"] is None, "no skill, and not half of it"
    assert found["pair_loss"] == pytest.approx(LN2, abs=1e-5)


def test_the_first_loss_of_a_run_is_ln_2(child, study):
    found = run(child.replace(train_steps=1), study, "first")
    assert found["train_loss"] == pytest.approx(LN2, abs=1e-6)


@pytest.mark.parametrize("name", OBJECTIVE)
def test_bfloat16_is_finite_and_near(name, child, study):
    spec = child.replace(objective=OBJECTIVE[name], **{"compute.dtype": "bfloat16"})
    found = run(spec, study, f"bfloat16-{name}")
    along = losses(study / "trials" / f"bfloat16-{name}")
    assert (
        len(along) == spec.train_steps and np.isfinite(along).all() and math.isfinite(found["val"]["pairs"]["margin"])
    )
    if name != "reward":
        assert along[0] == pytest.approx(LN2, abs=0.1), "the reference is asked in fp32"


@pytest.mark.parametrize("name", OBJECTIVE)
def test_answers_are_told_apart_in_the_end(name, child, study):
    """Equal answers stay undecided, and only they."""
    spec = child.replace(objective=OBJECTIVE[name], train_steps=60, **{"optimizer.learning_rate": 0.01})
    found = run(spec, study, f"learnt-{name}")
    shard = prepare(spec.data, study / "data").shards("pairs").validation
    sides = [shard.tokens[a:b].tolist() for a, b in pairwise(shard.document_starts)]
    same = sum(chosen == rejected for chosen, rejected in zip(sides[::2], sides[1::2], strict=True))
    assert 0 < same < shard.num_documents // 4
    value = found["val"]["pairs"]
    assert value["undecided"] == pytest.approx(2 * same / shard.num_documents)
    assert value["accuracy"] > 0.9 and value["margin"] > 1 and value["pair_loss"] < 0.5
    counted = found["objective"]["conversations"]["pairs"]
    assert counted["same"] + same == SAME
    assert counted["used"] + counted["left_out"] + shard.num_documents // 2 == PAIRS and counted["left_out"] > 0


# --- the same numbers everywhere


@pytest.fixture(scope="module")
def trained(child, parent, study) -> Path:
    double = doubled(child, parent).replace(train_steps=STEPS_COMPARED)
    whole = {name: double.replace(objective=objective) for name, objective in OBJECTIVE.items()}
    trials = {study / "trials" / f"one-{name}": spec for name, spec in whole.items()}
    for name, layout in LAID_OUT:
        trials[study / "trials" / f"{layout}-{name}"] = whole[name].replace(parallel=ParallelSpec(**LAYOUTS[layout]))
    train_all(trials, study / "data")
    return study / "trials"


@pytest.mark.slow
@pytest.mark.parametrize(("name", "layout"), LAID_OUT)
def test_same_numbers_on_every_layout_and_micro_batch(name, layout, trained):
    expected, got = numbers(trained / f"one-{name}"), numbers(trained / f"{layout}-{name}")
    assert len(got) == 2 * STEPS_COMPARED + 1
    assert got == pytest.approx(expected, rel=SHARP)
    ours, theirs = (read_json(trained / f"{one}-{name}" / "result.json")["val"]["pairs"] for one in (layout, "one"))
    assert ours == pytest.approx(theirs, rel=SHARP)
    assert expected[0] - expected[-3] > 0.01, "the loss must fall for the comparison to mean anything"
    assert name == "reward" or expected[0] == pytest.approx(LN2, abs=1e-9)


@pytest.mark.parametrize("name", OBJECTIVE)
def test_chunks_compiling_and_recomputing_change_no_gradient(name, child, study, monkeypatch):
    monkeypatch.setitem(__import__("studylib.choices.execution", fromlist=["x"]).CHUNK_LOGITS, "cpu", 5000)
    base = child.replace(objective=OBJECTIVE[name], **{"compute.dtype": "float64"})
    references = reference_of(child, study)["pairs"]["train"]
    batch = TrainingRows(prepare(base.data, study / "data"), base, {"pairs": references}).batch(0)
    found = []
    with world(ParallelSpec(), torch.device("cpu")) as one:
        for how in ({}, {"cross_entropy": "chunked", "recompute": "layer"}):
            spec = base.replace(**{f"compute.{key}": value for key, value in how.items()})
            model = begun(spec, study, one)
            loss = forward_backward(model, one, pipeline_engine("1f1b"), resolve(spec), batch, 4)
            found.append([loss, *(parameter.grad for parameter in model.parameters())])
    for got, expected in zip(*found, strict=True):
        torch.testing.assert_close(got, expected, rtol=1e-9, atol=1e-12)


def test_resumed_run_is_bit_identical(child, study):
    spec = child.replace(checkpoint_every=5, train_steps=20)
    run(spec, study, "whole")
    with pytest.raises(KeyboardInterrupt):
        train(spec, study / "trials" / "cut", data_folder=study / "data", on_metrics=stop_at(13))
    run(spec, study, "cut")
    whole, cut = (without_times(read_json_lines(study / "trials" / one / "metrics.jsonl")) for one in ("whole", "cut"))
    assert cut == whole


def test_a_micro_batch_of_its_own_choice_holds_whole_pairs(child, study):
    for name in OBJECTIVE:
        spec = child.replace(objective=OBJECTIVE[name], train_steps=2, **{"parallel.micro_batch_size": "auto"})
        assert run(spec, study, f"auto-{name}")["resolved"]["micro_batch_size"] % 2 == 0
    assert child.replace(global_batch_size=6).micro_batch_size == 6
    assert (
        child.replace(global_batch_size=6, **{"parallel.pp": 2, "parallel.micro_batch_size": None}).micro_batch_size
        == 2
    )


# --- validation


def test_bits_per_byte_are_those_of_the_preferred_answers_and_of_text_those_of_text(child, tiny_trial, study):
    """As fine-tuning on answers and pre-training measure them, so that what is forgotten is known."""
    data = child.data.replace(sources=(*child.data.sources, *tiny_trial.data.sources))
    spec = child.replace(data=data, stages=({"name": "pairs", "mixture": {"pairs": 1.0}},))
    prepared, found = prepare(data, study / "data"), {}
    with world(ParallelSpec(), torch.device("cpu")) as one:
        model = begun(child, study, one)
        references = {"pairs": reference_of(child, study)["pairs"]}
        found = Validation(spec, prepared, references).measure(model, one, resolve(spec))
        plain = load_trained(
            TrialSpec.model_validate(read_json(study / "trials" / spec.start_from / "spec.json")),
            study / "trials" / spec.start_from, study / "data",
        ).model  # fmt: skip
        plain.train()
        causal = spec.replace(objective=ObjectiveSpec(name="causal"))
        as_text = Validation(causal, prepared).measure(plain, one, resolve(spec))
        answers = spec.replace(objective=ObjectiveSpec(name="answers", most_in_row=1))
        masked = build_gpt(spec.model, one, seed=0, masked=True)
        masked.load_state_dict(plain.state_dict())
        as_answers = Validation(answers, prepared).measure(masked, one, resolve(spec))
    assert found["val"]["tiny"] == pytest.approx(as_text["val"]["tiny"], rel=1e-5)
    assert found["val"]["pairs"]["bpb"] == pytest.approx(as_answers["val"]["pairs"]["bpb"], rel=1e-5)
    assert found["val_bpb"] == pytest.approx(as_answers["val_bpb"], rel=1e-5)


def test_tables_have_what_is_known_of_pairs(child, parent, tmp_path):
    spec = child.replace(train_steps=2)
    frame = run_trials([parent, likelihood_of(spec, parent), spec], tmp_path, launcher="inprocess", progress=())
    assert frame["status"].to_list() == ["done", "done"]
    assert frame["val_pair_loss/pairs"].to_list()[0] is None
    assert 0 < frame["val_pair_loss/pairs"].to_list()[1] < LN2
    assert {"val_accuracy/pairs", "val_undecided/pairs", "val_margin/pairs"} <= set(frame.columns)


# --- rewards


@pytest.mark.parametrize("mixer", MIXERS)
def test_the_reward_is_read_at_the_end_of_the_answer_by_every_mixer(mixer, parent):
    """Alone, padded, beside others: nothing behind an answer is seen."""
    spec = parent.replace(
        objective=OBJECTIVE["reward"], **{"model.mixer": mixer, "model.num_kv_heads": None, "compute.dtype": "float64"}
    )
    random = np.random.default_rng(0)
    rows = [random.integers(4, 512, size) for size in (5, 47, 12, 30)]
    tokens, labels = np.full((4, LENGTH + 1), PAD), np.full((4, LENGTH), IGNORED)
    for place, row in enumerate(rows):
        tokens[place, : len(row)] = row
        labels[place, len(row) - 4 : len(row) - 1] = row[-3:]
    with world(ParallelSpec(), torch.device("cpu")) as one:
        objective = OBJECTIVES["reward"](spec.objective)
        model = build_gpt(spec.model, one, seed=0, execution=resolve(spec).execution, **objective.built_for()).eval()
        scores = row_scores(model, one, resolve(spec), Batch(tokens, labels), 2)
        got = rewards(model, one, resolve(spec), rows)
        with torch.no_grad():
            expected = [model.logits(torch.from_numpy(row[None]))[0, -1, PAD].item() for row in rows]
    assert len(set(expected)) == 4
    assert got == pytest.approx(expected, rel=1e-9)
    assert scores[:, 1].tolist() == pytest.approx(expected, rel=1e-9)


def test_a_reward_model_starts_anew_or_from_a_trial_and_is_read_by_whoever_loads_it(child, study):
    anew = child.replace(
        objective=OBJECTIVE["reward"], start_from="", train_steps=60, **{"optimizer.learning_rate": 0.01}
    )
    assert run(anew, study, "anew")["val"]["pairs"]["accuracy"] > 0.9
    spec = child.replace(objective=OBJECTIVE["reward"], train_steps=60, checkpoint_every=60)
    spec = spec.replace(**{"optimizer.learning_rate": 0.01})
    found = run(spec, study, spec.hash)
    assert not spec.likelihoods
    trained = load_trained(spec, study / spec.name, study / "data")
    shard = prepare(spec.data, study / "data").shards("pairs").validation
    edges = shard.document_starts
    texts = [shard.tokens[a:b].astype(np.int64) for a, b in pairwise(edges)]
    of_texts = rewards(trained.model, trained.world, trained.compute, texts).reshape(-1, 2)
    lead = of_texts[:, 0] - of_texts[:, 1]
    assert lead.mean() == pytest.approx(found["val"]["pairs"]["margin"], rel=1e-4)


# --- steps, and what goes wrong


def test_likelihoods_are_a_step_that_trials_share(child, parent, tmp_path):
    others = [child.replace(train_steps=1, seed=seed, objective=OBJECTIVE["dpo_norm"]) for seed in range(2)]
    step = likelihood_of(others[0], parent)
    assert step.name == likelihood_of(others[1], parent).name and step.name in others[1].reads
    plan = plan_steps([*others, parent, step], tmp_path)
    (row,) = [one.row() for one in plan.steps if one.task.name == step.name]
    assert row["state"] == "to do" and row["seconds"] > 0 and "likelihoods under" in row["label"]
    frame = run_trials([*others, parent, step], tmp_path, launcher="inprocess", progress=())
    assert frame["status"].to_list() == ["done"] * 3
    shards = prepare(child.data, tmp_path / "data").shards("pairs")
    for side in ("train", "validation"):
        (file,) = (tmp_path / step.name).glob(f"*.{side}.npy")
        found, shard = np.load(file), getattr(shards, side)
        assert found.dtype == np.float64 and found.shape == (shard.num_documents,)
        fits = np.repeat((np.diff(shard.document_starts).reshape(-1, 2) <= LENGTH).all(axis=1), 2)
        assert np.isfinite(found[fits]).all() and (found[fits] < 0).all() and np.isnan(found[~fits]).all()
    with pytest.raises(StudyError, match="reads no likelihoods under trial"):
        likelihood_of(child.replace(objective=OBJECTIVE["reward"]), parent)
    with pytest.raises(StudyError, match="reads no likelihoods under trial"):
        likelihood_of(child, parent.replace(seed=5))


def said_by_the_command(spec: TrialSpec, study: Path, capsys, name: str = "command") -> tuple[int, str]:
    file = study / "spec.json"
    file.write_text(spec.model_dump_json(), encoding="utf-8")
    capsys.readouterr()
    code = main([str(file), "--out", str(study / "trials" / name), "--data-folder", str(study / "data")])
    return code, capsys.readouterr().err


def test_the_command_trains_and_says_in_a_line_what_is_missing(child, parent, tiny_trial, study, tmp_path, capsys):
    assert said_by_the_command(child.replace(train_steps=1), study, capsys)[0] == 0
    run_steps([parent], tmp_path, launcher="inprocess", progress=())
    code, said = said_by_the_command(child, tmp_path, capsys)
    assert code == 2 and said.count("\n") == 1 and "carry out likelihood_of(trial, parent) first" in said
    text = child.replace(data=tiny_trial.data, objective=OBJECTIVE["reward"])
    code, said = said_by_the_command(text, study, capsys, "text")
    assert code == 2 and said.count("\n") == 1 and "data.sources: 'tiny' holds no pairs of answers" in said


def test_damaged_likelihoods_are_told(child, parent, tmp_path):
    run_steps([likelihood_of(child, parent)], tmp_path, launcher="inprocess", progress=())
    (file,) = (tmp_path / child.likelihoods).glob("*.train.npy")
    file.write_bytes(file.read_bytes()[:-8])
    with pytest.raises(StudyError, match=r"is missing or damaged; remove .* and carry the step out again"):
        run(child, tmp_path, "one")


def test_a_reference_of_other_pieces_or_shorter_context_is_refused(child, parent, study, tmp_path):
    longer = child.replace(**{"model.seq_len": 2 * LENGTH})
    other = child.data.replace(tokenizer_of=None, tokenizer=parent.data.tokenizer, sources=child.data.sources)
    for spec, why in ((longer, "is more than the 48 of trial"), (child.replace(data=other), "ids mean other pieces")):
        with pytest.raises(StudyError, match=why):
            run_likelihoods(spec, parent, study)


def run_likelihoods(spec: TrialSpec, parent: TrialSpec, study: Path) -> None:
    step = likelihood_of(spec, parent)
    STEPS["likelihoods"].carry_out(step, study / step.name, Context(study))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"start_from": ""}, "start_from: '' is needed: the reference of objective preference is the trial"),
        ({"global_batch_size": 7}, "global_batch_size: 7 leaves 7 rows a replica, but .* rows come by 2; give a multiple of 2"),
        ({"global_batch_size": 10, "parallel.dp": 2}, "leaves 5 rows a replica.*give a multiple of 4"),
        ({"parallel.micro_batch_size": 1}, "parallel.micro_batch_size: 1 parts rows that belong together"),
        ({"model.dropout": 0.1}, "model.dropout: 0.1 makes the model another than its reference"),
        ({"objective.beta": 0.0}, "objective.beta: 0.0"),
        ({"objective.loss": "ipo"}, "objective.loss: 'ipo'"),
        ({"stages": ({"name": "one", "order": "short_first"},)}, "its rows are pairs"),
    ],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_learnt_is_refused_in_a_line(changes, why, child):
    with pytest.raises(StudyError, match=why) as caught:
        child.replace(**changes)
    assert "\n" not in str(caught.value)
