"""``study evaluate`` as a shell user meets it."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from studylib.cli import main
from studylib.files import read_json
from studylib.spec import DataSpec, SourceSpec, TokenizerSpec, TrialSpec
from studylib.trials.run import run_steps

FEW = ("--set", "questions=12", "--set", "each=1")


@pytest.fixture(scope="module")
def trials(tiny_trial, tmp_path_factory) -> list[Path]:
    """A study of two trials: one kept its last checkpoint, the other none."""
    data = DataSpec(
        sources=(SourceSpec(name="ja", options={"register": "ja", "bytes": 60_000}),),
        tokenizer=TokenizerSpec(vocab_size=512, sample_bytes=60_000),
    )
    one = tiny_trial.replace(data=data, train_steps=2, global_batch_size=2, **{"model.seq_len": 256})
    specs: list[TrialSpec] = [one.replace(checkpoint_every=2, tags={"family": "tiny"}), one.replace(seed=1)]
    out = tmp_path_factory.mktemp("study")
    run_steps(specs, out, launcher="inprocess", progress=[])
    return [out / spec.name for spec in specs]


@pytest.fixture
def evaluate(capsys):
    def call(*arguments):
        with pytest.raises(SystemExit) as ended:
            main(["evaluate", *map(str, arguments)])
        said = capsys.readouterr()
        return ended.value.code, said.out, said.err

    return call


@pytest.fixture
def questions(tmp_path) -> Path:
    path = tmp_path / "questions.jsonl"
    rows = [
        {"question": f"{number}番目の色は何色ですか。", "choices": ["赤", "青", "緑"], "answer": "赤"}
        for number in range(12)
    ]
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def test_scores_are_printed_with_chance_and_kept(trials, evaluate, monkeypatch):
    code, said, err = evaluate(trials[0], "multiple_choice", *FEW)
    assert code == 0, err
    lines = said.splitlines()
    assert lines[0].startswith("# multiple_choice (questions 12, each 1) of family=tiny seed=0: 12 items")
    assert "score\tvalue\tstandard error" in lines and "chance\t0.25\t" in lines
    assert re.search(r"^accuracy\t[0-9.]+\t[0-9.]+$", said, re.MULTILINE)
    assert re.search(r"^wording\titems\taccuracy\t", said, re.MULTILINE)
    folder = Path(lines[-1])
    assert folder.parent == trials[0].parent.parent / "evaluations" and (folder / "rows.parquet").is_file()

    monkeypatch.setattr("studylib.steps.evaluations.Evaluations.carry_out", lambda *_: pytest.fail("asked again"))
    code, again, _ = evaluate(trials[0], "multiple_choice", *FEW)
    assert (code, again) == (0, said)
    code, as_json, _ = evaluate(trials[0], "multiple_choice", *FEW, "--json")
    record = json.loads(as_json)
    assert record["scores"] == read_json(folder / "result.json")["scores"] and record["items"] == 12


def test_a_file_of_ones_own_is_asked_and_told_to_be_kept_from_training(trials, evaluate, questions):
    code, said, err = evaluate(trials[0], "multiple_choice", "--path", questions, *FEW)
    assert code == 0, err
    assert "chance\t0.3333\t" in said
    assert f"evaluation_only does not name {questions}: was it trained on?" in err
    before = said.splitlines()[-1]
    questions.write_text(
        questions.read_text(encoding="utf-8").replace('answer": "赤', 'answer": "青'), encoding="utf-8"
    )
    code, said, err = evaluate(trials[0], "multiple_choice", "--path", questions, *FEW)
    assert code == 0 and said.splitlines()[-1] != before, "a changed file has no old score"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["multiple_choise"], "benchmark: 'multiple_choise' .*did you mean multiple_choice"),
        (["multiple_choice", "--path", "gone.jsonl"], "path: '.*gone.jsonl' cannot be read: No such file"),
        (["multiple_choice", "--set", "questions=none"], "evaluation.questions: 'none' is not valid"),
        (["multiple_choice", "--set", "wordings=[99]"], "evaluation.wordings: 99 is no number of a wording"),
        (["multiple_choice", "--set", "question=5"], "key 'question' in evaluation.*did you mean questions"),
        (["exact_match", "--path", "x.jsonl"], "evaluation.path: .* is not used by exact_match"),
        (["exact_match", "--set", "trial=1"], "--set trial: is no option of a benchmark"),
        (["exact_match", "--set", "tasks"], "--set: 'tasks' is not of the form"),
    ],
)
def test_bad_input_is_one_line_and_asks_nothing(arguments, told, trials, evaluate, monkeypatch):
    monkeypatch.setattr("studylib.steps.evaluations.Evaluations.carry_out", lambda *_: pytest.fail("asked"))
    code, said, err = evaluate(trials[0], *arguments)
    assert code == 2 and said == "" and len(err.splitlines()) == 1
    assert re.search(told, err)


def test_a_trial_that_cannot_be_asked_is_said_to_be_so(trials, evaluate, tmp_path):
    kept, without = trials
    for folder, told in {
        tmp_path: "is no folder of a trial, which holds spec.json",
        without: "has no checkpoint; train the trial with checkpoint_every above 0",
        copy(kept, tmp_path / "trials" / kept.name, "spec.json"): "is not trained to its end",
        copy(kept, tmp_path / "trials" / "0123", "spec.json"): "is not where it was trained",
    }.items():
        code, said, err = evaluate(folder, "exact_match")
        assert code == 2 and said == "" and len(err.splitlines()) == 1 and told in err, err


def copy(folder: Path, to: Path, *names: str) -> Path:
    to.mkdir(parents=True)
    for name in names:
        shutil.copy(folder / name, to / name)
    return to


def test_a_context_too_small_for_the_questions_is_one_line(trials, evaluate, questions):
    long = [json.loads(line) for line in questions.read_text(encoding="utf-8").splitlines()]
    questions.write_text(
        "".join(json.dumps(row | {"question": row["question"] * 60}) + "\n" for row in long), encoding="utf-8"
    )
    code, _, err = evaluate(trials[0], "multiple_choice", "--path", questions)
    assert code == 2 and len(err.splitlines()) == 1
    assert "has 12 questions, of which 0 fit a context of 256 tokens" in err
