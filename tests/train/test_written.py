"""What models write, judged by the world's truth, and what a reference and a reward model say of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from several import in_double

from studylib.analysis import read_evaluation_rows
from studylib.data.miniworld.instruct import HELD_OUT, exam, examined
from studylib.data.miniworld.instruct.judge import judge
from studylib.errors import StudyError
from studylib.spec import DataSpec, EvaluationSpec, ObjectiveSpec, SourceSpec, TokenizerSpec, TrialSpec
from studylib.train.benchmark import Asked
from studylib.train.benchmark._answers import Answer
from studylib.train.benchmark._opinions import opinions
from studylib.train.rewards import rewards
from studylib.train.trained import Trained, load_trained
from studylib.trials.cache import Task
from studylib.trials.run import run_steps

PROMPTS = 12
OPTIONS = {"prompts": PROMPTS, "max_tokens": 24}


@pytest.fixture(scope="module")
def spec(tiny_trial) -> TrialSpec:
    """Conversations, by a template with control tokens of its own; in double precision, so that nothing is nearly equal."""
    data = DataSpec(
        sources=(SourceSpec(name="talks", options={"register": "instruct", "task": "conversation", "bytes": 60_000}),),
        tokenizer=TokenizerSpec(
            vocab_size=512, sample_bytes=60_000, known_pieces=("<|im_start|>", "<|im_end|>")
        ),
        chat_template="chatml",
    )  # fmt: skip
    return in_double(tiny_trial).replace(
        data=data, objective=ObjectiveSpec(name="answers"), train_steps=8, global_batch_size=4,
        **{"model.seq_len": 256, "optimizer.learning_rate": 0.02},
    )  # fmt: skip


@pytest.fixture(scope="module")
def tuned(spec) -> TrialSpec:
    """Trained on."""
    return spec.replace(start_from=spec.hash, seed=1)


@pytest.fixture(scope="module")
def reward_trial(spec) -> TrialSpec:
    pairs = SourceSpec(name="pairs", options={"register": "preferences", "bytes": 60_000})
    data = spec.data.replace(sources=(pairs,), tokenizer=TokenizerSpec(), tokenizer_of=spec.data)
    return spec.replace(data=data, objective=ObjectiveSpec(name="reward"))


@pytest.fixture(scope="module")
def evaluation(spec, tuned, reward_trial) -> EvaluationSpec:
    return EvaluationSpec(trial=tuned, benchmark="written", reference=spec, reward_model=reward_trial, **OPTIONS)


@pytest.fixture(scope="module")
def study(evaluation, spec, tmp_path_factory) -> Path:
    """A study folder with the trials, and evaluations of the one that was trained on and of the one that it began with."""
    out = tmp_path_factory.mktemp("study")
    run_steps([evaluation, before(spec)], out, launcher="inprocess", progress=[])
    return out


def before(spec: TrialSpec) -> EvaluationSpec:
    return EvaluationSpec(trial=spec, benchmark="written", **OPTIONS)


def loaded(study: Path, trial: TrialSpec) -> Trained:
    return load_trained(trial, study / trial.name, study / "data")


@pytest.fixture(scope="module")
def rows(study, evaluation) -> pl.DataFrame:
    return read_evaluation_rows(study, [evaluation])


def test_answers_are_judged_by_the_world(rows, study, evaluation):
    record = Task.under(study, evaluation).made()
    exercises = {one.id: one for task in ("conversation", "free") for one in exam(task, count=PROMPTS)}
    assert record.items == 2 * PROMPTS == len(rows) and set(rows["item"]) == set(exercises)
    for row in rows.iter_rows(named=True):
        judged = judge(exercises[row["item"]], row["written"], bool(row["ended"]))
        assert [row[name] for name in ("truth", "topic", "manner", "ending", "score")] == [
            judged.truth, judged.topic, judged.manner, judged.ending, judged.score,
        ]  # fmt: skip
        assert row["characters"] == len(row["written"]) and examined(0, row["fact"]) and row["wording"] in HELD_OUT
    for name in ("truth", "topic", "manner", "ending", "score", "ended", "characters", "kl", "reward"):
        assert record.scores[name] == pytest.approx(rows[name].mean())
        assert record.scores[f"{name}_error"] == pytest.approx(rows[name].std(ddof=0) / np.sqrt(len(rows)))
    assert {"task", "sort", "wording"} == record.groups.keys() and "kl" in record.groups["task"]["free"]
    assert record.scores["characters"] > 0 and len(set(rows["written"])) > PROMPTS


def test_every_trial_is_asked_the_same_and_only_what_is_there_is_scored(rows, study, spec):
    own = read_evaluation_rows(study, [before(spec)])
    assert own.select("item", "wording", "question", "answer").equals(
        rows.select("item", "wording", "question", "answer")
    )
    assert own["written"].to_list() != rows["written"].to_list()
    record = Task.under(study, before(spec)).made()
    assert not {"kl", "reward", "log_p"} & (record.scores.keys() | set(own.columns))


def test_chance_is_that_of_the_seed(study, spec, tuned):
    one = before(tuned).built()

    def written(**options) -> list[str]:
        evaluation = EvaluationSpec(trial=tuned, benchmark="written", **OPTIONS, **options)
        found = evaluation.built().measure(Asked(loaded(study, tuned), lambda _: None))
        return [row["written"] for row in found.rows]

    once = written()
    assert once == written() != written(sampling_seed=1)
    assert one.options.temperature == one.options.top_p == 1.0
    assert written(top_p=1e-9) == written(top_p=1e-9, sampling_seed=1) != once, "the likeliest leaves nothing to chance"


def test_the_divergence_is_what_both_models_say_of_every_token(rows, study, spec, tuned, evaluation):
    model, reference = loaded(study, tuned), loaded(study, spec)
    answers = [
        written_by_hand(model, "山の名前は何ですか。", "兎湖です。", ended=True),
        written_by_hand(model, "川は？", "鷹川", ended=False),
    ]
    found = opinions(Asked(model, {"reference": reference, "reward_model": None}.get), answers)
    for place, answer in enumerate(answers):
        own, theirs = (naive(one, answer, model.encoder.end_id) for one in (model, reference))
        assert found["log_p"][place] == pytest.approx(own, rel=1e-11)
        assert found["kl"][place] == pytest.approx(own - theirs, rel=1e-9) and abs(found["kl"][place]) > 1e-3
    same = opinions(Asked(model, {"reference": model, "reward_model": None}.get), answers)
    assert same["kl"] == [0.0, 0.0]
    assert rows["kl"].to_list() == pytest.approx((rows["log_p"] - rows["log_p_reference"]).to_list())
    assert rows["kl"].mean() > 0, "each finds what it wrote likelier than the other does"


def test_the_reward_is_that_of_the_answer_with_an_end(study, tuned, reward_trial):
    model, reward_model = loaded(study, tuned), loaded(study, reward_trial)
    answers = [written_by_hand(model, "山の名前は何ですか。", "兎湖です。", ended=ended) for ended in (True, False)]
    other = written_by_hand(model, "山の名前は何ですか。", "兎湖だ。", ended=True)
    long = replace(answers[0], tokens=np.resize(answers[0].tokens, 256 - len(answers[0].prompt)))
    asked = Asked(model, {"reference": None, "reward_model": reward_model}.get)
    found = opinions(asked, [*answers, other, long])["reward"]
    end = model.encoder.end_id
    whole = [np.array([*one.prompt, *one.tokens, end]) for one in (*answers, other)]
    expected = rewards(reward_model.model, reward_model.world, reward_model.compute, whole)
    assert found[:3] == pytest.approx(expected.tolist(), rel=1e-11)
    assert found[0] == pytest.approx(found[1], rel=1e-11) and abs(found[0] - found[2]) > 1e-6
    assert found[3] is None, "there is no room for an end"


def written_by_hand(model: Trained, question: str, text: str, *, ended: bool) -> Answer:
    start, stop = "<|im_start|>", "<|im_end|>"
    prompt = f"{start}user\n{question}{stop}\n{start}assistant\n"
    return Answer(
        text, model.tokenizer.encode(text), ended, np.array([model.tokenizer.eos_id, *model.tokenizer.encode(prompt)])
    )


def naive(one: Trained, answer: Answer, end: int) -> float:
    tokens = torch.tensor([[*answer.prompt, *answer.tokens, *([end] if answer.ended else [])]])
    with torch.no_grad():
        log = torch.log_softmax(one.model.logits(tokens[:, :-1]), dim=-1)[0]
    return float(sum(log[place - 1, tokens[0, place]] for place in range(len(answer.prompt), tokens.shape[1])))


def test_what_does_not_fit_is_one_line(study, spec, tuned, reward_trial, evaluation):
    model = loaded(study, tuned)
    answer = written_by_hand(model, "山の名前は何ですか。", "兎湖です。", ended=True)
    with pytest.raises(
        StudyError, match=r"evaluation.reward_model: .* learnt objective answers, and not to tell rewards"
    ):
        opinions(Asked(model, {"reward_model": loaded(study, spec)}.get), [answer])
    short = replace(model, trial=model.trial.replace(**{"model.seq_len": 96}))
    with pytest.raises(StudyError, match=r"evaluation.reference: .* reads 96 tokens, fewer than the 256 of the trial"):
        opinions(Asked(model, {"reference": short}.get), [answer])
    with pytest.raises(ValueError, match=r"evaluation.temperature: 0"):
        EvaluationSpec(trial=spec, benchmark="written", temperature=0)
    with pytest.raises(StudyError, match="wordings: 80 is no number"):
        EvaluationSpec(trial=spec, benchmark="written", wordings=[80]).built().check()
    with pytest.raises(StudyError, match="sorts: 'rhyme' is no sort of question"):
        EvaluationSpec(trial=tuned, benchmark="written", sorts=["rhyme"]).built().measure(Asked(model, lambda _: None))


def test_other_models_are_other_evaluations(evaluation, spec, tuned):
    names = {
        evaluation.hash,
        before(tuned).hash,
        evaluation.replace(reward_model=None).hash,
        evaluation.replace(reference=tuned).hash,
    }
    assert len(names) == 4
    assert {one.hash for one in evaluation.inputs} == {spec.hash, tuned.hash, evaluation.reward_model.hash}
