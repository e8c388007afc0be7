"""Notebooks under papermill: the traps in which papermill says all is well, and running only what is missing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from bs4 import BeautifulSoup

from studylib.batch import choose_jobs, run_study, study_status
from studylib.batch.marker import PRODUCTS, is_current, job_key, problem_with_result, write_marker
from studylib.batch.steps import carry_out_steps
from studylib.environment import child_environment
from studylib.files import file_lock
from studylib.report import build_report
from studylib.result import IdeaResult, Text, read_result
from studylib.spec import ModelSpec, TrialSpec
from studylib.trials.queue import Round


@pytest.fixture(autouse=True)
def _plain_page(monkeypatch):
    """The page's looks are the report's business and tested there."""
    import studylib.report

    def notebook_html(source, page, title):
        Path(page).write_text(f"<title>{title}</title>")

    monkeypatch.setattr(studylib.report, "notebook_html", notebook_html, raising=False)


def run_one(project, quiet, *overrides, timeout=None, names=("shape",)):
    jobs = choose_jobs(names, scale="smoke", overrides=overrides)
    return run_study(jobs, timeout=timeout, display=quiet)


def executions(folder):
    path = folder / "executions"
    return path.read_text().splitlines() if path.exists() else []


def test_a_good_notebook_leaves_result_notebook_page_log_and_marker_in_a_folder_of_any_name(
    project, quiet, tmp_path, monkeypatch
):
    # A kernel of the same name that the user has for another Python must not be taken.
    other = tmp_path / "home" / "kernels" / "python3"
    other.mkdir(parents=True)
    kernel = {"argv": ["/bin/false", "{connection_file}"], "display_name": "x", "language": "python"}
    (other / "kernel.json").write_text(json.dumps(kernel))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "home"))
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "home"))
    project.add("shape", 1)
    out = project.root / "結果 #1 [x] 100%25" / "a b?{seeds}&ü"
    folder, jobs = out / "shape", choose_jobs(["shape"], scale="smoke", out=out)
    (outcome,) = run_study(jobs, display=quiet)
    assert ("shape", "finished") in quiet.said, "the progress of the trials inside is shown"
    assert (outcome.status, outcome.ok) == ("done", True), outcome.message
    assert read_result(folder).verdict.ja == "深い方が勝ち"
    executed = json.loads((folder / "notebook.ipynb").read_text())
    assert "executed" in json.dumps(executed["cells"][-1]["outputs"])
    assert (folder / "notebook.html").read_text() == "<title>What about shape?</title>"
    assert (folder / "log.txt").exists()
    assert json.loads((folder / "run.json").read_text())["status"] == "done"
    assert not list(folder.glob(".running*"))
    assert study_status(out).ideas[0]["message"] == "Deep wins"
    assert [one.status for one in run_study(jobs, display=quiet)] == ["up to date"]
    index = build_report(out)
    assert index == out / "index.html"
    for page in (index, out / "shape" / "index.html"):
        links = [
            one.get("href") or one.get("src") for one in BeautifulSoup(page.read_text(), "html.parser")(["a", "img"])
        ]
        assert any("notebook.html" in link for link in links)
        for link in links:  # as a browser does it
            there = urlsplit(urljoin(page.as_uri(), link))
            assert there.scheme == "file" and Path(unquote(there.path)).exists(), link


def test_only_what_is_missing_runs_again(project, quiet, monkeypatch):
    project.add("shape", 1)
    folder = project.root / "reports" / "smoke" / "shape"
    run_one(project, quiet)
    with monkeypatch.context() as patched:
        patched.setattr("studylib.batch.run.Execution", None)  # nothing is started, a kernel least of all
        (again,) = run_one(project, quiet)
    assert again.status == "up to date" and again.ok
    assert len(executions(folder)) == 1
    assert run_one(project, quiet, "workers=2")[0].status == "up to date", "how it is run is not what is run"
    for change in ("seeds=3", "data.tokenizer.vocab_size=512"):
        assert not is_current(choose_jobs(["shape"], scale="smoke", overrides=[change])[0])
    (job,) = choose_jobs(["shape"], scale="smoke")
    sound = (folder / "result.json").read_text()
    (folder / "result.json").write_text("{}")
    assert not is_current(job)
    (folder / "result.json").write_text(sound)
    assert is_current(job)
    (folder / "notebook.html").unlink()
    assert not is_current(job)
    (folder / "notebook.html").write_text("")
    assert is_current(job)
    monkeypatch.setattr("studylib.batch.marker.reading_code", lambda: "the package reads trials otherwise now")
    assert not is_current(job)


def test_a_changed_notebook_is_run_again(project):
    project.add("shape", 1)
    (job,) = choose_jobs(["shape"], scale="smoke")
    key = job_key(job)
    notebook = project.root / "notebooks" / "01_shape.ipynb"
    notebook.write_text(notebook.read_text().replace("Deep wins", "Wide wins"))
    assert job_key(job) != key


def test_trap_killed_kernel_is_a_failure_although_every_cell_says_completed(project, quiet, alive):
    project.add("shape", 1)
    (outcome,) = run_one(project, quiet, "behaviour=killed")
    assert outcome.status == "failed" and not outcome.ok
    assert "kernel was killed" in outcome.message
    folder = project.root / "reports" / "smoke" / "shape"
    assert not alive(int((folder / "child").read_text())), "the killed kernel's child lives on"
    assert not (folder / "result.json").exists()


def test_trap_timeout_is_a_failure_and_leaves_nothing_running(project, quiet, alive, late_when):
    project.add("shape", 1)
    folder = project.root / "reports" / "smoke" / "shape"
    late_when("studylib.batch.execution", lambda: (folder / "child").exists() and (folder / "child").read_text())
    (outcome,) = run_one(project, quiet, "behaviour=family", timeout=3600)
    assert outcome.status == "timeout" and "limit of 3600 s" in outcome.message
    assert not alive(int((folder / "child").read_text()))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_trap_ending_the_study_leaves_no_child_of_the_kernel(project, alive, wait_until, number):
    project.add("shape", 1)
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import conftest\n"
        "from studylib import registry\n"
        "question = conftest.Text(en='?', ja='?')\n"
        "idea = conftest.Idea('shape', 1, '01_shape.ipynb', question, conftest.TinyParams, conftest.no_plan)\n"
        "registry.IDEAS = conftest.Ideas(shape=idea)\n"
        "from studylib.cli import main\n"
        "main(['run', 'shape', '--scale', 'smoke', '--set', 'behaviour=family'])\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(Path(__file__).parent)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=child_environment(),
    )  # fmt: skip
    child = project.root / "reports" / "smoke" / "shape" / "child"
    try:
        pid = wait_until(lambda: child.exists() and child.read_text() and int(child.read_text()))
        assert alive(pid)
        process.send_signal(number)
        said = process.communicate(timeout=240)[0]
        wait_until(lambda: not alive(pid))
    finally:
        process.kill()
    assert process.returncode == {signal.SIGTERM: 143, signal.SIGINT: 130, signal.SIGKILL: -9}[number], said
    assert "Traceback" not in said
    status = study_status(project.root / "reports" / "smoke")
    assert status.ideas[0]["status"] == "stopped"


def test_exit_status_0_is_not_success_without_a_valid_result_of_its_own(project, quiet):
    project.add("shape", 1)
    folder = project.root / "reports" / "smoke" / "shape"
    both = Text(en="Old", ja="古い")
    IdeaResult(
        idea="shape", scale="smoke", question=both, verdict=both, winner=None, decided=False, metrics=(), provenance={}
    ).write(folder)
    (outcome,) = run_one(project, quiet, "behaviour=rubbish")
    assert outcome.status == "failed" and "not valid" in outcome.message
    kept = json.loads((folder / "result.previous.json").read_text())
    assert kept["verdict"] == "Old", "neither lost nor taken for a new one"
    (folder / "result.json").unlink()
    (job,) = choose_jobs(["shape"], scale="smoke")
    assert "without writing result.json" in problem_with_result(job)


def test_one_failure_does_not_stop_the_others_and_decisions_come_last(project, quiet):
    project.add("decision", 9, after_all=True)
    project.add("shape", 1)
    project.add("order", 4)
    project.write_params("order", "scale: smoke\nbehaviour: error\n")
    jobs = choose_jobs(scale="smoke")
    assert [job.idea.name for job in jobs] == ["shape", "order", "decision"]
    outcomes = run_study(jobs, side_by_side=2, display=quiet)
    assert [one.status for one in outcomes] == ["done", "failed", "done"]
    assert outcomes[1].message == "RuntimeError: no verdict possible", "a cell's error in one line"
    kept = project.root / "reports" / "smoke" / "order" / "notebook.ipynb"
    assert "no verdict possible" in kept.read_text(), "the notebook is kept for reading"
    states = [entry[:2] for entry in quiet.said if len(entry) == 3]
    assert states.index(("decision", "running")) > max(
        states.index(("shape", "done")), states.index(("order", "failed"))
    )
    python, cores = executions(project.root / "reports" / "smoke" / "shape")[0].rsplit(" ", 1)
    assert python == sys.executable
    assert int(cores) == max(1, len(os.sched_getaffinity(0)) // 2)
    _, cores = executions(project.root / "reports" / "smoke" / "decision")[0].rsplit(" ", 1)
    assert int(cores) == len(os.sched_getaffinity(0)), "nothing runs beside it"
    # The decision is taken anew when what it reads has changed.
    assert [one.status for one in run_study(choose_jobs(["shape", "decision"], scale="smoke"), display=quiet)] == [
        "up to date"
    ] * 2
    result = project.root / "reports" / "smoke" / "shape" / "result.json"
    result.write_text(result.read_text() + "\n")
    assert not is_current(choose_jobs(["decision"], scale="smoke")[0])


def test_what_follows_from_the_others_results_is_left_to_the_notebook_that_reads_them(project, quiet, monkeypatch):
    """The steps known beforehand are carried out with all others; the round would read results that are not there yet."""
    asked = []
    monkeypatch.setattr(
        "studylib.trials.run.run_steps", lambda steps, rounds, **launch: asked.append((list(steps), rounds))
    )

    def too_early(params):
        raise AssertionError("the other ideas have no results yet")

    project.add("decision", 9, trials=True, after_all=True, rounds=too_early)
    project.add("shape", 1, trials=True)
    carry_out_steps(choose_jobs(scale="smoke"))
    ((steps, rounds),) = asked
    assert len(steps) == 4 and rounds == []


def test_trials_that_lost_their_result_make_the_idea_run_again(project, finish):
    """Those of its plan and those of its rounds."""
    model = ModelSpec(num_layers=1, hidden_size=32, num_heads=1, vocab_size=4096)
    more, both = TrialSpec(model=model, train_steps=4), Text(en="Deep", ja="深い")
    project.add("shape", 1, trials=True, rounds=lambda params: [Round("more", (), 1, lambda: ([more], []))])
    (job,) = choose_jobs(["shape"], scale="smoke")
    files = [finish(job.study, spec) for spec in (*job.specs, more)]
    job.folder.mkdir(parents=True)
    for name in PRODUCTS:
        (job.folder / name).write_text("")
    IdeaResult(
        idea="shape", scale="smoke", question=both, verdict=both, winner=None, decided=False, metrics=(), provenance={}
    ).write(job.folder)
    write_marker(job.folder, "done", key=job_key(job))
    for file in files:
        assert is_current(job)
        file.rename(file.with_name("kept"))
        assert not is_current(job)
        file.with_name("kept").rename(file)


def test_a_decision_is_taken_anew_when_an_idea_without_a_result_ends_otherwise(project):
    project.add("decision", 9, after_all=True)
    (job,) = choose_jobs(["decision"], scale="smoke")
    keys = [job_key(job)]
    for status in ("failed", "timeout"):
        (job.study / "order").mkdir(parents=True, exist_ok=True)
        write_marker(job.study / "order", status)
        keys.append(job_key(job))
        write_marker(job.study / "order", status)  # at another time
        assert job_key(job) == keys[-1]
    assert len(set(keys)) == 3


def test_a_page_that_cannot_be_made_is_a_failure_told(project, quiet, monkeypatch):
    def broken(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("studylib.report.notebook_html", broken)
    project.add("shape", 1)
    (outcome,) = run_one(project, quiet)
    assert outcome.status == "failed" and "No space left" in outcome.message
    assert "OSError" in study_status(project.root / "reports" / "smoke").ideas[0]["message"]


def test_a_second_study_on_the_folder_waits_for_the_first(project, quiet, monkeypatch, wait_until):
    project.add("shape", 1)
    monkeypatch.setattr("studylib.batch.run.is_current", lambda job: True)
    jobs = choose_jobs(["shape"], scale="smoke")
    with file_lock(jobs[0].folder / ".lock"):
        outcomes = []
        second = threading.Thread(target=lambda: outcomes.extend(run_study(jobs, display=quiet)))
        second.start()
        wait_until(lambda: ("shape", "waiting", "another run is at it") in quiet.said)
        assert outcomes == []
    second.join()
    assert [one.status for one in outcomes] == ["up to date"]
