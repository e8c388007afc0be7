"""JGLUE as evaluation only: its tasks from files in its own format, the same questions for lm-evaluation-harness, and the gate.

All rows here are invented; none is JGLUE's.
"""

from __future__ import annotations

import importlib.util
import json
import math
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import stats
from several import in_double
from transformers import AutoTokenizer, LlamaForCausalLM
from typer.testing import CliRunner

from studylib.analysis import read_evaluation_rows
from studylib.cli import app
from studylib.data import check_sources, prepare
from studylib.errors import StudyError
from studylib.files import file_hash
from studylib.spec import DataSpec, EvaluationSpec, SourceSpec, TokenizerSpec, TrialSpec
from studylib.train.benchmark._likelihood import answer_rows, log_likelihoods
from studylib.train.benchmark._scores import (
    balanced_accuracy,
    balanced_error,
    character_f1,
    exact_match,
    expected_similarity,
    normalised,
    pearson,
    spearman,
)
from studylib.train.trained import load_trained
from studylib.trials.cache import Task
from studylib.trials.run import run_steps

ITEMS = 16
LABELS = ("neutral", "neutral", "contradiction", "entailment")
TASKS = ("jcommonsenseqa", "jnli", "jsts", "jsquad")


def rows_of(task: str) -> list[dict]:
    random = np.random.default_rng(7)

    def words(number: int) -> str:
        return "".join(random.choice(list("あいうえおかきくけこさしすせそたちつてとなにぬねの"), number))

    if task == "jcommonsenseqa":
        return [
            {"q_id": n, "question": f"{words(8)}は何？"}
            | {f"choice{place}": words(2 + place) for place in range(5)}
            | {"label": n % 5}
            for n in range(ITEMS)
        ]
    return [
        {"sentence_pair_id": str(n), "yjcaptions_id": f"{n}-1-2", "sentence1": words(9), "sentence2": words(9)}
        | {"label": LABELS[n % 4] if task == "jnli" else n % 11 / 2}
        for n in range(ITEMS)
    ]


def squad() -> dict:
    passages = []
    for number in range(ITEMS // 2):
        answers = [{"text": text, "answer_start": 0} for text in ("灯台", "古い灯台。", "灯台")]
        qas = [
            {"id": f"a{number}p0q{q}", "question": f"{number}番の岬の{q}つ目は何か。", "answers": answers, "is_impossible": False}
            for q in range(2)
        ]  # fmt: skip
        passages.append({"qas": qas, "context": f"岬 [SEP] 岬の北には古い灯台と{number}軒の家がある。"})
    return {"data": [{"title": "岬", "paragraphs": passages}]}


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> dict[str, Path]:
    """Under names of their own, since files that are called by JGLUE's names are a matter of the gate's."""
    folder = tmp_path_factory.mktemp("files")
    found = {task: folder / f"{task}-v1.3_valid-v1.3.json" for task in TASKS}
    for task, file in found.items():
        lines = [squad()] if task == "jsquad" else rows_of(task)
        file.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in lines), encoding="utf-8")
    return found


@pytest.fixture(scope="module")
def spec(tiny_trial) -> TrialSpec:
    data = DataSpec(
        sources=(SourceSpec(name="ja", options={"register": "ja", "bytes": 100_000}),),
        tokenizer=TokenizerSpec(vocab_size=512, sample_bytes=100_000, known_pieces=("<|im_start|>", "<|im_end|>")),
        chat_template="chatml",
    )
    talks = SourceSpec(name="talks", options={"register": "instruct", "bytes": 20_000})
    data = data.replace(sources=(*data.sources, talks))
    return in_double(tiny_trial).replace(
        data=data, train_steps=3, global_batch_size=2, checkpoint_every=3, **{"model.seq_len": 256}
    )


@pytest.fixture(scope="module")
def study(spec, files, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("study")
    run_steps([spec, *(asked(spec, files, task) for task in TASKS)], out, launcher="inprocess", progress=[])
    return out


@pytest.fixture(scope="module")
def trained(spec, study):
    return load_trained(spec, study / spec.name, study / "data")


def asked(spec: TrialSpec, files: dict[str, Path], task: str, **more) -> EvaluationSpec:
    return EvaluationSpec(trial=spec, benchmark=task, path=str(files[task]), **more)


def likelihoods(trained, question) -> np.ndarray:
    rows = answer_rows(trained.encoder, [question.prompt] * len(question.choices), question.choices)
    return log_likelihoods(trained, rows)


# --- scores


@pytest.mark.parametrize("task", TASKS)
def test_the_record_has_the_files_digest_and_every_item(spec, files, study, task):
    evaluation = asked(spec, files, task)
    record = Task.under(study, evaluation).made()
    assert record.items == ITEMS and record.left_out == 0 and record.files == [file_hash(files[task])]
    assert evaluation.hash == evaluation.replace(prompt="plain-1").hash != evaluation.replace(prompt="bare-1").hash
    assert set(read_evaluation_rows(study, [evaluation])["item"]) == {
        one.item for one in evaluation.built().questions()
    }


def test_jcommonsenseqa_chooses_what_is_likeliest_a_byte(spec, files, study, trained):
    evaluation = asked(spec, files, "jcommonsenseqa")
    questions = {one.item: one for one in evaluation.built().questions()}
    right = []
    for row in rows_of("jcommonsenseqa"):
        one = questions[f"jcommonsenseqa-{row['q_id']}"]
        assert one.choices == tuple(row[f"choice{place}"] for place in range(5)) and one.right == row["label"]
        assert row["question"] in one.prompt[0].content and "、".join(one.choices) in one.prompt[0].content
        a_byte = likelihoods(trained, one) / [len(choice.encode()) for choice in one.choices]
        right.append(a_byte.argmax() == one.right)
    scores = Task.under(study, evaluation).made().scores
    assert scores["accuracy"] == pytest.approx(np.mean(right)) and scores["chance"] == pytest.approx(0.2)
    bare = asked(spec, files, "jcommonsenseqa", prompt="bare-1").built().questions()[0]
    assert bare.prompt[0].content == next(
        row["question"] for row in rows_of("jcommonsenseqa") if f"jcommonsenseqa-{row['q_id']}" == bare.item
    )


def test_jnli_is_balanced_and_says_what_the_commonest_label_gives(spec, files, study):
    evaluation = asked(spec, files, "jnli")
    record, rows = Task.under(study, evaluation).made(), read_evaluation_rows(study, [evaluation])
    shares = [np.mean(rows.filter(rows["label"] == label)["right"].to_numpy()) for label in dict.fromkeys(LABELS)]
    assert record.scores["balanced_accuracy"] == pytest.approx(np.mean(shares))
    assert record.scores["accuracy_commonest"] == 0.5
    assert record.scores["balanced_accuracy_commonest"] == pytest.approx(1 / 3)
    assert record.groups["label"].keys() == set(LABELS) and record.groups["label"]["neutral"]["items"] == ITEMS / 2
    always = [(label, float(label == "neutral")) for label in LABELS * 4]
    assert balanced_accuracy(always) == pytest.approx(1 / 3) and balanced_error(always) == 0.0
    half = [("a", 1.0), ("a", 0.0), ("b", 1.0), ("b", 1.0)]
    assert balanced_accuracy(half) == 0.75 and balanced_error(half) == pytest.approx(math.sqrt(0.25 / 2) / 2)


def test_jsts_expects_a_similarity(spec, files, study, trained):
    evaluation = asked(spec, files, "jsts")
    expected, right = [], []
    for one in evaluation.built().questions():
        weights = np.exp(likelihoods(trained, one))
        expected.append((weights * [0, 1, 2, 3, 4, 5]).sum() / weights.sum())
        right.append(one.right)
    record = Task.under(study, evaluation).made()
    assert record.scores["pearson"] == pytest.approx(stats.pearsonr(expected, right).statistic)
    assert record.scores["spearman"] == pytest.approx(stats.spearmanr(expected, right).statistic)
    assert 0.05 < record.scores["pearson_error"] < 0.5 and 0.05 < record.scores["spearman_error"] < 0.5
    assert expected_similarity([-2000.0] * 6) == 2.5 and expected_similarity([-9e3, -9e3, 0, -9e3, -9e3, -9e3]) == 2.0
    assert pearson([(1, 2), (1, 3)]) == 0.0 == spearman([(1, 2), (1, 3)])


def test_jsquad_compares_as_jglue_does(spec, files, study):
    evaluation = asked(spec, files, "jsquad", max_tokens=48)
    question = evaluation.built().questions()[0]
    assert question.right == ("灯台", "古い灯台。") and question.choices == ()
    assert "[SEP]" not in question.prompt[0].content and "岬の北には" in question.prompt[0].content
    rows = read_evaluation_rows(study, [evaluation])
    for row in rows.iter_rows(named=True):
        assert row["f1"] == pytest.approx(character_f1(row["written"], question.right))
    assert normalised("  The  灯台。。") == "the 灯台"
    assert exact_match("古い灯台", question.right) == 1.0 and exact_match("「灯台」", question.right) == 0.0
    assert character_f1("灯台の灯", question.right) == pytest.approx(2 * 2 / 6)
    assert character_f1("", question.right) == 0.0 == character_f1("川", question.right)


def test_a_count_is_a_first_part_of_all(spec, files):
    every, some = (asked(spec, files, "jsts", **more).built().questions() for more in ({}, {"count": 5}))
    assert (
        every[:5] == some
        and [one.item for one in some] != [f"jsts-{row['sentence_pair_id']}" for row in rows_of("jsts")][:5]
    )


# --- what is wrong


def test_what_does_not_fit_is_counted_or_one_line(spec, files, tmp_path, trained):
    rows = rows_of("jnli")
    rows[3]["sentence1"] *= 60
    file = tmp_path / "pairs.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = EvaluationSpec(trial=spec, benchmark="jnli", path=str(file)).built()
    measured = found.measure(type("Asked", (), {"trained": trained})())
    assert measured.items == ITEMS - 1 and measured.left_out == 1
    for row in rows:
        row["sentence1"] *= 60
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    short = EvaluationSpec(trial=spec, benchmark="jnli", path=str(file)).built()
    with pytest.raises(StudyError, match=r"'jnli' has 16 questions, of which 0 fit a context of 256 tokens; 12 are"):
        short.measure(type("Asked", (), {"trained": trained})())


@pytest.mark.parametrize(
    ("task", "text", "told"),
    [
        ("jnli", '{"text": "x"}', r"line 1: fields: 'text' are not those of JNLI, which has sentence_pair_id, sent"),
        (
            "jnli",
            '{"sentence_pair_id": 1, "sentence1": "a", "sentence2": "b", "label": "x"}',
            r"label: 'x' is no label",
        ),
        ("jsts", '{"sentence_pair_id": 1, "sentence1": "a", "sentence2": "b", "label": 5.5}', r"5.5 is no number from"),
        ("jsts", "[", r"line 1' is not JSON"),
        ("jsts", "\n", r"has no rows"),
        ("jcommonsenseqa", '{"q_id": 1}', r"fields: 'q_id' are not those of JCommonsenseQA"),
        ("jsquad", '{"data": [{"paragraphs": [{"context": 1}]}]}', r"is not laid out as SQuAD: data, paragraphs"),
        (
            "jsquad",
            '{"data": [{"paragraphs": [{"context": "c", "qas": [{"id": 1, "question": "q", "answers": []}]}]}]}',
            r"question 1: answers: \[\] hold no text",
        ),
    ],
)
def test_a_file_of_another_shape_is_one_line(spec, tmp_path, task, text, told):
    (tmp_path / "file.json").write_text(text)
    with pytest.raises(StudyError, match=told) as error:
        EvaluationSpec(trial=spec, benchmark=task, path=str(tmp_path / "file.json")).built().check()
    assert "\n" not in str(error.value)


def test_a_file_must_be_named_and_there(spec, tmp_path):
    with pytest.raises((StudyError, ValueError), match="path"):
        EvaluationSpec(trial=spec, benchmark="jnli")
    with pytest.raises(StudyError, match="cannot be read: No such file"):
        EvaluationSpec(trial=spec, benchmark="jnli", path=str(tmp_path / "gone.json")).built().check()


# --- evaluation only


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("kind", ["chat", "files"])
def test_the_very_file_is_refused_as_training_data(files, tmp_path, kind, task):
    def refused(path: Path, told: str) -> None:
        options = {"path": str(path)} | ({"text_column": "sentence1"} if kind == "files" else {})
        data = DataSpec(sources=(SourceSpec(kind=kind, name="text", options=options),))
        with pytest.raises(StudyError, match=told):
            check_sources(data)
            prepare(data, tmp_path / "data")

    refused(files[task], "is refused: it names J.*must never be training data")
    renamed = shutil.copy(files[task], tmp_path / "rows.jsonl")
    refused(renamed, "is refused|are no known shape|is not a field|holds")
    assert not list((tmp_path / "data").rglob("*.tokens"))


def test_its_columns_in_rows_of_choices_are_refused_by_the_gate(tmp_path):
    rows = [row | {"instruction": row["question"], "output": row["choice0"]} for row in rows_of("jcommonsenseqa")]
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    source = SourceSpec(kind="chat", name="text", options={"path": str(file)})
    with pytest.raises(StudyError, match=r"it is a record of JCommonsenseQA .* must never be training data"):
        prepare(DataSpec(sources=(source,)), tmp_path / "data")


@pytest.mark.parametrize("task", TASKS)
def test_what_is_kept_of_an_evaluation_cannot_be_trained_on(spec, files, study, tmp_path, task):
    """Under whatever name: its rows, and the questions that the harness is given."""
    evaluation, folder = asked(spec, files, task), tmp_path / "harness"
    run_steps([evaluation], study, launcher="inprocess", progress=[])
    command = ["evaluate", str(study / spec.name), task, "--path", str(files[task]), "--harness", str(folder)]
    assert CliRunner().invoke(app, command).exit_code == 0
    kept = {"rows.parquet": study / evaluation.name / "rows.parquet", "asked.jsonl": folder / f"{task}.jsonl"}
    for name, file in kept.items():
        shutil.copyfile(file, tmp_path / name)
        options = {"path": str(tmp_path / name), "text_column": "question" if name == "rows.parquet" else "prompt"}
        data = DataSpec(sources=(SourceSpec(kind="files", name="text", options=options),))
        with pytest.raises(StudyError, match=rf"{ITEMS} documents were dropped as evaluation data \(benchmark_id"):
            prepare(data, tmp_path / "data")


# --- lm-evaluation-harness


@pytest.mark.parametrize("task", TASKS)
def test_the_harness_is_given_the_same_questions_and_the_same_model(spec, files, study, trained, tmp_path, task):
    """By transformers, as the harness asks: what stands in its files, encoded as it encodes."""
    folder = tmp_path / "harness"
    command = ["evaluate", str(study / spec.name), task, "--path", str(files[task]), "--harness", str(folder), "--json"]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    assert f"--include_path {folder} --tasks study_{task}" in done.stderr
    docs = [json.loads(line) for line in (folder / f"{task}.jsonl").read_text(encoding="utf-8").splitlines()]
    questions = {one.item: one for one in asked(spec, files, task).built().questions()}
    assert [doc["item"] for doc in docs] == list(questions)
    scores = _module(folder / "scores.py")
    tokenizer = AutoTokenizer.from_pretrained(folder / "llama", add_bos_token=True)
    model = LlamaForCausalLM.from_pretrained(folder / "llama", dtype=torch.float64).eval()
    judged = []
    for doc in docs:
        one = questions[doc["item"]]
        if task == "jsquad":
            ids = tokenizer(doc["prompt"], return_tensors="pt")["input_ids"]
            end = tokenizer.convert_tokens_to_ids("<|im_end|>")
            written = model.generate(ids, max_new_tokens=48, do_sample=False, eos_token_id=end, pad_token_id=end)
            text = tokenizer.decode(written[0, ids.shape[1] :]).split("<|im_end|>")[0]
            judged.append(scores.written(doc, [text]))
            continue
        assert doc["prompt"] == doc["prompt"].rstrip(), "the harness would move the white space itself"
        results = [(_log_likelihood(model, tokenizer, doc["prompt"], choice), False) for choice in doc["choices"]]
        alone = np.array([result for result, _ in results])
        np.testing.assert_allclose(alone[:-1] - alone[-1], likelihoods(trained, one), atol=1e-5)
        judged.append(
            {"jcommonsenseqa": scores.choices, "jnli": scores.labels}.get(task, scores.similarity)(doc, results)
        )
    found = Task.under(study, asked(spec, files, task)).made().scores
    for name in judged[0]:
        values = [one[name] for one in judged]
        joined = getattr(scores, name)(values) if isinstance(values[0], tuple) else np.mean(values)
        assert joined == pytest.approx(found[name], abs=1e-4), name


def _module(file: Path):
    made = importlib.util.spec_from_file_location("scores_of_harness", file)
    module = importlib.util.module_from_spec(made)
    made.loader.exec_module(module)
    return module


def _log_likelihood(model, tokenizer, prompt: str, answer: str) -> float:
    before, whole = (tokenizer(text)["input_ids"] for text in (prompt, prompt + answer))
    assert whole[: len(before)] == before
    with torch.no_grad():
        nats = model(torch.tensor([whole])).logits[0].log_softmax(-1)
    return sum(float(nats[place - 1, whole[place]]) for place in range(len(before), len(whole)))


def test_a_benchmark_without_a_form_for_the_harness_says_so(spec, study, tmp_path):
    command = [
        "evaluate",
        str(study / spec.name),
        "multiple_choice",
        "--set",
        "questions=12",
        "--harness",
        str(tmp_path),
    ]
    done = CliRunner().invoke(app, command)
    assert done.exit_code != 0 and "has no form for lm-evaluation-harness" in str(done.exception or done.output)
