"""The cleaning pipeline: what is kept, what is counted, and that nothing depends on how the work was cut or interrupted."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from _cleaners import CLEANERS as LITTLE
from _cleaners import Listed

from studylib import registry
from studylib.data.cleaning import Cleaning, Execution
from studylib.data.cleaning.tasks import run_tasks
from studylib.data.digest import FileDigests
from studylib.data.document import Document
from studylib.errors import StudyError
from studylib.spec import CleanerSpec
from studylib.spec.record_cleaned import Amount

HEAD = {"status": "done", "hash": "x", "label": "x", "made_from": []}


@pytest.fixture(autouse=True)
def _little_cleaners(monkeypatch):
    monkeypatch.setattr(registry.CLEANERS, "_loaded", registry.CLEANERS._loaded | LITTLE)


def cleaning(home, source, *steps, **options):
    chosen = [CleanerSpec.model_validate({"cleaner": one} if isinstance(one, str) else one) for one in steps]
    if not hasattr(source, "documents"):
        source = Listed(source)
    return Cleaning("text", source, chosen, home, HEAD, **options)


def cleaned(home, source, *steps, **options):
    return cleaning(home, source, *steps, **options).run(FileDigests())


def texts(folder):
    return [one.text for one in folder.documents()]


def comparable(folder):
    """The record without what tells of the clock and of how the shards were cut."""
    found = folder.record.model_dump(mode="json")
    for step in found["steps"]:
        step.pop("seconds")
    return {name: value for name, value in found.items() if name not in ("files", "seal")}


TEXTS = [
    "短い",
    "これは広告のある文章です。",
    "メニュー\n静かな村の話をします。",
    "静かな村の話をします。その続き。",
    "メニュー",
    "普通の文章がここにあります。",
]


def test_the_funnel_is_what_a_person_counts(tmp_path):
    folder = cleaned(
        tmp_path,
        TEXTS,
        {"cleaner": "length", "min_characters": 4},
        "without",
        "cut",
        {"cleaner": "length", "min_characters": 5},
    )
    assert texts(folder) == ["\n静かな村の話をします。", TEXTS[3], TEXTS[5]]
    record = folder.record
    size = [len(text.encode()) for text in TEXTS]
    assert record.raw == Amount(documents=6, bytes=sum(size))
    length, without, cut, again = record.steps
    assert (length.given.documents, length.dropped) == (6, Amount(documents=1, bytes=6))
    assert length.reasons == {"too short": 1} and length.alone == length.dropped
    assert (without.given.documents, without.dropped, without.alone) == (
        5,
        Amount(documents=1, bytes=size[1]),
        without.dropped,
    )
    # It is given four, and takes the word out of two of them.
    assert (cut.given.documents, cut.dropped.documents, cut.removed_bytes) == (4, 0, 2 * 12)
    assert cut.counts == {"words": 2} and cut.alone_removed_bytes == 2 * 12
    # What is empty by now was long enough in the raw text: alone, only the shortest goes, which was gone before.
    assert again.dropped == Amount(documents=1, bytes=0) and again.alone == Amount(documents=2, bytes=6 + 12)
    assert record.kept == Amount(documents=3, bytes=size[2] - 12 + size[3] + size[5])


def test_steps_are_only_measured_alone_where_that_is_asked_for(tmp_path):
    steps = ("without", "cut", {"cleaner": "length", "min_characters": 5}, "once")
    both, in_order = cleaned(tmp_path / "a", TEXTS, *steps), cleaned(tmp_path / "b", TEXTS, *steps, alone=False)
    assert texts(both) == texts(in_order)
    for one, other in zip(both.record.steps, in_order.record.steps, strict=True):
        assert other.alone is None and one.alone is not None
        assert (one.given, one.dropped, one.counts, one.reasons) == (
            other.given,
            other.dropped,
            other.counts,
            other.reasons,
        )


def test_a_step_that_surveys_sees_what_is_left_and_alone_it_sees_all(tmp_path):
    # Two become equal when the word is cut out of one; two are equal from the beginning, and hold advertising.
    given = ["あいうえお", "メニューあいうえお", "広告の文章", "広告の文章", "一つだけの文章"]
    folder = cleaned(tmp_path, given, "without", "cut", "once")
    assert texts(folder) == ["あいうえお", "一つだけの文章"]
    once = folder.record.steps[2]
    assert once.given.documents == 3 and once.dropped.documents == 1 and once.alone.documents == 1
    assert folder.record.clusters == {2: 1}
    first = cleaned(tmp_path / "first", given, "once", "without")
    assert first.record.steps[0].dropped == first.record.steps[0].alone


def test_a_kept_document_that_stands_for_many_is_written_again(tmp_path):
    folder = cleaned(tmp_path, ["同じ文章"] * 3 + ["別の文章です"], {"cleaner": "once", "write": 2}, "without")
    assert texts(folder) == ["同じ文章", "同じ文章", "別の文章です"]
    once, without = folder.record.steps
    assert once.repeated == Amount(documents=1, bytes=12) and without.given.documents == 3


def many(count, seed=0):
    draw = random.Random(seed)
    words = ["広告", "メニュー", "村", "山", "川", "0120", "話", "静か", "人"]
    return ["".join(draw.choices(words, k=draw.randint(1, 9))) for _ in range(count)]


STEPS = (
    {"cleaner": "length", "min_characters": 3},
    "without",
    "cut",
    "once",
    "digits",
    {"cleaner": "length", "min_characters": 2},
    "once",
)


@pytest.fixture
def small_batches(monkeypatch):
    monkeypatch.setattr("studylib.data.text._BATCH_DOCUMENTS", 7)


def test_nothing_depends_on_how_the_text_is_cut_into_blocks(tmp_path, small_batches, monkeypatch):
    small = cleaned(tmp_path / "a", many(90), *STEPS, block_bytes=400)
    assert len(small.record.files) > 3
    monkeypatch.setattr("studylib.data.text._BATCH_DOCUMENTS", 1000)
    one = cleaned(tmp_path / "b", many(90), *STEPS)
    assert len(one.record.files) == 1
    assert texts(small) == texts(one) and comparable(small) == comparable(one)
    assert 10 < one.record.kept.documents < 80 and all(
        step.dropped.documents or step.counts for step in one.record.steps[:5]
    )


def test_the_same_documents_are_kept_in_any_order(tmp_path, small_batches):
    given = many(70)
    one = cleaned(tmp_path / "a", given, *STEPS, block_bytes=400)
    other = cleaned(tmp_path / "b", given[::-1], *STEPS, block_bytes=500)
    assert sorted(texts(one)) == sorted(texts(other))
    for here, there in zip(one.record.steps, other.record.steps, strict=True):
        assert (here.dropped, here.alone, here.reasons) == (there.dropped, there.alone, there.reasons)
        assert [shown.text for shown in here.examples] == [shown.text for shown in there.examples]


def write_lines(file, lines):
    file.write_text("".join(json.dumps({"text": one}, ensure_ascii=False) + "\n" for one in lines), encoding="utf-8")


def files_source(path):
    return registry.SOURCES["files"]("files", {"path": str(path)})


def test_files_are_read_side_by_side_and_workers_do_not_matter(tmp_path):
    (tmp_path / "in").mkdir()
    for number in range(3):
        write_lines(tmp_path / "in" / f"{number}.jsonl", many(50, number))
    steps = [{"cleaner": "length", "min_characters": 4}]
    one = cleaned(tmp_path / "a", files_source(tmp_path / "in"), *steps)
    two = cleaned(tmp_path / "b", files_source(tmp_path / "in"), *steps, execution=Execution(workers=2))
    assert len(one.record.files) == 3 and one.record.files == two.record.files and comparable(one) == comparable(two)


# Begins again and again, in processes forked from one that has imported all, and kills itself at the n-th file it writes.
KILLED = """
import os, random, signal, sys, traceback
sys.path[:0] = [{here!r}]
from _cleaners import CLEANERS as LITTLE
import studylib.data.text as text, studylib.files as files
from studylib import registry
registry.CLEANERS._loaded |= LITTLE
text._BATCH_DOCUMENTS = 7
replace = os.replace
def killing(*args):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    replace(*args)
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
os.replace = killing
from pathlib import Path
from test_cleaning import STEPS, cleaned, files_source
draw = random.Random(3)
for _ in range(60):
    left = draw.randint(20, 60)
    if (child := os.fork()) == 0:
        try:
            cleaned(Path(sys.argv[1]), files_source(sys.argv[2]), *STEPS, block_bytes=900)
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    print(end := os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
    if end != -signal.SIGKILL:
        break
"""


@pytest.mark.slow
def test_a_run_killed_at_any_moment_goes_on_and_ends_with_the_same_bytes(tmp_path, small_batches):
    write_lines(tmp_path / "in.jsonl", many(150))
    code = KILLED.format(here=str(Path(__file__).parent))
    command = [sys.executable, "-c", code, str(tmp_path / "killed"), str(tmp_path / "in.jsonl")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    *ends, last = map(int, done.stdout.split())
    assert last == 0 and set(ends) == {-signal.SIGKILL} and len(ends) >= 3, done.stderr
    cleaned(tmp_path / "whole", files_source(tmp_path / "in.jsonl"), *STEPS, block_bytes=900)
    shards = {one.name: one.read_bytes() for one in (tmp_path / "whole").glob("*.parquet")}
    assert len(shards) > 2
    assert {one.name: one.read_bytes() for one in (tmp_path / "killed").glob("*.parquet")} == shards
    killed, whole = (json.loads((tmp_path / name / "record.json").read_text()) for name in ("killed", "whole"))
    for record in (killed, whole):
        for step in record["steps"]:
            step.pop("seconds")
    assert killed == whole


def test_what_was_finished_is_not_done_again(tmp_path, small_batches, monkeypatch):
    judged = []

    class Counting(LITTLE["without"]):
        def judge(self, batch, conclusion=None):
            judged.append(len(batch))
            if len(judged) == 5:
                raise KeyboardInterrupt
            return super().judge(batch, conclusion)

    monkeypatch.setitem(registry.CLEANERS._loaded, "without", Counting)
    given = many(70)
    with pytest.raises(KeyboardInterrupt):
        cleaned(tmp_path, given, "without", block_bytes=1)
    cleaned(tmp_path, given, "without", block_bytes=1)
    assert len(judged) == 10 + 1  # the fifth of ten blocks was begun twice
    cleaned(tmp_path, given, "without", block_bytes=1)
    assert len(judged) == 10 + 1


def test_other_steps_or_other_text_begin_anew(tmp_path):
    one = cleaned(tmp_path, TEXTS, "without")
    (tmp_path / "00007.parquet").write_bytes(b"of an earlier run")
    other = cleaned(tmp_path, TEXTS, {"cleaner": "without", "word": "村"})
    assert texts(other) == [TEXTS[0], TEXTS[1], TEXTS[4], TEXTS[5]] and one.record.kept.documents == 5
    assert not (tmp_path / "00007.parquet").exists()


def test_what_the_files_of_steps_say_is_part_of_what_was_done(tmp_path):
    home, hosts, words, good = (tmp_path / name for name in ("home", "hosts.txt", "words.txt", "good.txt"))
    hosts.write_text("bad.example\n", "utf-8")
    words.write_text("花火\n", "utf-8")
    good.write_text("静かな村の話をします。その続きを書きます。\n" * 4, "utf-8")
    steps = (
        {"cleaner": "url", "hosts": str(hosts)},
        {"cleaner": "words", "lists": {str(words): 0.1, "seo": 0.12}, "min_different": 1},
        {"cleaner": "quality", "good": {"kind": "files", "options": {"path": str(good)}}, "keep": 1},
    )
    documents = [*TEXTS, "花火、花火、花火を買うなら花火の店で。"]
    folder = cleaned(home, documents, *steps)
    assert texts(folder) == TEXTS
    assert sorted(folder.record.inputs) == sorted(map(str, (hosts, words, good)))
    assert not cleaning(home, documents, *steps).is_other(FileDigests())
    for file, line in ((hosts, "worse.example"), (good, "町の話もします。"), (words, "風鈴")):
        file.write_text(line + "\n", "utf-8")
        assert cleaning(home, documents, *steps).is_other(FileDigests())
        folder = cleaned(home, documents, *steps)
    assert texts(folder) == documents


def test_a_list_that_changes_while_it_is_read_is_told(tmp_path, monkeypatch):
    (tmp_path / "words.txt").write_text("花火\n", "utf-8")
    steps = {"cleaner": "words", "lists": {str(tmp_path / "words.txt"): 0.1}}
    unchanged = Cleaning._taken

    def edited(self, work):
        (tmp_path / "words.txt").write_text("風鈴\n", "utf-8")
        return unchanged(self, work)

    monkeypatch.setattr(Cleaning, "_taken", edited)
    with pytest.raises(StudyError, match="changed while it was read"):
        cleaned(tmp_path / "home", TEXTS, steps)


def test_damaged_shards_are_made_again(tmp_path):
    folder = cleaned(tmp_path, TEXTS, "without")
    before = texts(folder)
    (tmp_path / "00000.parquet").write_bytes(b"damaged")
    said = []
    again = cleaned(tmp_path, TEXTS, "without", say=said.append)
    assert texts(again) == before and any("00000.parquet" in line for line in said)


@pytest.mark.parametrize(
    ("steps", "says"),
    [
        (
            ["without", {"cleaner": "length", "min_characters": 500}],
            "step length dropped all 5 documents that it was given (too short)",
        ),
        ([{"cleaner": "length", "min_characters": 500}, "once"], "step length dropped all 6 documents"),
    ],
)
def test_no_text_left_says_which_step_took_it(tmp_path, steps, says):
    with pytest.raises(StudyError, match="'text' has no text left after its cleaning") as error:
        cleaned(tmp_path, TEXTS, *steps)
    assert says in str(error.value) and "\n" not in str(error.value)
    assert not (tmp_path / "record.json").exists()


def test_a_source_without_text(tmp_path):
    with pytest.raises(StudyError, match="'text' has no text"):
        cleaned(tmp_path, [], "without")


def test_the_gate_sees_rows_before_they_are_cleaned(tmp_path):
    row = {"sentence_pair_id": "0", "yjcaptions_id": "1", "sentence1": "a", "sentence2": "b", "label": "x"}
    with pytest.raises(StudyError, match="JGLUE must never be training data"):
        cleaned(tmp_path, [Document("文章です。", record=row)], "without")
    listed = [Document(text, origin=f"row {number}") for number, text in enumerate(TEXTS)]
    row_of_a_set = Document("これは推論の問題の文章です。", record={"id": "jnli-0", "output": "x"})
    folder = cleaned(tmp_path / "dropped", [*listed, row_of_a_set], "without")
    assert folder.record.guard["dropped"]["benchmark_id"] == 1 and folder.record.raw.documents == 6
    with pytest.raises(StudyError, match="has no text to clean: 1 documents were dropped as evaluation data"):
        cleaned(tmp_path / "nothing else", [row_of_a_set], "without")


def test_a_table_of_the_benchmark_is_known_behind_a_kill(tmp_path, small_batches, monkeypatch):
    lines = [Document("sentence1,sentence2,label,sentence_pair_id", piece_of="a.csv")]
    lines += [Document(f"文{number},別の文,x,{number}", piece_of="a.csv") for number in range(30)]
    source = Listed(lines)
    source._documents = lines
    from studylib.data.cleaning import take_in

    write, calls = take_in.write_json, []

    def dying(*args):
        write(*args)
        calls.append(args)
        if len(calls) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(take_in, "write_json", dying)
    with pytest.raises(KeyboardInterrupt):
        cleaned(tmp_path, source, "without", block_bytes=1)
    with pytest.raises(StudyError, match="has no text"):
        cleaned(tmp_path, source, "without", block_bytes=1)


def test_examples_of_dropped_text_spread_no_personal_data(tmp_path):
    at_the_cut = "広告" + "あ" * 231 + "、090-1234-5678まで"  # the number lies across the 240th character
    folder = cleaned(tmp_path, ["広告 電話は03-1234-5678です", at_the_cut, "静かな町の話です。"], "without")
    shown = "".join(one.text for one in folder.record.steps[0].examples)
    assert "〘電話番号〙" in shown and "1234" not in shown and "090" not in shown


def test_examples_are_bounded_and_show_no_masked_data(tmp_path):
    long = [f"広告{number}" + "長い文章" * 100 for number in range(50)]
    folder = cleaned(tmp_path, [*long, "電話は0120です。どうぞ。"], "without", "digits")
    without, digits = folder.record.steps
    assert 0 < len(without.examples) <= 6 and max(len(one.text) for one in without.examples) == 240
    assert all(one.dropped and one.reason == "holds 広告" for one in without.examples)
    (shown,) = digits.examples
    assert not shown.dropped and shown.reason == "phone" and "0120" not in shown.text and "〘電話番号〙" in shown.text


# --- tasks


def fine(task):
    return None


def killed(task):
    if task == 2:
        os.kill(os.getpid(), signal.SIGKILL)


def refused(task):
    if task == 1:
        raise StudyError("row 7: is bad")


@pytest.mark.parametrize(
    ("work", "says"), [(killed, "a worker was killed"), (refused, "row 7: is bad")], ids=["killed", "refused"]
)
def test_a_task_that_fails_is_told_and_the_others_stay_done(tmp_path, work, says):
    with pytest.raises(StudyError, match=says):
        run_tasks("work", work, 4, tmp_path, Execution(workers=2))
    done = {int(one.name) for one in (tmp_path / "completions").iterdir()}
    assert done and done < {0, 1, 2, 3}
    run_tasks("work", fine, 4, tmp_path, Execution(workers=2))
    assert len(list((tmp_path / "completions").iterdir())) == 4


@pytest.mark.parametrize(
    ("execution", "says"),
    [
        (Execution(executor="slrum"), "executor: 'slrum' is not known; choose from local, slurm, ray"),
        (Execution(workers=0), "workers: 0 must be at least 1"),
        (Execution(options={"partiton": "x"}), "executor option partiton: 'x' is not one of local"),
        (Execution(executor="slurm", options={"time": "1:00:00"}), "executor option partition: None is missing"),
        (Execution(executor="ray"), "needs the package ray"),
    ],
)
def test_how_tasks_are_run_is_checked_first(tmp_path, execution, says):
    with pytest.raises(StudyError, match=says):
        cleaning(tmp_path, TEXTS, "without", execution=execution).check()


SBATCH = """#!/bin/sh
# Runs the tasks of the array one after another, as Slurm would side by side.
for last; do :; done
script=$(mktemp); [ -f "$last" ] && cp "$last" "$script" || cat > "$script"
tasks=$(sed -n 's/^#SBATCH --array=0-\\([0-9]*\\).*/\\1/p' "$script")
for task in $(seq 0 ${tasks:-0}); do
    SLURM_ARRAY_TASK_ID=$task SLURM_JOB_ID=7 SLURM_NODELIST=localhost RUN_OFFSET=0 sh "$script" >> "$(dirname "$0")/log" 2>&1
done
echo "Submitted batch job 7"
"""


def test_slurm_runs_the_same_tasks(tmp_path, monkeypatch, small_batches):
    programs = {"sbatch": SBATCH, "squeue": "#!/bin/sh\n", "scontrol": "#!/bin/sh\necho localhost\n"}
    programs["srun"] = '#!/bin/sh\nwhile [ "${1#-}" != "$1" ]; do [ "$1" = -n ] && shift; shift; done\nexec "$@"\n'
    (tmp_path / "bin").mkdir()
    for name, code in programs.items():
        (tmp_path / "bin" / name).write_text(code)
        (tmp_path / "bin" / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    write_lines(tmp_path / "in.jsonl", many(20))
    slurm = Execution(executor="slurm", options={"time": "1:00:00", "partition": "cpu"})
    steps = [{"cleaner": "length", "min_characters": 4}]
    here = cleaned(tmp_path / "here", files_source(tmp_path / "in.jsonl"), *steps, block_bytes=500)
    there = cleaned(tmp_path / "there", files_source(tmp_path / "in.jsonl"), *steps, block_bytes=500, execution=slurm)
    assert texts(there) == texts(here)
    (tmp_path / "bin" / "sbatch").write_text('#!/bin/sh\necho "Submitted batch job 8"\n')
    with pytest.raises(StudyError, match=r"text: reading: 1 of 1 tasks failed; there is no log"):
        cleaned(tmp_path / "lost", files_source(tmp_path / "in.jsonl"), *steps, execution=slurm)
