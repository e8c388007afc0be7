"""The script that starts the recipe's run on several nodes of a Slurm cluster, and goes on with it until it is done."""

from __future__ import annotations

import shlex
from pathlib import Path

from studylib.errors import invalid
from studylib.spec import TrialSpec
from studylib.trials.placement import place

# What the script does is the same for every run; it stands in a file of its own, where tools for bash can read it.
_BODY = Path(__file__).with_suffix(".sh")


def sbatch_script(
    spec_file: Path | str, trial: TrialSpec, gpus_per_node: int, *, partition: str = "", account: str = "",
    hours: float = 24.0, cpus_per_gpu: int = 8, signal_minutes: float = 3.0, max_requeues: int = 100, out: str = "run",
    name: str = "studylib",
) -> str:  # fmt: skip
    """A bash script for ``sbatch`` that trains ``trial``, whose specification is ``spec_file``, into the folder ``out``.

    It names no machine: ``spec_file`` and ``out`` may be relative to the folder it is submitted from. The same script started
    again goes on from the last checkpoint. It has itself started again shortly before its time is up, when it is preempted, and
    when a process failed after at least one new checkpoint.

    Parameters
    ----------
    spec_file
        As the script is to name it; it must hold ``trial``.
    gpus_per_node
        Processes that a node has room for; the number of nodes follows (`place`).
    partition, account
        Left out, the script has a line for each, to be filled in where the cluster asks for it.
    hours
        Limit of one job; the run may take many of them.
    cpus_per_gpu
        Also the threads of each process.
    signal_minutes
        How long before the limit the job asks to be requeued.
    max_requeues
        After so many the job ends, and waits for a person.

    Raises
    ------
    StudyError
        The trial keeps no checkpoints to go on from, a number is out of range, or a text has more than one line.
    """
    if not trial.checkpoint_every:
        why = "leaves a run over several jobs nothing to go on from; give a number of steps"
        raise invalid("checkpoint_every", 0, why)
    for field, value in {"hours": hours, "signal_minutes": signal_minutes, "cpus_per_gpu": cpus_per_gpu}.items():
        if value <= 0:
            raise invalid(field, value, "must be more than 0")
    if max_requeues < 0:
        raise invalid("max_requeues", max_requeues, "must be at least 0")
    if signal_minutes >= hours * 60:
        raise invalid("signal_minutes", signal_minutes, f"leaves nothing of the {hours:g} hours")
    texts = {"spec_file": str(spec_file), "out": out, "name": name, "partition": partition, "account": account}
    for field, text in texts.items():
        if not text.isprintable():
            raise invalid(field, text, "must be one line of printable characters")
    placement = place(trial.parallel, gpus_per_node)
    layout, limit, signal = trial.parallel, round(hours * 3600), round(signal_minutes * 60)
    options = {
        "job-name": name,
        "nodes": placement.nodes,
        "ntasks-per-node": 1,
        "gpus-per-node": placement.processes_per_node if trial.compute.device != "cpu" else None,
        "cpus-per-task": cpus_per_gpu * placement.processes_per_node,
        "mem": 0,
        "time": _duration(limit),
        "signal": f"B:USR1@{signal}",
        "requeue": "",
        "open-mode": "append",
        "output": "%x-%j.log",
    }
    constants = {
        "spec": spec_file,
        "out": out,
        "processes_per_node": placement.processes_per_node,
        "cpus_per_process": cpus_per_gpu,
        "limit_s": limit,
        "signal_s": signal,
        "max_requeues": max_requeues,
    }
    over = f"{layout.world_size} processes: dp {layout.dp}, tp {layout.tp}, pp {layout.pp}"
    first = shlex.join(["python", "-m", "studylib.train", str(spec_file), "--out", out, "--data-only"])
    lines = [
        "#!/bin/bash",
        f"# Trains {spec_file} into the folder {out} ({over}; {placement.nodes} nodes).",
        "#",
        "# Submit it with sbatch from the folder that these names start from, which all nodes must see. Before, prepare the text once on",
        "# a machine without GPUs, or they wait for it:",
        f"#   {first}",
        "# Slurm starts it again before its time is up and when it is preempted; it goes on from the last checkpoint, also when you",
        "# submit it again. scancel ends it. What it says is in NAME-JOB.log, what each rank says under logs in the run's folder.",
        "#",
        "# Fill in what your cluster asks for; a line with ## is not in force.",
        *(_option(key, value or key.upper(), given=bool(value)) for key, value in (("account", account), ("partition", partition))),
        *(_option(key, value) for key, value in options.items() if value is not None),
        "",
        *(f"{key}={shlex.quote(str(value))}" for key, value in constants.items()),
        "",
    ]  # fmt: skip
    return "\n".join(lines) + "\n" + _BODY.read_text(encoding="utf-8")


def _option(key: str, value: object, *, given: bool = True) -> str:
    return f"{'#' if given else '##'}SBATCH --{key}" + (f"={shlex.quote(str(value))}" if value != "" else "")


def _duration(seconds: int) -> str:
    """As Slurm writes it: hours:minutes:seconds."""
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
