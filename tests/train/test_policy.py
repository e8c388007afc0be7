"""Reinforcement learning from preferences: answers drawn anew, losses as trl's, the same on every layout and after a kill."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from several import SHARP, in_double, numbers, train_all
from test_resume import stop_at, without_times

from studylib.choices.execution import Execution
from studylib.data import Tokenizer, TrainingRows, prepare
from studylib.data.chat.prompts import PromptRows
from studylib.data.tokenizer import EOS
from studylib.data.tokenizer_json import write_tokenizer_json
from studylib.errors import StudyError
from studylib.files import read_json, read_json_lines, write_text
from studylib.model.gpt import build_gpt
from studylib.parallel import load_model_weights, pipeline_engine, world
from studylib.registry import MIXERS
from studylib.rows import IGNORED, PAD
from studylib.spec import DataSpec, ObjectiveSpec, ParallelSpec, SourceSpec, TrialSpec
from studylib.train import checkpoint, train
from studylib.train.compute import resolve
from studylib.train.draw import draw_answers
from studylib.train.export import export_llama, llama_state
from studylib.train.optimizer import build_optimizer
from studylib.train.pipeline import forward_backward
from studylib.train.rollouts import Answers, Rollouts
from studylib.train.start import start_from_trial

LENGTH, LONGEST = 96, 5
KANA, LATIN = "あいうえお", "abcdefgh"
MOE = {"moe": {"experts": 4, "experts_per_token": 2, "expert_size": 32, "every": 2}}
LAYOUTS = {
    "dp2-zero1": {"dp": 2, "zero_stage": 1},
    "dp2-tp2": {"dp": 2, "tp": 2},
    "micro1": {"micro_batch_size": 1},
}


@pytest.fixture(scope="module")
def talks(tmp_path_factory) -> Path:
    """Short questions with short answers, of one turn and of two."""
    random = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("talks") / "talks.jsonl"
    words = ["".join(random.choice(list(KANA + LATIN), size)) for size in random.integers(2, 6, 60)]
    with open(path, "w", encoding="utf-8") as stream:
        for number in range(300):
            row = [("user", f"{random.choice(words)}？"), ("assistant", str(random.choice(words)))]
            row += [("user", "ほか？"), ("assistant", str(random.choice(words)))] if number % 3 == 0 else []
            messages = [{"role": role, "content": content} for role, content in row]
            stream.write(json.dumps({"messages": messages}, ensure_ascii=False) + "\n")
    return path


@pytest.fixture(scope="module")
def study(tiny_trial, talks, data_folder, tmp_path_factory) -> tuple[Path, TrialSpec]:
    """A folder of trials with a tuned one and a reward model, and a trial of objective policy on them."""
    trials = tmp_path_factory.mktemp("study") / "trials"
    data = DataSpec(
        sources=(SourceSpec(kind="chat", name="talks", options={"path": str(talks)}),),
        tokenizer_of=tiny_trial.data, validation_fraction=0.1,
    )  # fmt: skip
    tuned = tiny_trial.replace(
        data=data, objective=ObjectiveSpec(name="answers", most_in_row=1), eval_tokens=4096, train_steps=60,
        checkpoint_every=60, global_batch_size=16, **{"model.seq_len": LENGTH, "model.num_layers": 2},
    )  # fmt: skip
    train(tuned, trials / tuned.hash, data_folder=data_folder)
    judge = reward_trial(trials, tuned)
    policy = tuned.replace(
        start_from=tuned.hash, checkpoint_every=0, train_steps=6,
        objective=ObjectiveSpec(name="policy", reward_from=judge, max_tokens=LONGEST, completions=4),
        **{"optimizer.learning_rate": 1e-3},
    )  # fmt: skip
    return trials, policy


def reward_trial(trials: Path, like: TrialSpec, changes: dict | None = None) -> str:
    """A reward model that nobody trained, which says numbers of about 1 of answers; the hash of its trial."""
    return untrained(trials, like.replace(objective=ObjectiveSpec(name="reward"), seed=7, **(changes or {})))


def untrained(trials: Path, spec: TrialSpec) -> str:
    """A trial that left its start values behind; its hash."""
    folder = trials / spec.hash
    write_text(folder / "spec.json", spec.model_dump_json())
    with world(ParallelSpec(), torch.device("cpu")) as one:
        model = build_gpt(spec.model, one, seed=spec.seed, execution=Execution())
        with torch.no_grad():
            row = model.model.lm_head.pp_block.proj.weight[PAD]
            row /= row.norm()
        at_end = checkpoint.Progress(1)
        optimizer = build_optimizer(model, spec, one)
        checkpoint.save(folder / "checkpoints", at_end, spec.recipe_hash, model, optimizer, one)
    return spec.hash


def built(spec: TrialSpec, trials: Path, data_folder: Path, one) -> tuple:
    """The model of a trial of objective policy as it starts, and the rows that it writes."""
    prepared, compute = prepare(spec.data, data_folder), resolve(spec)
    rows = TrainingRows(prepared, spec)
    model = build_gpt(spec.model, one, seed=0, execution=compute.execution, **rows.objective.built_for())
    start_from_trial(model, spec, trials, data_folder, prepared, one)
    return model, Rollouts(rows, spec, model, trials, data_folder, prepared, compute, one)


def disturb(model) -> None:
    random = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            noise = torch.randn(parameter.shape, generator=random, dtype=parameter.dtype)
            parameter += 0.1 * noise * parameter.std(correction=0)


# --- what is asked and what is written


def test_prompts_are_all_that_stands_before_the_last_answer(study, data_folder):
    _, spec = study
    prepared = prepare(spec.data, data_folder)
    shard, tokenizer = prepared.shards("talks").train, Tokenizer.load(prepared.tokenizer_file)
    rows, two_turns = PromptRows(shard, 1000), 0
    assert len(rows) == shard.num_documents
    for number in range(len(rows)):
        whole = shard.tokens[shard.document_starts[number] : shard.document_starts[number + 1]]
        prompt = rows.prompt(number)
        assert np.array_equal(prompt, whole[: len(prompt)])
        text = tokenizer.decode(prompt[1:])
        assert text.endswith("### 応答:\n") and "応答" not in tokenizer.decode(whole[len(prompt) :])
        two_turns += text.count("応答") == 2
    assert two_turns > 50
    sizes = sorted(len(rows.prompt(number)) for number in range(len(rows)))
    fewer = PromptRows(shard, sizes[len(sizes) // 2])
    assert fewer.counts.used + fewer.counts.left_out == len(rows) and fewer.counts.left_out > 50
    with pytest.raises(
        StudyError, match=r"'talks' has no prompt as short as 5 tokens, so that an answer of objective.max_"
    ):
        PromptRows(shard, 5)


def test_every_prompt_is_asked_once_an_epoch_and_again_from_seed_and_step(study, data_folder):
    _, spec = study
    prepared = prepare(spec.data, data_folder)
    count = len(PromptRows(prepared.shards("talks").train, LENGTH - 1 - LONGEST))
    spec = spec.replace(global_batch_size=4, train_steps=2 * count)
    rows, again = TrainingRows(prepared, spec), TrainingRows(prepared, spec)
    asked = [rows.prompts(step)[0].tobytes() for step in range(2 * count)]
    assert sorted(asked[:count]) == sorted(asked[count:]) and asked[:count] != asked[count:]
    assert again.prompts(count + 5)[0].tobytes() == asked[count + 5]
    assert rows.shares() == {"conversations": {"talks": {"used": count, "left_out": 0}}}


def test_plain_text_asks_nothing_but_may_be_watched(study, tiny_trial, data_folder):
    trials, spec = study
    mixed = spec.replace(data=spec.data.replace(sources=(*spec.data.sources, *tiny_trial.data.sources)))
    with pytest.raises(
        StudyError, match=r"data.sources: 'tiny' holds no conversations or pairs, whose prompts could be"
    ):
        TrainingRows(prepare(mixed.data, data_folder), mixed)
    watched = mixed.replace(stages=({"name": "asked", "mixture": {"talks": 1}},))
    assert len(TrainingRows(prepare(watched.data, data_folder), watched).prompts(0)) == 4
    found = train(watched, trials / watched.hash, data_folder=data_folder)
    assert found["val"].keys() == {"talks", "tiny"}


@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_an_answer_is_drawn_by_its_own_numbers_from_the_models_distribution(temperature, study, data_folder):
    trials, spec = study
    spec = in_double(spec)
    with world(ParallelSpec(), torch.device("cpu")) as one:
        model, rollouts = built(spec, trials, data_folder, one)
        prompts = [rollouts._rows.prompts(step)[0] for step in range(3)]
        asked = [prompts[0]] * 3000 + prompts[1:]
        uniform = np.random.default_rng(0).random((len(asked), 3))
        options = {"end": EOS, "temperature": temperature}
        arguments = model.eval(), resolve(spec), rollouts._tokenizer
        written = draw_answers(*arguments, asked, uniform, **options)
        few = draw_answers(*arguments, asked[-3:][::-1], uniform[-3:][::-1], **options, batch=2)
        assert [tokens.tolist() for tokens, _ in few] == [tokens.tolist() for tokens, _ in written[-3:][::-1]]
        with torch.no_grad():
            shares = torch.softmax(
                model.logits(torch.from_numpy(prompts[0])[None])[0, -1] / temperature, dim=-1
            ).numpy()
    first = [int(tokens[0]) if len(tokens) else EOS for tokens, _ in written[:3000]]
    found = np.bincount(first, minlength=len(shares)) / 3000
    assert abs(found - shares).max() < 4 * np.sqrt(shares.max() / 3000) and shares[[0, 1, PAD]].max() < 0.01
    assert {len(tokens) for tokens, ended in written if not ended} == {3}


def test_rows_hold_prompts_answers_and_what_they_are_worth(study, data_folder):
    trials, spec = study
    spec = in_double(spec).replace(**{"objective.beta": 0.3, "objective.missing_eos_penalty": 2.0})
    with world(ParallelSpec(), torch.device("cpu")) as one:
        model, rollouts = built(spec, trials, data_folder, one)
        answers = rollouts.answers(0)
        assert not answers.kl_B.any(), "nothing is learnt yet"
        disturb(model)
        answers, batch, prompts = rollouts.answers(0), rollouts.batch(0), rollouts._rows.prompts(0)
        assert model.training
        with torch.no_grad():
            inputs = torch.from_numpy(answers.tokens_BT[:, :-1])
            ours, theirs = (
                torch.log_softmax(each.eval().logits(inputs), dim=-1).numpy() for each in (model, rollouts._reference)
            )
            judged = rollouts._judge.logits(torch.from_numpy(answers.tokens_BT))[..., PAD].numpy()
    assert 0 < answers.ended_B.sum() < len(batch) == 16 and len(set(answers.stop_B - answers.begin_B)) > 3
    for row, tokens in enumerate(answers.tokens_BT):
        begin, stop = answers.begin_B[row], answers.stop_B[row]
        assert np.array_equal(tokens[:begin], prompts[row // 4]) and not (tokens[stop:] != PAD).any()
        assert (tokens[stop - 1] == EOS) == answers.ended_B[row] and EOS not in tokens[begin : stop - 1]
        assert answers.ended_B[row] or stop - begin == LONGEST
        places = np.flatnonzero(batch.labels_BT[row] != IGNORED)
        assert np.array_equal(places, np.arange(begin - 1, stop - 1))
        assert np.array_equal(batch.labels_BT[row, places], tokens[begin:stop])
        ratio = (ours - theirs)[row, places, tokens[begin:stop]].sum()
        assert answers.kl_B[row] == pytest.approx(ratio, rel=1e-9, abs=1e-12)
        if answers.ended_B[row]:
            assert answers.reward_B[row] == pytest.approx(judged[row, stop - 1], rel=1e-9)
    worth = answers.reward_B - 2.0 * ~answers.ended_B - 0.3 * answers.kl_B
    for group in range(4):
        for row in range(4 * group, 4 * group + 4):
            others = [worth[other] for other in range(4 * group, 4 * group + 4) if other != row]
            assert batch.advantage_B[row] == pytest.approx(worth[row] - np.mean(others), rel=1e-9)
    measured = rollouts.measured()["policy"]
    assert measured["reward"] == answers.reward_B.mean() and measured["kl"] == answers.kl_B.mean() != 0
    assert (
        measured["ended"] == answers.ended_B.mean() and measured["length"] == (answers.stop_B - answers.begin_B).mean()
    )
    assert measured["advantage_std"] == batch.advantage_B.std()


def test_rows_are_no_longer_than_they_must_be_unless_graphs_are_compiled(study, data_folder):
    trials, spec = study
    with world(ParallelSpec(), torch.device("cpu")) as one:
        model, rollouts = built(spec, trials, data_folder, one)
        compiled = replace(resolve(spec), compile="layer")
        rows, prepared = rollouts._rows, prepare(spec.data, data_folder)
        whole = Rollouts(rows, spec, model, trials, data_folder, prepared, compiled, one)
        short = replace(rollouts.answers(0), stop_B=np.full(16, 30)).batch(32)
        assert short.tokens_BT.shape[1] == 33 and rollouts.answers(0).batch(32).tokens_BT.shape[1] == 97
        assert whole.batch(0).tokens_BT.shape[1] == LENGTH + 1


# --- as trl


@pytest.mark.parametrize(("estimator", "temperature"), [("rloo", 1.0), ("rloo", 0.8), ("grpo", 1.0)])
def test_loss_and_gradient_equal_trls(estimator, temperature, study, data_folder, tmp_path, monkeypatch):
    """trl gets the same weights, prompts and answers, and for each answer the reward that the reward model gave."""
    pytest.importorskip("trl", reason="the test extra installs trl")
    trials, spec = study
    options = {"estimator": estimator, "temperature": temperature, "beta": 0.3, "missing_eos_penalty": 2.0}
    spec = in_double(spec).replace(**{f"objective.{name}": value for name, value in options.items()})
    with world(ParallelSpec(), torch.device("cpu")) as one:
        model, rollouts = built(spec, trials, data_folder, one)
        export_llama(model, tmp_path / "reference")
        disturb(model)
        export_llama(model, tmp_path / "policy")
        answers, batch = rollouts.answers(0), rollouts.batch(0)
        loss = forward_backward(model, one, pipeline_engine("1f1b"), resolve(spec), batch, 4).item()
        gradients = llama_gradients(model)
    worth = answers.reward_B - 2.0 * ~answers.ended_B
    if estimator == "grpo":  # trl's own beta is that of a penalty in the loss
        worth = worth - 0.3 * answers.kl_B
    write_tokenizer_json(rollouts._tokenizer, tmp_path / "policy")
    advantages, their_loss, theirs = of_trl(estimator, tmp_path, answers, worth.tolist(), temperature)
    assert abs(batch.advantage_B).max() > 0.5 and len(set(answers.stop_B - answers.begin_B)) > 2
    assert batch.advantage_B == pytest.approx(advantages, abs=1e-5)
    assert loss == pytest.approx(their_loss, abs=1e-5)
    assert gradients.keys() == theirs.keys()
    for name, gradient in gradients.items():
        torch.testing.assert_close(gradient, theirs[name], rtol=1e-5, atol=1e-5 * float(theirs[name].abs().max()))


@torch.no_grad()
def llama_gradients(model) -> dict[str, torch.Tensor]:
    """By the exported weights, each of which is one of ours times a number."""
    gradients = [parameter.grad for parameter in model.parameters()]
    for parameter in model.parameters():
        parameter.fill_(1.0)
    times = llama_state(model)
    for parameter, gradient in zip(model.parameters(), gradients, strict=True):
        parameter.copy_(gradient)
    return {name: gradient / times[name] ** 2 for name, gradient in llama_state(model).items()}


def of_trl(estimator: str, folder: Path, answers: Answers, worth: list[float], temperature: float) -> tuple:
    """Advantages, loss and gradients of trl's trainer on these answers."""
    import trl
    from datasets import Dataset
    from transformers import AutoTokenizer, LlamaForCausalLM

    count, completions = len(worth), 4
    makers = {"rloo": (trl.RLOOTrainer, trl.RLOOConfig), "grpo": (trl.GRPOTrainer, trl.GRPOConfig)}
    trainer_class, config_class = makers[estimator]
    more = {"beta": 0.3} if estimator == "rloo" else {"beta": 0.0, "loss_type": "grpo", "scale_rewards": "group"}
    config = config_class(
        output_dir=str(folder / "trl"), per_device_train_batch_size=count, num_generations=completions,
        max_completion_length=LONGEST, temperature=temperature, use_cpu=True, bf16=False, report_to=[], **more,
    )  # fmt: skip
    policy, reference = (
        LlamaForCausalLM.from_pretrained(folder / name, attn_implementation="sdpa").double()
        for name in ("policy", "reference")
    )
    trainer = trainer_class(
        model=policy, reward_funcs=[lambda completions, **_: worth], args=config,
        train_dataset=Dataset.from_list([{"prompt": "?"}] * count),
        processing_class=AutoTokenizer.from_pretrained(folder / "policy"),
    )  # fmt: skip
    if trainer.ref_model is not None:  # of the policy's own weights
        trainer.ref_model.double().load_state_dict(reference.state_dict())
    rows = list(zip(answers.tokens_BT.tolist(), answers.begin_B.tolist(), answers.stop_B.tolist(), strict=True))
    asked, written = [row[:begin] for row, begin, _ in rows], [row[begin:stop] for row, begin, stop in rows]
    trainer._tokenize_prompts = lambda prompts: (asked, None, {})
    trainer._generate_single_turn = lambda *_: written if estimator == "rloo" else (written, None)
    trainer.current_gradient_accumulation_steps = 1
    policy.train()
    inputs = trainer._generate_and_score_completions([{"prompt": "?"}] * count)
    loss = trainer._compute_loss(policy, inputs)
    loss.backward()
    gradients = {name: parameter.grad for name, parameter in policy.named_parameters()}
    return inputs["advantages"].tolist(), loss.item(), gradients


# --- the same on every layout and after a kill


@pytest.fixture(scope="module")
def trained(study, data_folder) -> Path:
    trials, spec = study
    double = in_double(spec)
    layouts = {trials / name: double.replace(parallel=ParallelSpec(**layout)) for name, layout in LAYOUTS.items()}
    train_all(layouts | {trials / "one": double}, data_folder)
    return trials


@pytest.mark.slow
@pytest.mark.parametrize("layout", LAYOUTS)
def test_same_numbers_on_every_layout_and_micro_batch(layout, trained):
    expected, got = (written_by(trained / name) for name in ("one", layout))
    assert len(got) == 6 and len(got[0]) == 5
    for ours, theirs in zip(got, expected, strict=True):
        assert ours == pytest.approx(theirs, rel=SHARP, abs=SHARP)
    assert numbers(trained / layout) == pytest.approx(numbers(trained / "one"), rel=SHARP, abs=SHARP)
    assert got[0]["kl"] == 0 and abs(got[-1]["kl"]) > 0.1, "the policy must move for the comparison to mean anything"


def written_by(out: Path) -> list[dict]:
    return [record["policy"] for record in read_json_lines(out / "metrics.jsonl") if "policy" in record]


def test_resumed_run_is_bit_identical(study, data_folder):
    trials, spec = study
    spec = spec.replace(checkpoint_every=2)
    for out, stop in (("whole", None), ("cut", 5), ("cut", None)):
        if stop:
            with pytest.raises(KeyboardInterrupt):
                train(spec, trials / out, data_folder=data_folder, on_metrics=stop_at(stop))
        else:
            train(spec, trials / out, data_folder=data_folder)
    whole, cut = (without_times(read_json_lines(trials / one / "metrics.jsonl")) for one in ("whole", "cut"))
    assert cut == whole
    results = [read_json(trials / one / "result.json") for one in ("whole", "cut")]
    assert results[0]["policy"] == results[1]["policy"]
    flops = results[0]["policy"].pop("sampling_flops")
    assert flops == pytest.approx(results[0]["flops"] * 4 / 3)
    assert results[0]["policy"] == written_by(trials / "whole")[-1]


# --- it learns


@pytest.mark.slow
def test_rewards_rise_and_a_smaller_beta_goes_further_away(study, data_folder):
    trials, spec = study
    changes = {"max_tokens": 12, "missing_eos_penalty": 0.0}
    spec = spec.replace(train_steps=24, **{f"objective.{name}": value for name, value in changes.items()})
    spec = spec.replace(**{"optimizer.learning_rate": 3e-3})
    last = {}
    for beta in (0.01, 1.0):
        one = spec.replace(**{"objective.beta": beta})
        train(one, trials / one.hash, data_folder=data_folder)
        found = written_by(trials / one.hash)
        last[beta] = {name: np.mean([record[name] for record in found[-8:]]) for name in ("reward", "kl")}
    first = found[0]["reward"]
    assert last[0.01]["reward"] > first + 1, last
    assert last[0.01]["kl"] > 2 * last[1.0]["kl"] > 0, last


def test_who_must_end_learns_to(study, data_folder):
    """A reward model that sees no difference: what an answer without an end costs is all there is to learn."""
    trials, spec = study
    changes = {"objective.beta": 0.0, "objective.max_tokens": 3, "optimizer.learning_rate": 3e-3}
    spec = spec.replace(train_steps=16, **changes)
    ended = {}
    for penalty in (0.0, 5.0):
        one = spec.replace(**{"objective.missing_eos_penalty": penalty})
        train(one, trials / one.hash, data_folder=data_folder)
        ended[penalty] = np.mean([record["ended"] for record in written_by(trials / one.hash)[-5:]])
    assert ended[5.0] > 0.9 > ended[0.0], ended


@pytest.mark.parametrize("choices", [*({"mixer": mixer, "num_kv_heads": None} for mixer in MIXERS), MOE], ids=str)
def test_models_of_all_kinds_learn_so(choices, study, data_folder):
    """The answers are drawn token by token, their probabilities those of one pass."""
    trials, spec = study
    shape = {f"model.{name}": value for name, value in choices.items()}
    start = untrained(trials, spec.replace(objective=ObjectiveSpec(name="causal"), start_from="", **shape))
    spec = spec.replace(start_from=start, train_steps=2, **shape, **{"objective.beta": 0.0})
    found = train(spec, trials / spec.hash, data_folder=data_folder)
    first, second = written_by(trials / spec.hash)
    assert first["kl"] == 0 and second["kl"] != 0 and first["advantage_std"] > 0.1
    assert np.isfinite(found["val_loss"])


@pytest.mark.slow
def test_what_pairs_prefer_is_learnt_by_way_of_a_reward_model(study, data_folder, tmp_path):
    """Kana are preferred to Latin letters; the tuned model writes either."""
    trials, spec = study
    random, path = np.random.default_rng(1), tmp_path / "pairs.jsonl"
    with open(path, "w", encoding="utf-8") as stream:
        for _ in range(300):
            asked, kana, latin = ("".join(random.choice(list(letters), 3)) for letters in ("あいうabc", KANA, LATIN))
            row = {"prompt": f"{asked}？", "chosen": kana, "rejected": latin}
            stream.write(json.dumps(row, ensure_ascii=False) + "\n")
    source = SourceSpec(kind="chat", name="pairs", options={"path": str(path), "pairs": True})
    data = spec.data.replace(sources=(source,))
    judge = spec.replace(data=data, objective=ObjectiveSpec(name="reward"), train_steps=40, checkpoint_every=40)
    told_apart = train(judge, trials / judge.hash, data_folder=data_folder)["val"]["pairs"]["accuracy"]
    assert told_apart > 0.9
    changes = {"reward_from": judge.hash, "beta": 0.02, "max_tokens": 12}
    spec = spec.replace(data=data, train_steps=30, **{f"objective.{name}": value for name, value in changes.items()})
    assert spec.reads[1:] == (f"trials/{spec.start_from}", f"trials/{judge.hash}")
    with world(ParallelSpec(), torch.device("cpu")) as one:
        _, rollouts = built(spec, trials, data_folder, one)
        before = share_of_kana(rollouts)
        trained = spec.replace(checkpoint_every=30)
        found = train(trained, trials / trained.hash, data_folder=data_folder)
        load_model_weights(rollouts._model, one, trials / trained.hash / "checkpoints" / "step-00000030")
        after = share_of_kana(rollouts)
    assert before < 0.7 and after > before + 0.2, (before, after, found["policy"])
    assert found["val"]["pairs"].keys() == {"loss", "bpb"}


def share_of_kana(rollouts: Rollouts) -> float:
    """Of the letters that the policy writes."""
    text = ""
    for step in range(1000, 1008):
        answers = rollouts.answers(step)
        for tokens, begin, stop in zip(answers.tokens_BT, answers.begin_B, answers.stop_B, strict=True):
            text += rollouts._tokenizer.decode(tokens[begin:stop].tolist())
    kana, latin = (sum(text.count(letter) for letter in letters) for letters in (KANA, LATIN))
    return kana / (kana + latin)


# --- what is refused


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"start_from": ""}, "start_from: '' is needed: the reference of objective policy is the trial that it starts"),
        ({"objective.reward_from": ""}, "objective.reward_from: '' is whose reward model judges; give a trial with"),
        ({"parallel.pp": 2}, "parallel.pp: 2 cuts the model that objective policy samples from; it must be 1"),
        (
            {"global_batch_size": 18},
            r"global_batch_size: 18 is not divisible by objective.completions 4 \* parallel.dp 1",
        ),
        ({"global_batch_size": 12, "parallel.dp": 2}, r"global_batch_size: 12 is not divisible by .* parallel.dp 2"),
        (
            {"objective.max_tokens": LENGTH - 1},
            "objective.max_tokens: 95 leaves no room for a prompt in model.seq_len 96",
        ),
        ({"objective.completions": 1}, "objective.completions: 1 is not valid"),
        ({"objective.estimator": "ppo"}, "objective.estimator: 'ppo' is not valid"),
        ({"objective.beta": -1}, "objective.beta: -1.* is not valid"),
    ],
)
def test_a_trial_that_cannot_learn_so_is_refused_in_one_line(changes, said, study):
    with pytest.raises(StudyError, match=said) as caught:
        study[1].replace(**changes)
    assert "\n" not in str(caught.value)


def test_who_judges_must_have_learnt_to_and_read_the_same(study, tiny_trial, data_folder):
    trials, spec = study
    other = tiny_trial.data.replace(**{"tokenizer.vocab_size": 400})
    wrong = {
        "0" * 16: "is not a trial of this study",
        spec.start_from: "learnt objective answers, and not to tell rewards",
        reward_trial(trials, spec, {"model.seq_len": 64}): "reads 64 tokens, fewer than this trial's model.seq_len 96",
        reward_trial(
            trials, spec, {"data": other}
        ): "reads other tokens, or another chat template, than this trial writes",
    }
    for name, said in wrong.items():
        one = spec.replace(**{"objective.reward_from": name})
        with pytest.raises(StudyError, match=f"objective.reward_from: '{name}' {said}"):
            train(one, trials / one.hash, data_folder=data_folder)
