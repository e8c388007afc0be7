"""A Slurm of one machine: ``sbatch``, ``srun``, ``sacct``, ``scancel`` and ``scontrol`` as far as the launcher and the script use them.

Jobs run at once. The nodes of a job are called ``node1``, ``node2`` ..., names that cannot be looked up; their addresses are
127.0.0.1, 127.0.0.2 ... Nothing happens because of time: a test tells a job that its limit is near, or that it is preempted. A file ``ending`` in a job's
folder means that it was cancelled and that its script is not killed yet.
State is files under ``$FAKE_SLURM``, a folder a job (``7`` or, an element of an array, ``7_0``). A requeue ends what runs and
starts the script anew, with ``SLURM_RESTART_COUNT``, as Slurm does.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

COMMANDS = ("sbatch", "srun", "sacct", "scancel", "scontrol")


class FakeSlurm:
    """Put the commands on a PATH, and do what Slurm would do by itself."""

    _numbers = itertools.count(100, 100)  # submitit remembers jobs by their numbers, as long as its process lives

    def __init__(self, folder: Path):
        self.state, self.bin, self.first = folder / "state", folder / "bin", str(next(self._numbers))
        self.state.mkdir(parents=True)
        (self.state / "first").write_text(self.first)
        self.bin.mkdir()
        for name in COMMANDS:
            command = self.bin / name
            command.write_text(f'#!/bin/sh\nexec {shlex.join([sys.executable, "-I", __file__, name])} "$@"\n')
            command.chmod(0o755)

    def environment(self) -> dict[str, str]:
        return {"FAKE_SLURM": str(self.state), "PATH": f"{self.bin}{os.pathsep}{os.environ['PATH']}"}

    def jobs(self) -> list[str]:
        return sorted(path.name for path in self.state.iterdir() if (path / "state").exists())

    def state_of(self, job: str) -> str:
        return (self.state / job / "state").read_text()

    def submitted(self) -> list[str]:
        """The scripts that sbatch was given, in order."""
        return [path.read_text() for path in sorted(self.state.glob("*.sh"), key=lambda path: int(path.stem))]

    def tell(self, job: str, signal: str = "") -> None:
        """Send the signal that was asked for with ``--signal``, or another one."""
        put(self.state / job / "tell", signal)

    def preempt(self, job: str) -> None:
        """Stop it at once, to be started again."""
        (self.state / job / "requeue").touch()

    def cancel(self, job: str) -> None:
        (self.state / job / "cancel").touch()

    def close(self) -> None:
        for job in self.jobs():
            self.cancel(job)
            with contextlib.suppress(OSError, ValueError):
                while True:  # the one who looks after the job ends when all of it is ended
                    os.kill(int((self.state / job / "pid").read_text()), 0)
                    time.sleep(0.02)


def options_of(script: str) -> dict[str, str]:
    """What ``#SBATCH`` lines say."""
    lines = [shlex.split(line.removeprefix("#SBATCH"))[0] for line in script.splitlines() if line.startswith("#SBATCH")]
    return {name.removeprefix("--"): value for name, _, value in (line.partition("=") for line in lines)}


def state_folder() -> Path:
    return Path(os.environ["FAKE_SLURM"])


def put(path: Path, text: str) -> None:
    fresh = path.with_suffix(".fresh")
    fresh.write_text(text)
    fresh.replace(path)


def sbatch(script: str) -> int:
    text, known = Path(script).read_text(), [int(path.stem) for path in state_folder().glob("*.sh")]
    number = max(known) + 1 if known else int((state_folder() / "first").read_text())
    (state_folder() / f"{number}.sh").write_text(text)
    array = options_of(text).get("array", "")
    elements = [f"{number}_{n}" for n in range(int(array.split("-")[1].split("%")[0]) + 1)] if array else [str(number)]
    for job in elements:
        (state_folder() / job).mkdir()
        put(state_folder() / job / "state", "PENDING")
        with open(state_folder() / job / "keeper.log", "wb") as log:
            keeper = subprocess.Popen(
                [sys.executable, "-I", __file__, "keep", job],
                start_new_session=True, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        put(state_folder() / job / "pid", str(keeper.pid))
    print(f"Submitted batch job {number}")
    return 0


def keep(job: str) -> int:
    """Look after one job from its start to its end."""
    folder, number = state_folder() / job, job.split("_")[0]
    script = state_folder() / f"{number}.sh"
    options = options_of(script.read_text())
    nodes, tasks = int(options.get("nodes", 1)), int(options.get("ntasks-per-node", 1))
    names = {"job_id": number if "_" not in job else str(int(number) * 1000 + int(job.split("_")[1]))}
    names |= {"job_num_nodes": nodes, "ntasks": nodes * tasks, "ntasks_per_node": tasks, "nnodes": nodes}
    names |= {
        "job_nodelist": f"node[1-{nodes}]" if nodes > 1 else "node1",
        "cpus_per_task": options.get("cpus-per-task", 1),
    }
    if "_" in job:
        names |= {"array_job_id": number, "array_task_id": job.split("_")[1]}
    environment = os.environ | {f"SLURM_{name.upper()}": str(value) for name, value in names.items()}
    said = options["output"].replace("%j", job).replace("%A_%a", job).replace("%x", options.get("job-name", ""))
    to_batch, _, rest = options.get("signal", "USR2").rpartition(":")
    starts = 0
    while True:
        environment["SLURM_RESTART_COUNT"] = str(starts)
        if not starts:
            del environment["SLURM_RESTART_COUNT"]
        with open(said, "ab") as output:
            batch = subprocess.Popen(
                ["bash", str(script)], env=environment, start_new_session=True, stdout=output, stderr=output
            )
        put(folder / "state", "RUNNING")
        while (status := batch.poll()) is None and not any((folder / name).exists() for name in ("cancel", "requeue")):
            if (folder / "tell").exists():
                number = getattr(signal, f"SIG{(folder / 'tell').read_text() or rest.split('@')[0]}")
                (folder / "tell").unlink()
                os.kill(batch.pid if to_batch else int((folder / "srun").read_text()), number)
            time.sleep(0.02)
        again = (folder / "requeue").exists() and not (folder / "cancel").exists()
        if status is None or again:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(batch.pid, signal.SIGKILL)
            batch.wait()
        if not again:
            put(folder / "state", "CANCELLED" if status is None else "FAILED" if status else "COMPLETED")
            return 0
        (folder / "requeue").unlink()
        starts += 1


def srun(*arguments: str) -> int:
    """Its tasks stay in the session of the script, so that ending that ends them."""
    given = list(arguments)
    options = {}
    while given and given[0].startswith("-"):
        name, separator, value = given.pop(0).partition("=")
        takes = name in ("--output", "--error") and not separator
        options[name.removeprefix("--")] = given.pop(0) if takes else value
    environment = dict(os.environ)
    job = "_".join(filter(None, [environment.get("SLURM_ARRAY_JOB_ID"), environment.get("SLURM_ARRAY_TASK_ID")]))
    job = job or environment["SLURM_JOB_ID"]
    each = int(environment["SLURM_NTASKS_PER_NODE"])
    tasks = []

    def stream(name: str, rank: int):
        if name not in options:
            return None
        path = options[name].replace("%j", job).replace("%A_%a", job).replace("%t", str(rank))
        return open(path, "ab")

    def hand_on(number: int, _: object) -> None:
        for task in tasks:
            with contextlib.suppress(ProcessLookupError):
                task.send_signal(number)

    signal.signal(signal.SIGUSR2, hand_on)
    for rank in range(int(environment["SLURM_NTASKS"])):
        place = {"PROCID": rank, "LOCALID": rank % each, "NODEID": rank // each, "LAUNCH_NODE_IPADDR": "127.0.0.1"}
        own = environment | {f"SLURM_{name}": str(value) for name, value in place.items()}
        own["SLURMD_NODENAME"] = f"node{rank // each + 1}"
        out, error = stream("output", rank), stream("error", rank)
        tasks.append(subprocess.Popen(given, env=own, stdin=subprocess.DEVNULL, stdout=out, stderr=error))
    put(state_folder() / job / "srun", str(os.getpid()))
    failed = 0
    while None in (ended := [task.poll() for task in tasks]):
        failed = failed or next(filter(None, ended), 0)
        if failed and options.get("kill-on-bad-exit") == "1":
            for task in tasks:
                task.kill()
        time.sleep(0.02)
    return abs(failed or next(filter(None, ended), 0))


def sacct(*arguments: str) -> int:
    print("JobID|State|NodeList")
    for path in sorted(state_folder().glob("*/state")):
        print(f"{path.parent.name}|{path.read_text()}|node1")
    return 0


def scancel(job: str) -> int:
    for folder in [state_folder() / job, *state_folder().glob(f"{job}_*")]:
        if folder.is_dir():
            (folder / "cancel").touch()
    return 0


def scontrol(what: str, *rest: str) -> int:
    if what == "requeue":
        (state_folder() / rest[0] / "requeue").touch()
    elif rest[0] == "hostnames":
        nodes = int(os.environ["SLURM_JOB_NUM_NODES"])
        print("\n".join(f"node{n + 1}" for n in range(nodes)))
    elif rest[0] == "node":
        print(
            f"NodeName={rest[1]} Arch=x86_64\n   NodeAddr=127.0.0.{rest[1].removeprefix('node')} NodeHostName={rest[1]}"
        )
    elif rest[0] == "job":
        state = "CANCELLED" if (state_folder() / rest[1] / "ending").exists() else "RUNNING"
        print(f"JobId={rest[1]} JobName=x\n   JobState={state} Reason=None")
    return 0


if __name__ == "__main__":
    sys.exit(globals()[sys.argv[1]](*sys.argv[2:]))
