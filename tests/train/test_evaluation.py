"""Benchmarks: what they say is what the model says, whatever trained it; kept while nothing changes, and clear where it cannot be."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from several import SHARP, in_double, train_all

from studylib.analysis import read_evaluation_rows, read_evaluations
from studylib.data import Tokenizer, prepare
from studylib.data.chat.conversation import Message
from studylib.data.chat.encode import control_tokens
from studylib.data.miniworld.instruct import HELD_OUT
from studylib.data.pseudo import SamplingSpec
from studylib.errors import StudyError
from studylib.files import read_json
from studylib.spec import DataSpec, EvaluationSpec, SourceSpec, TokenizerSpec, TrialSpec
from studylib.steps.evaluations import evaluations
from studylib.train.benchmark import Choices, Measured
from studylib.train.benchmark._answers import answers
from studylib.train.benchmark._choices import choose
from studylib.train.benchmark._likelihood import answer_rows, log_likelihoods, prompt_tokens
from studylib.train.benchmark._match import character_f1, exact, normalised
from studylib.train.trained import load_trained
from studylib.train.validation import Validation
from studylib.trials.cache import Task
from studylib.trials.run import run_steps

QUESTIONS = 16


@pytest.fixture(scope="module")
def spec(tiny_trial) -> TrialSpec:
    """On text of miniworld, by a template with control tokens of its own; in double precision, so that nothing is nearly equal."""
    data = DataSpec(
        sources=(
            SourceSpec(name="ja", options={"register": "ja", "bytes": 100_000}),
            SourceSpec(name="talks", options={"register": "instruct", "bytes": 20_000}),
        ),
        tokenizer=TokenizerSpec(
            vocab_size=512, sample_bytes=100_000, known_pieces=("<|im_start|>", "<|im_end|>")
        ),
        chat_template="chatml",
    )  # fmt: skip
    return in_double(tiny_trial).replace(
        data=data, train_steps=2, global_batch_size=2, tags={"family": "tiny"}, **{"model.seq_len": 256}
    )


@pytest.fixture(scope="module")
def study(spec, tmp_path_factory) -> Path:
    """A study folder with the trial, which nobody asked to keep a checkpoint, and two evaluations of it."""
    out = tmp_path_factory.mktemp("study")
    run_steps(asked(spec), out, launcher="inprocess", progress=[])
    return out


def asked(spec: TrialSpec) -> list[EvaluationSpec]:
    return [
        EvaluationSpec(trial=spec, benchmark="multiple_choice", questions=QUESTIONS, each=2),
        EvaluationSpec(trial=spec, benchmark="exact_match", questions=QUESTIONS, max_tokens=6),
    ]


@pytest.fixture(scope="module")
def trained(spec, study):
    return load_trained(spec, study / spec.name, study / "data")


def messages(*said: str) -> tuple[Message, ...]:
    return tuple(Message("user" if place % 2 == 0 else "assistant", text) for place, text in enumerate(said))


# --- what the model says


PROMPTS = [
    messages("山の名前は何ですか。"),
    messages("川は？", "鷹川です。", "では、湖の名前を一つ挙げてください。"),
    (),
]
ANSWERS = ["兎湖", "雲居岳です。", "町"]


def naive(trained, row) -> float:
    """One row alone, every position through the head."""
    tokens = torch.from_numpy(row.tokens[None].astype(np.int64))
    with torch.no_grad():
        logits = trained.model.logits(tokens[:, :-1])
    log = torch.log_softmax(logits, dim=-1)[0]
    return float(sum(log[place - 1, tokens[0, place]] for place in range(row.start, row.stop)))


EVERY = [(prompt, answer) for prompt in PROMPTS for answer in ANSWERS]


@pytest.mark.parametrize("ended", [False, True])
@pytest.mark.parametrize("pairs", [EVERY, EVERY[::4], [*EVERY, (PROMPTS[0], "")]], ids=["shared", "alone", "empty"])
def test_likelihoods_are_those_of_each_row_read_alone(pairs, ended, trained, monkeypatch):
    rows = answer_rows(trained.encoder, *zip(*pairs, strict=True), ended=ended)
    expected = [naive(trained, row) for row in rows]
    assert log_likelihoods(trained, rows) == pytest.approx(expected, rel=1e-12)
    monkeypatch.setattr("studylib.train.benchmark._likelihood.EVALUATION_TOKENS", 60)
    assert log_likelihoods(trained, rows) == pytest.approx(expected, rel=1e-12)


def test_a_row_is_its_prompt_and_its_answer_and_only_the_answer_is_asked_for(trained):
    encoder, tokenizer = trained.encoder, trained.tokenizer
    (row,) = answer_rows(encoder, PROMPTS[1:2], ANSWERS[:1])
    (whole,) = answer_rows(encoder, PROMPTS[1:2], ANSWERS[:1], ended=True)
    (prompt,) = prompt_tokens(encoder, PROMPTS[1:2])
    assert row.tokens[: row.start].tolist() == prompt.tolist()
    assert tokenizer.decode(row.tokens[row.start : row.stop]) == ANSWERS[0] and len(row.tokens) == row.stop
    assert whole.tokens.tolist() == [*row.tokens.tolist(), encoder.end_id] and whole.stop == row.stop + 1
    assert encoder.end_id != tokenizer.eos_id
    assert tokenizer.decode(prompt).endswith("assistant\n")


def test_greedy_answers_are_the_likeliest_tokens_up_to_the_templates_end(trained, monkeypatch):
    end, limit = trained.encoder.end_id, 7
    boring = trained.model.model.lm_head.pp_block.proj.weight
    held = boring[end].clone()
    found = []
    for factor in (1.0, 40.0):  # as it is; and one that soon ends its answers
        with torch.no_grad():
            boring[end] = held * factor
        for prompt, answer in zip(PROMPTS, answers(trained, PROMPTS, max_tokens=limit), strict=True):
            (tokens,) = prompt_tokens(trained.encoder, [prompt])
            assert answer.prompt.tolist() == tokens.tolist()
            expected = greedy(trained, tokens.tolist(), limit)
            assert answer.ended == (expected[-1] == end)
            assert answer.tokens.tolist() == (expected[:-1] if answer.ended else expected)
            assert answer.text == trained.tokenizer.decode(answer.tokens)
            found.append(answer.ended)
    with torch.no_grad():
        boring[end] = held
    assert set(found) == {True, False}


def greedy(trained, tokens: list[int], limit: int) -> list[int]:
    tokenizer, written = trained.tokenizer, []
    while len(written) < limit and written[-1:] != [trained.encoder.end_id]:
        with torch.no_grad():
            logits = trained.model.logits(torch.tensor([tokens + written]))[0, -1]
        never = {0, tokenizer.bos_id, tokenizer.eos_id, tokenizer.pad_id, *control_tokens(tokenizer)}
        logits[[*(never - {trained.encoder.end_id})]] = -math.inf
        written.append(int(logits.argmax()))
    return written


def test_drawn_answers_differ_by_seed_and_not_otherwise(trained):
    drawn = [
        [one.text for one in answers(trained, PROMPTS, max_tokens=8, sampling=SamplingSpec(seed=seed, temperature=1.0))]
        for seed in (0, 0, 1)
    ]
    assert drawn[0] == drawn[1] != drawn[2]


@pytest.mark.slow
def test_a_trial_of_any_layout_is_evaluated_in_one_process(spec, tmp_path, data_folder):
    trial = spec.keeping_its_end().replace(parallel={"dp": 1, "tp": 2, "pp": 2})
    train_all({tmp_path / "split": trial}, data_folder)
    found = load_trained(trial, tmp_path / "split", data_folder)
    assert found.trial.parallel.world_size == 1 and not found.model.training
    validation = Validation(found.trial, prepare(trial.data, data_folder))
    measured = validation.measure(found.model, found.world, found.compute)
    assert measured["val_loss"] == pytest.approx(read_json(tmp_path / "split" / "result.json")["val_loss"], rel=SHARP)


# --- benchmarks


def test_multiple_choice_chooses_what_is_likeliest_a_byte(spec, study, trained):
    evaluation = asked(spec)[0]
    record = Task.under(study, evaluation).made()
    rows = read_evaluation_rows(study, [evaluation])
    assert record.items == QUESTIONS and record.left_out == 0 and len(rows) == 2 * QUESTIONS
    assert set(rows["wording"]) <= set(HELD_OUT) and len(set(rows["wording"])) > 4
    assert rows.group_by("item").agg(pl.col("wording").n_unique())["wording"].to_list() == [2] * QUESTIONS
    by_item = rows.group_by("item").agg(pl.col("right").mean())["right"].to_numpy()
    assert record.scores["accuracy"] == pytest.approx(by_item.mean())
    assert record.scores["accuracy_error"] == pytest.approx(by_item.std() / math.sqrt(QUESTIONS))
    assert record.scores["chance"] == pytest.approx(0.25) and "chance_error" not in record.scores
    assert sum(one["items"] for one in record.groups["sort"].values()) == QUESTIONS
    assert {"accuracy_raw", "accuracy_less_prior", "margin"} <= record.scores.keys()

    by_hand, row = Choices("1", PROMPTS[1], ("兎湖", "雲居岳と大尾湖", "町"), 1), {}
    measured = choose(trained, "multiple_choice", [by_hand, *others(by_hand)])
    row = measured.rows[0]
    each = answer_rows(trained.encoder, [by_hand.prompt] * 3, by_hand.choices)
    raw = np.array([naive(trained, one) for one in each])
    alone = np.array([naive(trained, one) for one in answer_rows(trained.encoder, [()] * 3, by_hand.choices)])
    a_byte = raw / [len(one.encode()) for one in by_hand.choices]
    assert row["chosen"] == by_hand.choices[a_byte.argmax()]
    assert row["right"] == float(a_byte.argmax() == 1) and row["right_raw"] == float(raw.argmax() == 1)
    assert row["right_less_prior"] == float((raw - alone).argmax() == 1)
    assert row["margin"] == pytest.approx(a_byte[1] - a_byte[[0, 2]].mean())
    assert row["chance"] == pytest.approx(1 / 3)


def others(one: Choices) -> list[Choices]:
    return [Choices(f"other {number}", one.prompt, one.choices, 0) for number in range(11)]


def test_of_equal_choices_each_counts_in_part(trained):
    twice = Choices("1", PROMPTS[0], ("町", "町"), 0)
    measured = choose(trained, "multiple_choice", [twice, *others(twice)])
    assert measured.scores["accuracy"] == measured.scores["accuracy_raw"] == 0.5


def test_a_wording_that_wants_marks_is_answered_with_marks(spec, study):
    evaluation = EvaluationSpec(trial=spec, benchmark="multiple_choice", questions=12, wordings=[4, 19], each=1)
    run_steps([evaluation], study, launcher="inprocess", progress=[])
    chosen = set(read_evaluation_rows(study, [evaluation])["chosen"])
    assert chosen <= set("ABCDE12345アイウエオ")


def test_exact_match_judges_what_is_written(spec, study):
    evaluation = asked(spec)[1]
    record = Task.under(study, evaluation).made()
    rows = read_evaluation_rows(study, [evaluation])
    assert record.groups["task"].keys() == {"passage", "conversation"} and record.items == 2 * QUESTIONS == len(rows)
    assert rows["characters"].to_list() == [float(len(text)) for text in rows["written"]]
    assert record.scores["f1"] == pytest.approx(rows["f1"].mean())
    for row in rows.iter_rows(named=True):
        if row["task"] == "passage":
            assert row["f1"] == pytest.approx(character_f1(row["written"], [row["answer"]]))


def test_spelling_is_set_aside():
    assert normalised("　１９４６年 です。") == "1946年" == normalised("1946年")
    assert exact("陶芸家です。", ["有池節乃の職業は陶芸家です。", "陶芸家"]) == 1.0
    assert exact("陶芸家だ", ["陶芸家"]) == 0.0 and exact("", ["陶芸家"]) == 0.0
    assert character_f1("陶芸", ["陶芸家"]) == pytest.approx(2 * 2 / 5)
    assert character_f1("家家", ["陶芸家"]) == pytest.approx(2 * 1 / 5)
    assert character_f1("", ["陶芸家"]) == 0.0 == character_f1("川", ["陶芸家"])
    assert character_f1("陶芸", ["木", "陶芸"]) == 1.0


def test_errors_are_over_items_and_binomial_where_each_has_one_row():
    rows = [{"item": str(number), "right": float(number % 4 == 0), "sort": "ab"[number % 2]} for number in range(40)]
    found = Measured.of(rows, {"accuracy": "right"}, by=("sort",))
    assert found.scores == {"items": 40, "accuracy": 0.25, "accuracy_error": pytest.approx(math.sqrt(0.25 * 0.75 / 40))}
    assert found.groups["sort"]["a"]["accuracy"] == 0.5 and found.groups["sort"]["b"]["accuracy"] == 0.0
    again = Measured.of([row | {"wording": wording} for row in rows for wording in range(3)], {"accuracy": "right"})
    assert again.scores == found.scores and again.items == 40, "asking again tells nothing new of an item"
    some = Measured.of([*rows, {"item": "40", "right": None, "sort": "a"}], {"accuracy": "right"})
    assert some.scores["accuracy"] == 0.25 and some.items == 41
    assert len(Measured.of([{"item": "1", "text": "あ" * 500}], {}).rows[0]["text"]) == 400


# --- a file of one's own


def question(number: int, **more) -> dict:
    words, random = ["鷹匠", "灯台守", "紙漉き", "桶屋"], np.random.default_rng(number)
    asked = "".join(random.choice(list("あいうえおかきくけこさしすせそたちつてと"), 30)) + "はどれですか。"
    return {"question": asked, "choices": words, "answer_index": number % 4, "category": "ab"[number % 2]} | more


def as_lines(path: Path, rows: list[dict]) -> Path:
    path.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in rows), encoding="utf-8")
    return path


def test_a_files_content_is_part_of_the_evaluation_and_its_name_is_not(spec, study, tmp_path):
    rows = [question(number) for number in range(14)]
    file, copy = as_lines(tmp_path / "one.jsonl", rows), tmp_path / "two.parquet"
    named = [{key: row[key] for key in ("question", "choices", "category")} for row in rows]
    pl.DataFrame([one | {"answer": row["choices"][row["answer_index"]]} for one, row in zip(named, rows, strict=True)]).write_parquet(copy)  # fmt: skip
    of = {
        path: EvaluationSpec(trial=spec, benchmark="multiple_choice", path=str(path), each=1) for path in (file, copy)
    }
    run_steps(of.values(), study, launcher="inprocess", progress=[])
    first, second = (Task.under(study, one).made() for one in of.values())
    assert first.items == 14 and first.groups["sort"].keys() == {"a", "b"}
    assert first.scores == second.scores, "answer_index or answer, JSON lines or parquet"
    before = of[file].hash
    moved = file.rename(tmp_path / "moved.jsonl")
    assert EvaluationSpec(trial=spec, benchmark="multiple_choice", path=str(moved), each=1).hash == before
    as_lines(moved, [*rows, question(14)])
    changed = EvaluationSpec(trial=spec, benchmark="multiple_choice", path=str(moved), each=1)
    assert changed.hash != before and Task.under(study, changed).result() is None


def test_questions_of_a_file_are_kept_from_training_where_the_data_name_it(tmp_path, tiny_trial, data_folder):
    asked = [question(number) for number in range(60)]
    said = [
        {"messages": [{"role": "user", "content": one["question"]}, {"role": "assistant", "content": "鷹匠です。"}]}
        for one in asked
    ]
    talks, file = as_lines(tmp_path / "talks.jsonl", said), as_lines(tmp_path / "exam.jsonl", asked[:20])
    source = SourceSpec(kind="chat", name="talks", options={"path": str(talks)})
    data = DataSpec(
        sources=(source,), tokenizer_of=tiny_trial.data, evaluation_only=(str(file),), validation_fraction=0.1
    )
    prepared = prepare(data, data_folder)
    text = "".join(
        Tokenizer.load(prepared.tokenizer_file).decode(side.tokens)
        for side in (prepared.shards("talks").train, prepared.shards("talks").validation)
    )
    assert [one["question"] in text for one in asked] == [False] * 20 + [True] * 40


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"text": "x"}, r"fields: 'text' are no question with choices; choose from question, choices, answer_index"),
        (question(1, choices=["一つ"]), r"choices: \['一つ'\] are not two texts or more"),
        (question(1, answer_index=4), r"answer_index: 4 is not a place among 4 choices"),
        (question(1, question=" "), r"question: ' ' is no text"),
        (
            question(1, answer_index=None, answer="鷹"),
            r"answer: '鷹' is not one of the choices, nor the letter of one; choose from 鷹匠",
        ),
    ],
)
def test_a_row_of_another_shape_is_named(row, told, spec, tmp_path):
    file = as_lines(tmp_path / "exam.jsonl", [question(0), row])
    with pytest.raises(StudyError, match=rf"exam.jsonl line 2: {told}"):
        EvaluationSpec(trial=spec, benchmark="multiple_choice", path=str(file)).built().check()


# --- the step


def test_a_specification_says_what_does_not_belong(spec, tmp_path):
    for wrong, told in {
        "benchmark": ({"benchmark": "multiple_choise"}, "not a known benchmark.*did you mean multiple_choice"),
        "option": (
            {"benchmark": "exact_match", "path": "x"},
            "path.*not used by exact_match, but by benchmark.*multiple",
        ),
        "key": ({"benchmark": "exact_match", "wording": 3}, "'wording' in evaluation.*did you mean wordings"),
        "value": ({"benchmark": "exact_match", "questions": 0}, "evaluation.questions: 0"),
        "reference": ({"benchmark": "exact_match", "reference": spec}, "evaluation.reference.*not used by exact_match"),
    }.values():
        with pytest.raises((StudyError, ValueError), match=told):
            EvaluationSpec(trial=spec, **wrong)
    for options, told in [
        ({"wordings": [80]}, "wordings: 80 is no number"),
        ({"path": __file__}, "is neither parquet nor JSON lines"),
    ]:
        with pytest.raises(StudyError, match=told):
            EvaluationSpec(trial=spec, benchmark="multiple_choice", **options).built().check()
    with pytest.raises(StudyError, match=r"path: .*gone.jsonl' cannot be read: No such file"):
        _ = EvaluationSpec(trial=spec, benchmark="multiple_choice", path=str(tmp_path / "gone.jsonl")).hash


def test_equal_evaluations_have_one_name_and_others_another(spec):
    one = EvaluationSpec(trial=spec, benchmark="multiple_choice")
    assert one.hash == EvaluationSpec(trial=spec.replace(tags={}), benchmark="multiple_choice", each=2).hash
    others = [{"each": 3}, {"trial": spec.replace(seed=1)}, {"benchmark": "exact_match"}]
    assert len({one.hash, *(one.replace(**other).hash for other in others)}) == 4
    again = EvaluationSpec.model_validate(json.loads(one.model_dump_json()))
    assert again.hash == one.hash and again.label == one.label == f"multiple_choice of {spec.label}"
    ((model, flops),) = evaluations.work(one)
    assert model == spec.model and flops > 0


def test_what_is_done_is_not_done_again_and_the_trial_keeps_its_end(spec, study, monkeypatch):
    assert [path.name for path in (study / spec.name / "checkpoints").glob("step-*")] == ["step-00000002"]
    (kept,) = asked(spec)[0].inputs
    assert kept.hash == spec.hash and kept.keep_steps == (2,) and kept.keeping_its_end() is kept
    assert spec.replace(checkpoint_every=1).keeping_its_end().keep_steps == ()
    monkeypatch.setattr("studylib.steps.evaluations.Evaluations.carry_out", lambda *_: pytest.fail("asked again"))
    run_steps(asked(spec), study, launcher="inprocess", progress=[])


def test_failures_are_told_and_kept(spec, study, tmp_path):
    short = spec.replace(**{"model.seq_len": 16})
    evaluation = EvaluationSpec(trial=short, benchmark="multiple_choice", questions=QUESTIONS)
    run_steps([evaluation], study, launcher="inprocess", progress=[])
    told = r"multiple_choice' has 16 questions, of which 0 fit a context of 16 tokens; 12 are needed"
    with pytest.raises(StudyError, match=told):
        Task.under(study, evaluation).made()
    frame = read_evaluations(study, [evaluation])
    assert len(frame) == 0 and {"hash", "by", "score", "value"} <= set(frame.columns)
    for path in (study / short.name / "checkpoints").glob("step-*"):
        path.rename(path.with_name("elsewhere"))
    other = EvaluationSpec(trial=short, benchmark="exact_match")
    run_steps([other], study, launcher="inprocess", progress=[])
    assert list((study / short.name / "checkpoints").glob("step-*")), "trained again for what reads it"
    with pytest.raises(StudyError, match="'exact_match' has 500 questions, of which 0 fit a context of 16 tokens"):
        Task.under(study, other).made()


def test_questions_that_the_context_does_not_hold_are_left_out_whole_and_counted(trained):
    long = Choices("long", messages("長" * 300), ("a", "b"), 0)
    half = Choices("half", PROMPTS[0], ("短い", "長" * 300), 0)
    short = [Choices(str(number), PROMPTS[0], ("a", "b"), 0) for number in range(12)]
    measured = choose(trained, "x", [*short, long, half, Choices("long", PROMPTS[0], ("a", "b"), 0)])
    assert measured.items == 12 and measured.left_out == 2
    with pytest.raises(StudyError, match="has 13 questions, of which 11 fit"):
        choose(trained, "x", [*short[:11], long, half])


def test_frames_have_the_scores_by_group_and_the_trials_tags(spec, study):
    frame = read_evaluations(study, asked(spec))
    assert frame.columns == ["hash", "evaluation", "benchmark", "seed", "by", "group", "score", "value", "family"]
    whole = frame.filter(pl.col("by") == "all", pl.col("score") == "accuracy")
    record = Task.under(study, asked(spec)[0]).made()
    assert whole.select("hash", "benchmark", "group", "value", "family").rows() == [
        (spec.hash, "multiple_choice", "", record.scores["accuracy"], "tiny")
    ]
    wordings = frame.filter(pl.col("by") == "wording", pl.col("benchmark") == "multiple_choice")
    assert set(wordings["group"]) == set(record.groups["wording"])
    rows = read_evaluation_rows(study, asked(spec))
    assert (
        len(rows) == 4 * QUESTIONS and set(rows["family"]) == {"tiny"} and rows["written"].null_count() == 2 * QUESTIONS
    )
