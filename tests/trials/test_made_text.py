"""Text that the study makes is a step: made once, read by data through its name."""

from __future__ import annotations

import pytest

from studylib.data import prepare
from studylib.errors import StudyError
from studylib.spec import DataSpec, MadeText, ModelSpec, SourceSpec, TokenizerSpec, TrialSpec
from studylib.trials import Task, run_steps
from studylib.trials.cache import tasks_under
from studylib.trials.outcome import Outcome
from studylib.trials.queue import Queue, Round

JA = SourceSpec(name="ja", options={"register": "ja", "bytes": 40_000})
DATA = DataSpec(sources=(JA,), tokenizer=TokenizerSpec(vocab_size=400, sample_bytes=40_000))


def test_rewritten_text_is_made_once_and_read_by_its_name(tmp_path):
    step = MadeText(rewritten_from=DATA, source="ja", how={"rules": ["polite"]})
    made = SourceSpec(kind="generated", name="rewritten", auxiliary=True, options={"made": step.hash})
    enriched = DATA.replace(sources=(JA, made))
    assert enriched.texts["rewritten"].reads == (step.name,) and step.reads == (DATA.name,)
    assert enriched.vocabulary == DATA.vocabulary, "made text is auxiliary"
    said = []

    def run():
        said.clear()
        run_steps([enriched, step], tmp_path, launcher="inprocess", progress=lambda event: said.append(event))
        return [event["step"] for event in said if event["event"] == "started"]

    text, made_text = DATA.texts["ja"].name, enriched.texts["rewritten"].name
    order = [text, DATA.vocabulary.name, DATA.name, step.name, made_text, enriched.name]
    assert run() == order, "each as soon as what it reads is there"
    record = Task.under(tmp_path, step).result()
    assert record.documents > 0 and record.made_from == (DATA.name,)
    read = prepare(enriched, tmp_path / "data").manifest["sources"]["rewritten"]
    assert read["train"]["documents"] + read["validation"]["documents"] == record.documents
    assert step.name not in run(), "text that is there is not made again"


def test_a_step_whose_text_cannot_be_made_takes_what_reads_it_along(tmp_path):
    step = MadeText(rewritten_from=DATA, source="ja", how={"rules": ["no such rule"]})
    made = SourceSpec(kind="generated", name="rewritten", auxiliary=True, options={"made": step.hash})
    ended = {}

    def listen(event):
        if event["event"] == "finished":
            ended[event["step"]] = (event["status"], event["message"])

    with pytest.raises(StudyError, match="no such rule"):
        run_steps([DATA.replace(sources=(JA, made)), step], tmp_path, launcher="inprocess", progress=listen)
    assert ended[step.name][0] == "crashed" and "no such rule" in ended[step.name][1]
    assert "which this one goes on from" in ended[DATA.replace(sources=(JA, made)).name][1]


def test_equal_trials_keep_every_checkpoint_that_one_of_them_is_asked_for(tmp_path):
    """Whatever the order in which ideas ask for them: a model that writes is kept although another study has it, too."""
    model = ModelSpec(num_layers=1, hidden_size=16, num_heads=1, vocab_size=400)
    plain = TrialSpec(model=model, data=DATA, train_steps=6)
    kept, branched = plain.replace(checkpoint_every=3), plain.replace(checkpoint_every=6, keep_steps=(2,))
    step = MadeText(sampled_from=kept, how={})
    for order in ([plain, step, branched], [branched, plain, step], [step, branched, plain]):
        tasks = {task.name: task for task in tasks_under(tmp_path, order)}
        assert tasks.keys() >= {DATA.name, plain.name, step.name}, "each step once"
        found = tasks[plain.name].step
        assert (found.checkpoint_every, found.keep_steps) == (3, (2,))
        assert found.hash == plain.hash


def test_a_round_that_asks_for_a_waiting_trial_again_leaves_its_checkpoints(tmp_path):
    """As a search does that comes upon the baseline, whose model is to write."""
    model = ModelSpec(num_layers=1, hidden_size=16, num_heads=1, vocab_size=400)
    first, plain = (TrialSpec(model=model, data=DATA, train_steps=6, seed=seed) for seed in (0, 1))
    tasks = {task.name: task for task in tasks_under(tmp_path, [first, plain.replace(checkpoint_every=6)])}
    again = plain.replace(tags={"variant": "found"}, keep_steps=(2,))
    later = Round("the next points", (first.name,), 1, lambda: ([again], []))
    queue = Queue(
        [tasks[first.name], tasks[plain.name]], rounds=[later], add=lambda steps: tasks_under(tmp_path, steps)[-1:]
    )
    assert queue.take(lambda task: task.name == first.name) is not None
    assert queue.end(tasks[first.name], Outcome("done")) == []
    found = queue.take()
    assert (found.name, found.step.checkpoint_every, found.step.keep_steps) == (plain.name, 6, (2,))
    assert queue.take() is None, "once"
