"""What of a study is given away, and that it counts as done again elsewhere. No text may be in it."""

from __future__ import annotations

import contextlib
import json
import shutil
from pathlib import Path

import polars as pl
import pytest

from studylib.analysis import read_curves
from studylib.cli import main
from studylib.data import prepare, prepared_counts
from studylib.data.excerpts import NO_TEXT
from studylib.errors import StudyError
from studylib.files import read_json, read_json_lines, write_bytes, write_json
from studylib.ideas._look import NOT_WRITTEN, SomeText, Written, can_no_longer_write, writing_step
from studylib.machine import this_machine
from studylib.params import StudyParams
from studylib.published import packing, private, publish, restore
from studylib.published.tables import CURVES_FILE, RECORDS_FILE
from studylib.report import provenance
from studylib.result import Figure, IdeaResult, Text
from studylib.spec import DataSpec, SourceSpec, SpeedSpec, TokenizerSpec, TrialSpec, timed_step
from studylib.spec.record import record_of
from studylib.steps._kind import Context
from studylib.trials import plan_steps, run_steps, trials_frame
from studylib.trials.cache import Task
from studylib.trials.outcome import Outcome
from studylib.trials.run import still_to_do

MARKER = "むらさきの狐が七時に橋を渡る"
QUIET = {"launcher": "inprocess", "progress": []}


def write_corpus(path: Path, corpus: Path, documents: int = 1200) -> None:
    """The tests' corpus, with a sentence in every document that is told by."""
    texts = [f"{MARKER} {row['text']}" for row in read_json_lines(corpus)[:documents]]
    texts += [f"{MARKER} {n}" for n in range(40)]  # too short
    path.write_text("".join(json.dumps({"text": one}, ensure_ascii=False) + "\n" for one in texts), encoding="utf-8")


@pytest.fixture(scope="module")
def home(tmp_path_factory, tiny_trial, corpus) -> Path:
    """A project folder with text of its own and a study of it: two trials, a third that failed, and what one wrote."""
    home = tmp_path_factory.mktemp("project")
    write_corpus(home / "corpus.jsonl", corpus)
    with contextlib.chdir(home):
        first, second, third = trials(tiny_trial)
        run_steps([first, second, writing_step(first)], home / "study", **QUIET)
        task = Task.under(home / "study", third)
        task.keep_specification()
        task.record_failure(Outcome("crashed", f"OSError: {home}/study/trials/x.bin: no space"), 1.0)
        write_json(task.folder / "machine.json", {})  # no record: never published
    return home


def trials(tiny_trial: TrialSpec) -> list[TrialSpec]:
    data = DataSpec(
        sources=(
            SourceSpec(
                kind="files", name="own", options={"path": "corpus.jsonl"},
                cleaning=[{"cleaner": "length", "min_characters": 25}], measure_alone=False,
            ),
        ),
        tokenizer=TokenizerSpec(vocab_size=tiny_trial.data.vocab_size, sample_bytes=200_000),
    )  # fmt: skip
    one = tiny_trial.replace(data=data, train_steps=4, global_batch_size=2, eval_every=2)
    one = one.replace(tags={"variant": "own", "size": "tiny"})
    return [one.replace(seed=seed, checkpoint_every=4) for seed in range(3)]


@pytest.fixture
def study(home, monkeypatch) -> Path:
    monkeypatch.chdir(home)
    return home / "study"


@pytest.fixture
def restored(study, tmp_path) -> Path:
    publish(study, tmp_path / "given")
    restore(tmp_path / "given", tmp_path / "again")
    return tmp_path / "again"


def everything_in(folder: Path) -> str:
    """All bytes as text, parquet files value by value."""
    said = []
    for file in (path for path in folder.rglob("*") if path.is_file()):
        if file.suffix == ".parquet":
            said.append(json.dumps(pl.read_parquet(file).to_dicts(), ensure_ascii=False))
        said.append(file.read_bytes().decode("utf-8", errors="replace"))
    return "\n".join(said)


def rewritten(folder: Path, change) -> None:
    """The records changed, row by row."""
    rows = [change(row) for row in pl.read_parquet(folder / RECORDS_FILE).to_dicts()]
    pl.DataFrame(rows).write_parquet(folder / RECORDS_FILE)


def test_no_text_weights_or_places_are_published(study, tmp_path):
    assert MARKER in everything_in(study / "data" / "text") and MARKER in everything_in(study / "data" / "cleaned")
    examples = [
        one for file in study.glob("data/cleaned/*/record.json") for one in read_json(file)["steps"][0]["examples"]
    ]
    assert MARKER in json.dumps(examples, ensure_ascii=False), "the record quotes what it took out"
    done = publish(study, tmp_path / "given")
    assert done.counts == {"cleaned": 1, "data": 1, "made": 1, "text": 1, "tokenizers": 1, "trials": 3}
    assert {path.name for path in (tmp_path / "given").iterdir()} == {RECORDS_FILE, CURVES_FILE}
    said = everything_in(tmp_path / "given")
    assert MARKER not in said and MARKER[:4] not in said and str(study.parent) not in said
    assert "x.bin: no space" in said, "a failure keeps its reason"
    assert "no idea has a result" in done.no_pages


def test_equal_content_is_equal_bytes_and_nothing_is_lost_by_the_next_sitting(study, tmp_path, tiny_trial):
    first = tmp_path / "given"
    publish(study, first)
    before = {name: (first / name).read_bytes() for name in (RECORDS_FILE, CURVES_FILE)}
    assert publish(study, first).added == 0
    assert {name: (first / name).read_bytes() for name in before} == before

    other = tmp_path / "other"  # another sitting: what was done failed there, what failed is done, one is new
    done, failed = trials(tiny_trial)[1:]
    for spec in (failed, failed.replace(seed=9)):
        shutil.copytree(study / done.name, other / spec.name)
        write_json(other / spec.name / "spec.json", spec.model_dump(mode="json"))
        write_json(
            other / spec.name / "result.json", read_json(study / done.name / "result.json") | {"hash": spec.hash}
        )
    task = Task.under(other, done)
    task.keep_specification()
    task.record_failure(Outcome("oom", "no memory"), 1.0)
    assert publish(other, first).added == 1
    rows = {row["hash"]: row["status"] for row in pl.read_parquet(first / RECORDS_FILE).to_dicts()}
    assert rows[done.hash] == rows[failed.hash] == rows[failed.replace(seed=9).hash] == "done" and len(rows) == 9
    curves = pl.read_parquet(first / CURVES_FILE)
    assert set(curves["hash"]) == {
        hash for hash in rows if hash in {one.hash for one in [*trials(tiny_trial), failed.replace(seed=9)]}
    }


def test_restored_steps_are_done_and_nothing_is_read_for_them(study, restored, tiny_trial, monkeypatch, tmp_path):
    specs = trials(tiny_trial)
    monkeypatch.chdir(tmp_path)  # where the text is not
    steps = [*specs, writing_step(specs[0])]
    assert {one.state for one in plan_steps(steps, restored).steps} == {"done", "failed"}
    run_steps(steps, restored, **QUIET)
    assert not list(restored.glob("data/*/*.tokens")) and not list(restored.rglob("checkpoints"))
    assert trials_frame(specs[:2], restored).equals(trials_frame(specs[:2], study))
    hashes = [one.hash for one in specs[:2]]
    assert read_curves(restored, hashes).equals(read_curves(study, hashes))
    data = specs[0].data
    with contextlib.chdir(study.parent):
        assert prepared_counts(data, study / "data") == prepared_counts(data, restored / "data")
    again = restore(tmp_path / "given", restored)
    assert (again.counts, again.kept) == ({}, 8)
    # and published once more it is the same
    assert publish(restored, tmp_path / "given").added == 0


def test_what_needs_text_or_weights_makes_them_again(study, restored, tiny_trial):
    new = trials(tiny_trial)[0].replace(seed=5)
    parent = trials(tiny_trial)[1]
    goes_on = new.replace(start_from=parent.hash)
    for asked in ([new], [parent, goes_on]):
        plan = plan_steps(asked, restored)
        assert {one.task.step.kind for one in plan.to_do} == {"cleaned", "text", "tokenizers", "data", "trials"}
        assert len([one for one in plan.to_do if one.is_trial]) == len(asked)
    run_steps([new], restored, **QUIET)
    assert Task.under(restored, new).result_here() is not None
    assert Task.under(restored, new.data).result_here() is not None and list(restored.glob("data/*/*.tokens"))
    assert still_to_do([Task.under(restored, one) for one in (new.data, new)], {new.name})[0] == []


def test_a_restored_trial_that_is_trained_again_is_no_longer_restored(restored, tiny_trial, monkeypatch):
    parent = trials(tiny_trial)[1]
    task = Task.under(restored, parent)

    def train(spec, folder, **more):
        return (
            dict.fromkeys(("val_loss", "val_bpb", "train_loss", "flops", "tokens_per_s"), 2.0)
            | dict.fromkeys(("steps", "tokens", "params", "non_embedding_params", "peak_memory_bytes"), 1)
            | {"val": {}}
        )

    monkeypatch.setattr("studylib.steps.trials.load_train", lambda name: train)
    task.kind.carry_out(parent, task.folder, Context(restored))
    assert task.result_here().val_loss == 2.0


def test_text_that_has_changed_since_is_not_mixed_with_restored_trials(
    study, restored, corpus, tiny_trial, tmp_path, monkeypatch
):
    other = tmp_path / "elsewhere"
    other.mkdir()
    monkeypatch.chdir(other)
    write_corpus(other / "corpus.jsonl", corpus, 900)
    with pytest.raises(StudyError, match=r"no longer the same|has changed"):
        run_steps([trials(tiny_trial)[0].replace(seed=5)], restored, **QUIET)


@pytest.mark.parametrize("told_by", ["tokenizers", "data"])
def test_a_tokenizer_that_is_another_from_the_same_text_is_refused(study, restored, tiny_trial, told_by):
    new = trials(tiny_trial)[0].replace(seed=5)
    homes = {"tokenizers": restored / new.data.vocabulary.name, "data": restored / new.data.name}
    ours = read_json(study / new.data.vocabulary.name / "manifest.json")["files"]["tokenizer.model"]["blake2b"]
    file, theirs = homes[told_by] / "manifest.json", "0" * 32
    manifest = read_json(file)
    manifest["files"]["tokenizer.model"]["blake2b"] = theirs
    write_json(file, manifest)
    with pytest.raises(StudyError) as caught:
        prepare(new.data, restored / "data")
    said = str(caught.value)
    assert said.startswith(f"{homes[told_by]}: ") and "\n" not in said
    assert ours in said and theirs in said and "use another output folder, or remove" in said
    assert read_json(file) == manifest, "what was restored is still there, and refuses the next time too"
    with contextlib.suppress(StudyError):
        run_steps([new], restored, **QUIET)
    assert Task.under(restored, new).result() is None and not list(restored.glob("data/*/*.tokens"))


def test_cells_say_that_the_text_is_not_there(restored, tiny_trial):
    first = trials(tiny_trial)[0]
    params = StudyParams(scale="smoke", out=str(restored), data=first.data)
    text = SomeText.of(params)
    assert NO_TEXT in repr(text) and NO_TEXT in text._repr_html_() and text.sources[0].tokens > 0
    written = Written.by(writing_step(first), restored)
    assert NOT_WRITTEN in repr(written) and not written.texts and written.bits_per_byte
    assert not can_no_longer_write(writing_step(first), restored)  # it did before
    shutil.rmtree(restored / "made")
    assert can_no_longer_write(writing_step(first), restored)


def test_a_row_that_today_refuses_is_told_and_skipped_and_the_others_are_there(study, tmp_path, tiny_trial):
    publish(study, tmp_path / "given")
    first, second, _ = trials(tiny_trial)

    def spoil(row):
        if row["hash"] == second.hash:
            row["specification"] = row["specification"].replace('"train_steps"', '"steps_of_old"')
        return row

    rewritten(tmp_path / "given", spoil)
    said = []
    done = restore(tmp_path / "given", tmp_path / "again", said.append)
    assert said == list(done.skipped) and len(said) == 1 and second.hash in said[0] and "steps_of_old" in said[0]
    assert done.counts["trials"] == 2 and Task.under(tmp_path / "again", first).state == "done"


def test_a_field_that_was_added_since_loses_no_evidence_of_those_that_go_on_from_others(study, tmp_path, tiny_trial):
    publish(study, tmp_path / "given")
    first, second, third = trials(tiny_trial)
    child = second.replace(start_from=first.hash)

    def older(row):
        """As another version named it: without a field, and under another hash."""
        if row["hash"] == first.hash:
            content = json.loads(row["specification"])
            del content["new_embeddings"]
            return row | {"hash": "0" * 15 + "1", "specification": json.dumps(content)}
        if row["hash"] == third.hash:  # a child of it
            content = child.replace(start_from="0" * 15 + "1").model_dump(mode="json")
            return row | {"hash": "0" * 15 + "2", "specification": json.dumps(content)}
        return row

    rewritten(tmp_path / "given", older)
    restore(tmp_path / "given", tmp_path / "again")
    assert Task.under(tmp_path / "again", first).result().hash == first.hash
    assert Task.under(tmp_path / "again", child).state == "failed"


def test_a_damaged_record_is_told_and_left_out(study, tmp_path, tiny_trial):
    first, second, _ = trials(tiny_trial)
    for spec in (first, second):
        shutil.copytree(study / spec.name, tmp_path / "study" / spec.name)
    (tmp_path / "study" / second.name / "result.json").write_text("{")
    said = []
    assert publish(tmp_path / "study", tmp_path / "given", said.append).counts == {"trials": 1}
    assert len(said) == 1 and second.name in said[0] and "left out" in said[0]


def test_measurements_are_taken_over_as_this_machines_own(tmp_path, tiny_trial):
    step = SpeedSpec(trials=(timed_step(tiny_trial),), machine="another0another0")
    task = Task.under(tmp_path / "study", step)
    task.keep_specification()
    write_json(task.folder / "result.json", record_of(step, 1.0) | {"speeds": []})
    publish(tmp_path / "study", tmp_path / "given")
    restore(tmp_path / "given", tmp_path / "again")
    assert Task.under(tmp_path / "again", step.replace(machine=this_machine())).state == "done"
    publish(tmp_path / "again", tmp_path / "given")
    assert pl.read_parquet(tmp_path / "given" / RECORDS_FILE)["hash"].to_list() == [step.hash]


def test_places_and_names_are_refused_with_the_field(study, tmp_path, tiny_trial, monkeypatch):
    task = Task.under(tmp_path / "study", tiny_trial)  # its text has an absolute path
    task.keep_specification()
    task.record_failure(Outcome("crashed", "x"), 1.0)
    with pytest.raises(StudyError, match=r"specification: data\.sources\.0\.options\.path: '/.*absolute path"):
        publish(tmp_path / "study", tmp_path / "given")
    assert not (tmp_path / "given").exists()
    monkeypatch.setattr(private, "_names", lambda: {"host": private.re.compile("tiny")})
    monkeypatch.setattr(private, "identifying", private.identifying.__wrapped__)  # what it knows is of the true names
    with pytest.raises(StudyError, match=r"specification: .*tags\.size: 'tiny' holds the name of this host"):
        publish(study, tmp_path / "given")


@pytest.mark.parametrize(
    "text", ["/home/me/x", "see /srv/data/x.json", "~/corpus", "C:\\texts", "file:///x", "/corpus.txt"]
)
def test_what_counts_as_an_absolute_path(text):
    assert private.identifying(text) and not private.identifying(private.without_folders(text))


@pytest.mark.parametrize(
    "text", ["corpora/ja.parquet", "https://host.org/a/b", "tokens/s", "and/or, 1/2/3", "multiple_choice/type/0/job"]
)
def test_what_is_no_absolute_path(text):
    assert not private.identifying(text)


def test_too_much_is_refused_before_anything_is_written(study, tmp_path, monkeypatch):
    monkeypatch.setattr(packing, "MOST_BYTES", 4000)
    with pytest.raises(StudyError, match=r"would hold .* largest: (records|curves)\.parquet"):
        publish(study, tmp_path / "given")
    assert not (tmp_path / "given").exists() and not list(tmp_path.glob(".given.*/*"))


def finished_idea(study: Path, data: DataSpec) -> None:
    """What a notebook leaves: a result with a figure, and pages that quote."""
    folder = study / "depth_width"
    folder.mkdir()
    params = StudyParams(scale="smoke", out=str(study), data=data)
    both = Text(en="Deep wins", ja="深い方が勝ち")
    (folder / "basin.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(16))
    IdeaResult(
        idea="depth_width", scale="smoke", question=both, verdict=both, winner=None, decided=False, metrics=(),
        figures=(Figure(file="basin.png", title=both, alt=both),), provenance=provenance(params, trials_frame([], study)),
    ).write(folder)  # fmt: skip
    write_json(folder / "run.json", {"status": "done"})
    for name in ("notebook.html", "log.txt"):
        (folder / name).write_text(MARKER, encoding="utf-8")


def test_pages_are_published_from_restored_records_only(study, restored, tmp_path, tiny_trial):
    data = trials(tiny_trial)[0].data
    finished_idea(restored, data)
    done = publish(restored, tmp_path / "given")
    assert not done.no_pages and done.pages == 3
    given = tmp_path / "given"
    assert {path.relative_to(given).as_posix() for path in given.rglob("*") if path.is_file()} == {
        RECORDS_FILE, CURVES_FILE, "index.html", "depth_width/index.html", "depth_width/basin.png",
    }  # fmt: skip
    said = everything_in(given)
    assert MARKER not in said and "notebook.html" not in said and "log.txt" not in said and "Deep wins" in said
    assert str(tmp_path) not in said

    # What an earlier page showed and this one does not goes; what no page made stays.
    for name in ("depth_width/renamed.png", "README.md", "architecture/index.html"):
        (given / name).parent.mkdir(exist_ok=True)
        (given / name).write_text("before", encoding="utf-8")
    publish(restored, given)
    assert not (given / "depth_width/renamed.png").exists() and (given / "depth_width/basin.png").exists()
    assert (given / "README.md").exists() and (given / "architecture/index.html").exists()

    # Text that is prepared there since: no page may come from it.
    with contextlib.chdir(study.parent):
        run_steps([trials(tiny_trial)[0].replace(seed=5)], restored, **QUIET)
    assert "holds text" in publish(restored, given).no_pages

    live = tmp_path / "live"
    shutil.copytree(study, live)
    with contextlib.chdir(study.parent):
        finished_idea(live, data)
    assert "holds text" in publish(live, given).no_pages
    for place in live.glob("[dm]*/*"):
        if place.is_dir() and place.parts[-2] in ("data", "made"):
            shutil.rmtree(place)
    assert "was made where there was text" in publish(live, given).no_pages


def test_the_result_tells_of_the_machine_that_trained(restored, tiny_trial):
    data = trials(tiny_trial)[0].data
    for file in restored.glob("trials/*/result.json"):
        write_json(file, read_json(file) | {"machine": {"processor": "other", "cores": 99}})
    params = StudyParams(scale="smoke", out=str(restored), data=data)
    told = provenance(params, trials_frame(trials(tiny_trial), restored))
    assert told["restored"] and told["machine"] == {"processor": "other", "cores": 99}
    assert list(told["trained_on"]) == ["other"] and sum(told["trained_on"].values()) == len(
        list(restored.glob("trials/*/result.json"))
    )


def test_curves_are_thinned_but_for_validations(study, tmp_path, tiny_trial):
    first = trials(tiny_trial)[0]
    copy = tmp_path / "study"
    shutil.copytree(study / first.name, copy / first.name)
    points = [{"step": n, "tokens": n, "loss": 1.0 + n} for n in range(1, 501)]
    points += [{"step": n, "tokens": n, "val_loss": 1.0, "val": {"own": {"loss": 1.0}}} for n in range(0, 501, 2)]
    write_bytes(copy / first.name / "metrics.jsonl", "".join(json.dumps(one) + "\n" for one in points).encode())
    publish(copy, tmp_path / "given")
    restore(tmp_path / "given", tmp_path / "again")
    found = read_json_lines(tmp_path / "again" / first.name / "metrics.jsonl")
    assert [one for one in found if "val_loss" in one] == points[500:]
    training = [one for one in found if "val_loss" not in one]
    assert len(training) == 100 and training[-1] == points[499]


def test_the_commands(study, tmp_path, capsys):
    def call(*arguments):
        with pytest.raises(SystemExit) as ended:
            main([str(one) for one in arguments])
        return ended.value.code, *capsys.readouterr()

    code, out, _ = call("publish", study, "--to", tmp_path / "given")
    assert code == 0 and "3 trials; 8 new" in out and "no pages: no idea has a result" in out
    code, out, _ = call("restore", tmp_path / "given", tmp_path / "again")
    assert code == 0 and "3 trials; 0 kept as they were; 0 skipped" in out
    told = json.loads(call("status", tmp_path / "again", "--json")[1])
    assert told["trials"] == {"done": 2, "failed": 1, "running": 0, "to do": 0}
    code, _, err = call("restore", tmp_path / "nothing", tmp_path / "again")
    assert code == 2 and err == f"study: {tmp_path / 'nothing'}: holds no records.parquet; 'study publish' writes it\n"
    code, _, err = call("publish", tmp_path / "nothing")
    assert code == 2 and "no such study folder" in err
    (tmp_path / "given" / RECORDS_FILE).write_text("rubbish")
    code, _, err = call("restore", tmp_path / "given", tmp_path / "third")
    assert code == 2 and "cannot be read" in err and err.count("\n") == 1
