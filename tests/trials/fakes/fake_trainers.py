"""Trainers without torch that end in every way a real one can. What to do is in the specification's tag ``do``."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from studylib.files import write_text


class Diverged(Exception):
    pass


def result_of(spec):
    return {
        "schema": 1, "hash": spec.hash, "status": "done", "val_loss": 2.0 + spec.seed, "val_bpb": 1.0 + spec.seed,
        "val": {"miniworld": {"loss": 2.0, "bpb": 1.0 + spec.seed}}, "train_loss": 2.1, "steps": spec.train_steps,
        "tokens": spec.train_tokens, "params": 10, "non_embedding_params": 5, "flops": 1e9, "seconds": 0.1,
        "tokens_per_s": 1e4, "peak_memory_bytes": 1000,
    }  # fmt: skip


def train(spec, out, *, data_folder=None, on_metrics=None):
    out = Path(out)
    with open(out / "runs", "a") as stream:  # how often, and by which process, this trial was really run
        stream.write(f"{os.getpid()}\n")
    write_text(out / "spec.json", spec.model_dump_json())  # whole at once: the next rank may just be reading it
    print(f"hello from seed {spec.seed}", flush=True)
    if on_metrics:
        on_metrics({"step": 1, "tokens": 1, "loss": 3.0, "val_loss": float("nan"), "val": {"x": {"bpb": 1.0}}})
    ACTIONS[str(spec.tags.get("do", "finish"))](spec, out)
    return result_of(spec)


def finish(spec, out):
    time.sleep(float(spec.tags.get("sleep", 0)))


def meet(spec, out):
    """Goes on once another process is at a trial of this folder too, or has been."""
    met = out.parents[1] / "met"
    met.mkdir(exist_ok=True)
    (met / str(os.getpid())).touch()
    while len(list(met.iterdir())) < 2:
        time.sleep(0.01)


def crash(spec, out):
    raise RuntimeError("the tensor has the wrong shape")


def die(spec, out):
    print("last words", flush=True)
    os._exit(7)


def kill(spec, out):
    os.kill(os.getpid(), signal.SIGKILL)


def segfault(spec, out):
    os.kill(os.getpid(), signal.SIGSEGV)


def memory(spec, out):
    raise MemoryError("no more")


def diverge(spec, out):
    raise Diverged("loss is nan at step 3")


def leave(spec, out):
    sys.exit(4)


def hang(spec, out):
    family(spec, out)
    time.sleep(600)


def family(spec, out):
    """Leaves a child in a session of its own, the hardest kind to find again."""
    child = subprocess.Popen(["sleep", "600"], start_new_session=True)
    (out / "child").write_text(str(child.pid))


def chatter(spec, out):
    line = "x" * 999 + "\n"
    for _ in range(3000):
        sys.stdout.write(line)
    print("the very end", flush=True)
    os._exit(1)


def reads_input(spec, out):
    assert sys.stdin.read() == "" or True
    with contextlib.suppress(EOFError):
        input()


def flaky(spec, out):
    """Fails the first time only."""
    if len((out / "runs").read_text().split()) == 1:
        raise RuntimeError("bad luck")


def writes_rubbish(spec, out):
    (out / "result.json").write_text('{"status": "do')


def ranks(spec, out):
    rank = os.environ["RANK"]
    (out / f"rank{rank}").write_text(json.dumps([os.environ["WORLD_SIZE"], os.environ.get("OMP_NUM_THREADS")]))


def goes_on(spec, out):
    """Keeps a checkpoint each time it is started, and ends the last time; before, it waits to be stopped."""
    started = out / f"started{os.environ.get('RANK', '0')}"
    with open(started, "a") as stream:
        stream.write(os.environ.get("SLURM_RESTART_COUNT", "0") + "\n")
    starts = len(started.read_text().split())
    (out / "checkpoints" / f"step-{starts:08}").mkdir(parents=True, exist_ok=True)
    while starts < spec.tags["starts"]:
        time.sleep(0.01)


def told(spec, out):
    """Slurm says that its job will be stopped."""
    if spec.tags.get("keeps"):
        (out / "checkpoints" / "step-00000001").mkdir(parents=True)
    signal.raise_signal(signal.SIGUSR2)


def overdue(spec, out):
    """Its time is up, whatever the clock says."""
    next(thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)).function()


def second_rank_out_of_memory(spec, out):
    if os.environ["RANK"] == "1":
        raise MemoryError("rank 1 has no more")
    time.sleep(30)


def second_node_out_of_memory(spec, out):
    """The other node's rank would wait for as long as it takes."""
    if os.environ["GROUP_RANK"] == "1":
        raise MemoryError(f"rank {os.environ['RANK']} on {os.environ['SLURMD_NODENAME']} has no more")
    while True:
        time.sleep(1)


def second_rank_killed(spec, out):
    if os.environ["RANK"] == "1":
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(30)


def threads(spec, out):
    (out / "threads").write_text(os.environ["OMP_NUM_THREADS"])


ACTIONS = {
    name: value for name, value in globals().items() if callable(value) and name not in ("train", "result_of", "Path")
}
