"""``study bench gpu``: what is found is kept and not found again; its comparisons see what is wrong. On a CPU, at tiny sizes."""

from __future__ import annotations

import json
from functools import partial

import pytest
import torch

from studylib.bench import main
from studylib.bench.gpu import kernels, print_summary, runner, suite
from studylib.bench.gpu.clock import milliseconds
from studylib.bench.gpu.parts import PARTS, Part, Setting, attempt, records_of
from studylib.bench.gpu.runner import Run
from studylib.choices.attention import causal_attention
from studylib.errors import StudyError

# Parts in place of the real ones: modules of the folder are looked up by name, so the child is given a file to run instead.
CHILD = """
import json, sys, time
name, file = sys.argv[1:3]
with open(file, "a") as stream:
    def say(**record):
        stream.write(json.dumps(record) + "\\n")
        stream.flush()
    say(name=name, figure=1.5)
    match name:
        case "crashes":
            raise SystemExit("no memory left\\nfor this")
        case "hangs":
            time.sleep(300)
        case "wrong":
            say(name="loss", ok=False, error="off by 3")
        case "mends":  # the first time one is wrong, the second time that one alone is measured again
            if "--known" not in sys.argv:
                say(name="right", ok=True)
                say(name="loss", ok=False, error="off by 3")
            else:
                known = json.load(open(sys.argv[sys.argv.index("--known") + 1]))
                say(name="loss", ok=len(known) == 3)
"""


@pytest.fixture
def several_ends(monkeypatch, tmp_path):
    """Parts that end in every way; what a child does is told by its name alone."""
    parts = {
        "good": Part("", 60), "crashes": Part("", 60, alone=False), "wrong": Part("", 60, alone=False),
        "hangs": Part("", 3), "last": Part("", 60), "mends": Part("", 60),
    }  # fmt: skip
    monkeypatch.setattr(runner, "PARTS", parts)
    child = tmp_path / "child.py"
    child.write_text(CHILD)
    start = runner.GuardedProcess
    monkeypatch.setattr(
        runner, "GuardedProcess",
        lambda command, **options: start([command[0], str(child), *command[3:]], **options),
    )  # fmt: skip
    return parts


def statuses(found: dict) -> dict[str, str]:
    return {name: part["status"] for name, part in found.items()}


def test_a_crash_or_a_hang_of_one_part_does_not_end_the_others(several_ends, tmp_path, capsys):
    file = tmp_path / "gpu.json"
    found = Run(file, Setting("cpu", tmp_path), seconds=200).carry_out([one for one in several_ends if one != "mends"])
    assert statuses(found) == {"good": "ok", "crashes": "failed", "wrong": "failed", "hangs": "failed", "last": "ok"}
    assert "exit status 1" in found["crashes"]["error"] and "for this" in found["crashes"]["error"]
    assert found["wrong"]["error"] == "wrong: loss" and "longer than 3 s" in found["hangs"]["error"]
    assert found["hangs"]["records"] == [{"name": "hangs", "figure": 1.5}], "what was known before is kept"
    assert json.loads(file.read_text())["parts"].keys() == several_ends.keys() - {"mends"}
    print_summary(found)
    printed = capsys.readouterr().out
    assert "figure 1.5" in printed and "!! wrong: loss: off by 3" in printed and "!! hangs: took longer" in printed


def test_run_again_only_what_is_missing_is_run(several_ends, tmp_path, capsys):
    file = tmp_path / "gpu.json"
    run = partial(Run, file, Setting("cpu", tmp_path))
    run(seconds=200).carry_out(["good", "wrong"])
    capsys.readouterr()
    run(seconds=200).carry_out(["good", "wrong", "last"])
    begun = [line.split(":")[0] for line in capsys.readouterr().out.splitlines() if "begun" in line]
    assert begun == ["wrong", "last"]
    run(seconds=200).carry_out(["good"], again=True)
    assert "good: begun" in capsys.readouterr().out


def test_what_was_right_is_kept_with_its_machine(several_ends, tmp_path):
    file = tmp_path / "gpu.json"
    run = partial(Run, file, Setting("cpu", tmp_path), seconds=200)
    assert statuses(run().carry_out(["mends", "hangs"])) == {"mends": "failed", "hangs": "failed"}
    data = json.loads(file.read_text())
    data["parts"]["mends"]["machine"]["gpus"] = ["Some card"]
    file.write_text(json.dumps(data))
    found = run().carry_out(["mends"])["mends"]
    assert found["status"] == "ok" and [one["name"] for one in found["records"]] == ["right", "mends", "loss"]
    assert found["records"][0]["found_on"].startswith("Some card; torch") and "found_on" not in found["records"][2]
    skipped = run(seconds=5).carry_out(["hangs"])["hangs"]
    assert skipped["status"] == "skipped" and [one["name"] for one in skipped["records"]] == ["hangs"], "known still"


def test_little_time_is_shared_in_proportion(several_ends, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("time.monotonic", lambda: 0.0)
    run = Run(tmp_path / "gpu.json", Setting("cpu", tmp_path), seconds=90)
    assert run._limit("good", ["last"]) == 45 and run._limit("last", []) == 60
    assert run._limit("crashes", ["wrong"]) == 60, "they run beside each other"
    assert run._limit("wrong", ["last"]) == 45


def test_without_time_a_part_is_left_for_the_next_run(several_ends, tmp_path):
    file = tmp_path / "gpu.json"
    found = Run(file, Setting("cpu", tmp_path), seconds=5).carry_out(["good"])
    assert statuses(found) == {"good": "skipped"} and "run again" in found["good"]["error"]
    assert statuses(Run(file, Setting("cpu", tmp_path), seconds=200).carry_out(["good"])) == {"good": "ok"}


def test_another_file_is_not_written_over(tmp_path):
    (tmp_path / "other.json").write_text("[1, 2]")
    with pytest.raises(StudyError, match=r"other.json: is not a file of study bench gpu"):
        Run(tmp_path / "other.json", Setting("cpu", tmp_path), seconds=1)


def test_without_a_gpu_it_says_what_it_would_run(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    file = tmp_path / "gpu.json"
    assert main(["gpu", "--out", str(file)]) == 0
    printed = capsys.readouterr().out
    assert all(f"  {name} " in printed for name in PARTS) and not file.exists()
    assert main(["gpu", "--only", "speed"]) == 0
    assert "speed" in (printed := capsys.readouterr().out) and "kernels" not in printed


@pytest.mark.slow
@pytest.mark.parametrize("name", ["card", "kernels", "speed"])
def test_parts_run_at_tiny_sizes(name, tmp_path):
    found = list(records_of(name, Setting("cpu", tmp_path, small=True)))
    assert len(found) > 3 and not [record for record in found if record.get("ok") is False], found
    figures = [value for record in found for value in record.values() if isinstance(value, float)]
    assert figures and min(figures) >= 0


@pytest.mark.slow
def test_parts_run_in_processes_of_their_own(tmp_path, monkeypatch):
    monkeypatch.setitem(PARTS, "suite", Part("", 3600))
    found = Run(tmp_path / "gpu.json", Setting("cpu", tmp_path / "work", small=True), seconds=3600).carry_out(["suite"])
    assert found["suite"]["status"] == "ok", found["suite"]["error"]
    (tests, why) = found["suite"]["records"]
    assert tests["skipped"] == why["tests"] > 10 and tests["passed"] == 0


@pytest.mark.slow
def test_training_is_compared_step_by_step(tmp_path):
    from studylib.bench.gpu import engine
    from studylib.data import prepare

    setting, base = Setting("cpu", tmp_path, small=True), engine.trial(small=True)
    prepare(base.data, tmp_path / "data")
    spec = base.replace(**{"compute.dtype": "float32"})

    def twin(seed: int) -> list[dict]:
        return engine.curve(spec.replace(seed=seed), "cpu", tmp_path, tmp_path / f"twin-{seed}")

    same = engine.beside_cpu(spec, partial(twin, 0), setting, "same")
    assert same["ok"] and same["loss_differs_by"] < 1e-5 and same["last_loss"] < same["first_loss"]
    other = engine.beside_cpu(spec, partial(twin, 1), setting, "other seed")
    assert not other["ok"] and other["loss_differs_by"] > 1e-3
    assert engine.resumed(base, setting) == {"ok": True, "repeated_alike": True, "resumed_alike": True}


def test_what_is_off_is_seen_in_both_directions():
    generator = torch.Generator().manual_seed(0)
    inputs = [torch.randn(3, 2, 16, 8, generator=generator) for _ in range(3)]
    attend = partial(causal_attention, backend="math")
    twin = kernels.Twin.of(attend, inputs, rows=1)
    right = kernels.compared(partial(causal_attention, backend="sdpa"), twin, "cpu")
    assert right["ok"] and right["forward_error"] < 1e-5 and right["both_ways_ms"] > 0
    wrong = kernels.compared(lambda *tensors: 1.01 * attend(*tensors), twin, "cpu")
    assert not wrong["ok"] and wrong["forward_error"] == pytest.approx(0.01, rel=0.01)
    assert wrong["gradient_error"] == pytest.approx(0.01, rel=0.01)
    lost = kernels.compared(lambda query, key, value: attend(query, key, value.detach() + 0 * value), twin, "cpu")
    assert not lost["ok"] and lost["forward_error"] < 1e-5 and lost["gradient_error"] == pytest.approx(1)
    broken = attempt("nan", lambda: kernels.compared(lambda *tensors: attend(*tensors) * torch.nan, twin, "cpu"))
    assert broken["ok"] is False and broken["forward_error"] == "inf", "JSON knows no infinity"


def test_an_error_is_a_record():
    record = attempt("division", lambda: {"ok": 1 / 0})
    assert record["ok"] is False and record["error"].endswith("ZeroDivisionError: division by zero")
    assert milliseconds(lambda: sum(range(1000)), "cpu") > 0


def test_failed_tests_are_listed_with_their_reason(tmp_path):
    cases = (
        '<testcase classname="a" name="good"/><testcase classname="a" name="bad"><failure message="m">E  differs</failure>'
        '</testcase><testcase classname="a" name="left"><skipped message="no card"/></testcase>'
    )
    (tmp_path / "tests.xml").write_text(f"<testsuites><testsuite>{cases}</testsuite></testsuites>")
    tests, bad, left = suite.of_report(tmp_path / "tests.xml")
    assert tests == {"name": "tests", "ok": False, "passed": 1, "failed": 1, "skipped": 1}
    assert bad == {"name": "a::bad", "ok": False, "error": "E  differs"}
    assert left == {"name": "skipped: no card", "tests": 1}


def test_only_failed_tests_run_again_and_the_others_count(tmp_path):
    known = [
        {"name": "tests", "ok": False, "passed": 31, "failed": 1, "skipped": 5},
        {"name": "tests.model.test_mixers::test_kernels[linear_attention]", "ok": False, "error": "E"},
        {"name": "skipped: no card", "tests": 5},
    ]
    assert suite.failed_before(known) == ["tests/model/test_mixers.py::test_kernels[linear_attention]"]
    assert suite.failed_before([{"name": "tests", "ok": False}]) == [] == suite.failed_before([])
    case = '<testcase classname="tests.model.test_mixers" name="test_kernels"><skipped message="no card"/></testcase>'
    (tmp_path / "tests.xml").write_text(f"<testsuites><testsuite>{case}</testsuite></testsuites>")
    tests, left = suite.of_report(tmp_path / "tests.xml", known)
    assert tests == {"name": "tests", "ok": True, "passed": 31, "failed": 0, "skipped": 6}
    assert left == {"name": "skipped: no card", "tests": 6}
