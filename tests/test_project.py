"""The project as a whole: pins that agree, rooms that import downwards only, documents that tell the truth."""

from __future__ import annotations

import ast
import importlib
import re
import shlex
import subprocess
import sys
import tomllib
from importlib.metadata import distribution
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from studylib import registry
from studylib.data.guard import Guard
from studylib.data.guard.names import benchmark_in, mixed_collection
from studylib.errors import StudyError
from studylib.frozen import Frozen
from studylib.params import load_params
from studylib.spec import EvaluationSpec, ModelSpec, ObjectiveSpec, OptimizerSpec, ScheduleSpec
from studylib.spec.choosing import Choosing

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "studylib"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
BASE_LOCK, MORE_LOCKS = "requirements.lock", {"test": "requirements-test.lock", "bench": "requirements-bench.lock"}
DOCUMENTS = ("README.md", "README.ja.md", "CONTRIBUTING.md")


def pins(name: str) -> dict[str, str]:
    """Package to version in a lock, those it includes too; a line that is no plain pin fails the test."""
    found: dict[str, str] = {}
    for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
        if line.startswith("-r "):
            found |= pins(line.split()[1])
        elif line and not line.startswith("#"):
            assert re.fullmatch(r"[a-z0-9]+([-.][a-z0-9]+)*==[0-9][0-9a-z.]*", line), f"{name}: {line}"
            package, version = line.split("==")
            found[package] = version
    return found


# --- pins


def test_environment_for_conda_has_the_pins_of_the_lock():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    plain = [one for one in environment["dependencies"] if isinstance(one, str)]
    (pip,) = [one["pip"] for one in environment["dependencies"] if isinstance(one, dict)]
    assert dict(one.split("==") for one in pip if one != "-e .") == pins(BASE_LOCK)
    assert "-e ." in pip and "pip" in plain
    (python,) = [one.removeprefix("python=") for one in plain if one.startswith("python=")]
    assert SpecifierSet(PROJECT["requires-python"]).contains(f"{python}.0")


def test_every_range_of_the_project_is_pinned_inside_it():
    wanted = {BASE_LOCK: PROJECT["dependencies"]}
    wanted |= {lock: PROJECT["optional-dependencies"][extra] for extra, lock in MORE_LOCKS.items()}
    for lock, requirements in wanted.items():
        pinned = pins(lock)
        for requirement in map(Requirement, requirements):
            assert requirement.specifier.contains(pinned[canonicalize_name(requirement.name)]), f"{requirement}: {lock}"


def test_what_the_pinned_packages_need_is_pinned_too():
    for lock in (BASE_LOCK, *MORE_LOCKS.values()):
        pinned = pins(lock)
        for name in pinned if lock == BASE_LOCK else pinned.keys() - pins(BASE_LOCK).keys():
            for needed in map(Requirement, distribution(name).requires or ()):
                package = canonicalize_name(needed.name)
                applies = needed.marker is None or needed.marker.evaluate({"extra": ""})
                of_a_gpu_build = package.startswith(("nvidia-", "cuda-", "triton"))
                assert not applies or of_a_gpu_build or package in pinned, f"{name} needs {package}: {lock}"


def test_the_lock_serves_any_machine():
    pinned = pins("requirements-test.lock")
    assert pinned["torch"] == "2.13.0" and pinned["nanotron"] == "0.4"
    assert not [name for name in pinned if name.startswith(("nvidia-", "triton"))]
    assert "flash-attn" not in pinned and "flash-attn" in PROJECT["optional-dependencies"]


# --- rooms

# Downwards only: a room imports from rooms of a greater number, and from itself. Files outside the rooms are the base,
# and what several rooms stand on (parallel.py) belongs to it. `bench` compares with the outside and may import anything.
DEPTH = {"cli": 0, "batch": 1, "ideas": 2, "findings": 3, "published": 3, "report": 4, "recipe": 5, "analysis": 6, "ladders": 7,
         "search": 8, "trials": 9, "steps": 10, "train": 11, "model": 12, "data": 12, "params": 13, "result": 14,
         "spec": 15, "choices": 16}  # fmt: skip
BASE = 17


def room_of(module: str) -> str:
    part = [*module.split("."), ""][1]
    return "cli" if part.startswith("cli") else part if part in DEPTH or part == "bench" else "base"


def files(*folders: str) -> list[Path]:
    found = sorted(path for folder in folders for path in (PACKAGE / folder).rglob("*.py"))
    assert found, folders
    return found


def imported(path: Path) -> set[str]:
    """Modules that a file imports anywhere, also inside functions; not those that only annotations need."""
    found, tree = set(), ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def test_rooms_import_downwards_only():
    upward = []
    for path in files("."):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        room = room_of(module)
        if room == "bench":
            continue
        for name in imported(path):
            other = room_of(name)
            if not name.startswith("studylib.") or other == room:
                continue
            may = other != "bench" and DEPTH.get(room, BASE) < DEPTH.get(other, BASE)
            if not may and not (room == "cli" and other == "bench"):
                upward.append(f"{module} imports {name}")
    assert not upward


def test_no_lazy_name_is_hidden_by_a_module_of_that_name():
    for path in files("."):
        if path.name == "__init__.py" and "= lazy(" in path.read_text(encoding="utf-8"):
            offered = importlib.import_module(".".join(path.parent.relative_to(ROOT).parts)).__all__
            assert not {one.stem for one in path.parent.iterdir()} & set(offered), path


def test_no_idea_is_named_outside_its_own_files():
    named = re.compile(rf"""(==|!=|\bin\b|\bcase\b)\s*[("'\[]*({"|".join(registry.IDEAS)})["']""")
    found = [str(path) for path in files(".") if named.search(path.read_text(encoding="utf-8"))]
    assert not found, "a choice by an idea's name belongs into a registry"


# Where only training is done there may be none of these.
NOT_FOR_TRAINING = ("IPython", "datasets", "jupyter_client", "jupyter_core", "jupyterlab", "matplotlib", "nbconvert",
                    "nbformat", "papermill", "polars", "rich", "seaborn", "submitit", "typer")  # fmt: skip


def test_training_names_nothing_of_notebooks_and_pictures():
    for path in files("train", "model"):
        assert not {name.split(".")[0] for name in imported(path)} & set(NOT_FOR_TRAINING), path


def python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


# Making a tokenizer of all the text counts out of core; training reads the finished shards.
COUNTED_BEFORE_TRAINING = tuple(
    f"studylib.data.{name}" for name in ("counting", "extend", "measure", "seeds", "train_on_counts")
)


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def test_what_a_room_loads_lies_below_it_and_training_needs_nothing_of_notebooks_and_pictures():
    """From the base up, everything of a room is imported, and its registries' choices are looked up, whatever is lazy in them.

    What lies above must not be loaded by that; and up to training it must work where packages of notebooks and pictures are not
    installed. (Rooms beside each other are told apart by `test_rooms_import_downwards_only`.)
    """
    modules: dict[str, list[str]] = {}
    for path in files("."):
        name = module_of(path)
        if not name.endswith("__main__") and name not in COUNTED_BEFORE_TRAINING:
            modules.setdefault(room_of(name), []).append(name)
    rooms = ["base", *sorted(DEPTH, key=DEPTH.__getitem__, reverse=True)]
    assert modules.keys() == {*rooms, "bench"}
    found = python(f"""
import importlib, sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {NOT_FOR_TRAINING!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
missing, modules, rooms = Missing(), {modules!r}, {rooms!r}
room_of = {{name: room for room, names in modules.items() for name in names}}
sys.meta_path.insert(0, missing)
for place, room in enumerate(rooms):
    for name in modules[room]:
        importlib.import_module(name)
    from studylib import registry
    for one in vars(registry).values():
        if isinstance(one, registry.Registry) and room_of[one.package] == room:
            dict(one)
    above = rooms[place + 1:] + ["bench"]
    print(*(f"{{room}} loads {{name}}" for name in sorted(sys.modules) if room_of.get(name) in above))
    if room == "train":
        sys.meta_path.remove(missing)
""")
    assert found.split() == []


HEAVY = ("torch", "nanotron", "polars", "pandas", "matplotlib", "datasets", "papermill", "IPython", "transformers")


def test_a_trial_loads_no_room_above_it_and_planning_nothing_heavy():
    ideas = [f"studylib.ideas.{name}" for name in registry.IDEAS]
    modules = ["studylib", "studylib.spec", "studylib.params", *ideas, "studylib.trials.plan", "studylib.cli"]
    choices = {
        field: list(one) for field, one in (ModelSpec.registries | {
            "optimizer.name": registry.OPTIMIZERS, "schedule.name": registry.SCHEDULES, "objective.name": registry.OBJECTIVES,
        }).items()
    }  # fmt: skip
    needs = {"sliding_window": {"window": 8}, "dilated": {"window": 8, "dilation": 2},
             "strided": {"window": 8, "stride": 2}, "bigbird": {"window": 8, "random_blocks": 1}}  # fmt: skip
    found = python(f"""
import importlib, sys
from studylib.spec import TrialSpec
base = {{"num_layers": 2, "hidden_size": 64, "num_heads": 4, "vocab_size": 5000}}
trial = TrialSpec(model=base, train_steps=9, start_from="any")
for field, names in {choices!r}.items():
    for name in names:
        if name == "policy":
            trial.replace(objective={{"name": name, "reward_from": "any"}})
        elif "." in field:
            trial.replace(**{{field: name}})
        else:
            trial.replace(model=base | {needs!r}.get(name, {{}}) | {{field: name}})
above = {sorted(room for room in DEPTH if DEPTH[room] < DEPTH["spec"])!r}
print(*(f"a trial loads {{name}}" for name in sys.modules if name.startswith(tuple(f"studylib.{{room}}" for room in above))))
print(*(f"a trial loads {{heavy}}" for heavy in {HEAVY!r} if heavy in sys.modules))
for name in {modules!r}:
    importlib.import_module(name)
    print(*(f"{{name}} loads {{heavy}}" for heavy in {HEAVY!r} if heavy in sys.modules))
""")
    assert not found


def test_importing_the_library_takes_no_half_second():
    seconds = python("import time; began = time.perf_counter(); import studylib; print(time.perf_counter() - began)")
    assert float(seconds) < 0.5


# --- choices


REGISTRIES = {name: one for name, one in vars(registry).items() if isinstance(one, registry.Registry)}


@pytest.mark.parametrize("kind", REGISTRIES)
def test_every_choice_is_made_of_the_base_class_of_its_registry(kind):
    """Looking a choice up says so; here all are, and what they declare as options is frozen and refuses others."""
    one = REGISTRIES[kind]
    assert len(one) > 0
    for choice in one.values():
        options = getattr(choice, "Options", Frozen)
        assert options.model_config["frozen"]
        assert options.model_config["extra"] == "forbid" or issubclass(options, Choosing)  # which refuses them itself


def test_a_choice_of_another_kind_is_no_choice(monkeypatch):
    monkeypatch.setattr(registry.NORMS, "_loaded", {})
    monkeypatch.setattr("studylib.choices.norm.rmsnorm.RMSNorm", str)
    with pytest.raises(TypeError, match=r"norm.rmsnorm offers RMSNorm, which is no studylib.choices.norm.Norm"):
        registry.NORMS["rmsnorm"]


def test_options_are_no_fields_of_the_specification_that_names_the_choice():
    """They stand beside the choice's name, so neither field nor method may have the name of an option."""
    for spec in (ModelSpec, OptimizerSpec, ScheduleSpec, ObjectiveSpec, EvaluationSpec):
        for one in spec.registries.values():
            for name, choice in one.items():
                assert not [
                    key for key in choice.Options.model_fields if hasattr(spec, key) or key in spec.model_fields
                ], name


def test_no_parameter_file_trains_on_the_benchmark():
    assert benchmark_in("shunk031/JGLUE") and mixed_collection("izumi-lab/llm-japanese-dataset")
    with pytest.raises(StudyError):
        Guard().check_source("x", "hub", {"dataset": "shunk031/JGLUE"})
    for file in sorted(ROOT.glob("params/*/*.yaml")):
        for source in load_params(file).data.sources:
            Guard().check_source(source.label, source.kind, source.options)
            assert not mixed_collection(str(source.options.get("dataset", ""))), file


# --- documents


def code_lines(document: str) -> list[str]:
    """Lines of a document's shell blocks: comments dropped, continued lines joined."""
    text = (ROOT / document).read_text(encoding="utf-8")
    blocks = re.findall(r"^```(?:sh|bash|console)\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    return [stripped for line in lines if (stripped := " ".join(shlex.split(line, comments=True, posix=False)))]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_command_of_a_document_exists(document):
    import typer

    from studylib.cli import app

    study = typer.main.get_command(app)
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    text = (ROOT / document).read_text(encoding="utf-8")
    assert set(re.findall(r"`make ([a-z]+)", text)) <= targets
    assert set(re.findall(r"`study ([a-z]+)", text)) <= set(study.commands)
    lines = code_lines(document)
    assert len(lines) > 5
    for line in lines:
        words = shlex.split(line)
        program = Path(words[0]).name
        if program == "make":
            assert {word for word in words[1:] if "=" not in word} <= targets, line
        elif program == "study":
            study.commands[words[1]].make_context(words[1], words[2:]).close()  # parses the options; runs nothing
        elif "-m" in words and program != "pytest":
            assert find_spec(words[words.index("-m") + 1]) is not None, line
        elif program == "papermill":
            assert (ROOT / words[1]).exists() and (ROOT / words[words.index("-f") + 1]).exists(), line


@pytest.mark.parametrize("document", [*DOCUMENTS, "CHANGELOG.md", "LOG.md"])
def test_every_file_that_a_document_links_is_there(document):
    text = (ROOT / document).read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#\s]+)", text) + re.findall(r'(?:src|href)="([^"#]+)"', text)
    gone = [link for link in links if "://" not in link and not (ROOT / link).exists()]
    assert not gone


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_picture_of_a_document_is_described(document):
    text = (ROOT / document).read_text(encoding="utf-8")
    assert not re.findall(r"!\[\s*\]\(", text)
    for image in re.findall(r"<img[^>]*>", text):
        assert re.search(r'alt="[^"]{20,}"', image), image


@pytest.mark.parametrize("document", ["README.md", "README.ja.md"])
def test_every_python_example_of_a_readme_compiles_and_imports(document):
    text = (ROOT / document).read_text(encoding="utf-8")
    examples = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    assert examples
    for example in examples:
        tree = ast.parse(example)
        exec("\n".join(ast.unparse(node) for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)), {})


def test_both_readmes_tell_the_same_commands():
    english, japanese = (code_lines(name) for name in ("README.md", "README.ja.md"))
    assert english == japanese
    headings = [
        re.findall(r"^(#+) ", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE) for name in DOCUMENTS[:2]
    ]
    assert headings[0] == headings[1]


def test_data_in_the_readmes_is_valid(tmp_path):
    """Every YAML block of a README is part of a parameter file, which must pass the schema of an idea that has its keys, or texts by
    the names of sources."""
    from studylib.params import Texts, names_in, read_yaml
    from studylib.registry import IDEAS
    from studylib.spec import validated

    for document in ("README.md", "README.ja.md"):
        text = (ROOT / document).read_text(encoding="utf-8")
        blocks = re.findall(r"^```yaml\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
        assert blocks
        for block in blocks:
            given = yaml.safe_load(block)
            idea = next((one for one in IDEAS.values() if given.keys() <= one.params.model_fields.keys()), None)
            if idea is None:
                (tmp_path / "texts.yaml").write_text(block)
                files = (ROOT / "params" / "cpu").glob("*.yaml")
                Texts(tmp_path / "texts.yaml").check_names(
                    {name for file in files for name in names_in(read_yaml(file))}
                )
                continue
            base = read_yaml(ROOT / "params" / "smoke" / f"{idea.name}.yaml")
            params = validated(idea.params, base | given, file=document)
            for source in params.data.sources:
                registry.SOURCES[source.kind](source.label, source.options)


def test_log_and_changes_are_dated():
    dates = re.findall(r"^## (\S+)", (ROOT / "LOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert dates and all(re.fullmatch(r"\d{4}-\d\d-\d\d", one) for one in dates)
    assert all(newer >= older for newer, older in pairwise(dates)), "newest first"
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## [{PROJECT['version']}]" in changes
