"""The options of the Slurm launcher: what they mean for a trial, and what submitit is told."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from studylib.errors import StudyError, invalid
from studylib.trials.cache import Task
from studylib.trials.launcher import Setting
from studylib.trials.outcome import bounded
from studylib.trials.placement import Placement, place

_DAY_MINUTES = 24 * 60
_GPUS_PER_NODE = 8
_MAX_REQUEUES = 10
_SIGNAL_DELAY_S = 90  # submitit's own, on Slurm
# Those that are not handed on as they are: they say how trials are laid out and requeued, and submitit gets what follows.
_OWN = ("cluster", "nodes", "tasks_per_node", "gpus_per_node", "max_requeues")


@dataclass(frozen=True)
class Needs:
    """What the trials of one job array have in common."""

    placement: Placement
    gpus: bool


@dataclass(frozen=True)
class SlurmOptions:
    """``launcher_options``, checked.

    Parameters
    ----------
    nodes
        Of one trial; None: as many as its processes need.
    tasks_per_node
        Room for processes on a node; None: any number.
    gpus_per_node
        The same for processes on GPUs.
    timeout_min
        Minutes of one job.
    signal_delay_s
        How long before that limit the job is told.
    max_requeues
        How often a job may be started again.
    handed_on
        The others, for submitit.
    """

    cluster: str
    nodes: int | None
    tasks_per_node: int | None
    gpus_per_node: int
    timeout_min: int
    signal_delay_s: int
    max_requeues: int
    handed_on: Mapping[str, Any]

    @classmethod
    def of(cls, setting: Setting) -> SlurmOptions:
        """
        Raises
        ------
        StudyError
            A number is out of range. Unknown names are found by submitit, in `executor`.
        """
        options = setting.options
        cluster = options.get("cluster", "slurm")
        delay = _number(options, "slurm_signal_delay_s", _SIGNAL_DELAY_S, least=0)
        # What the trial may take, until a little after it has ended itself.
        whole = _DAY_MINUTES if setting.timeout is None else math.ceil((setting.timeout + delay) / 60)
        return cls(
            cluster=cluster,
            nodes=_number(options, "nodes", 1 if cluster == "local" else None),
            tasks_per_node=_number(options, "tasks_per_node", None),
            gpus_per_node=_number(options, "gpus_per_node", _GPUS_PER_NODE),
            timeout_min=_number(options, "timeout_min", whole),
            signal_delay_s=delay,
            max_requeues=_number(options, "max_requeues", _MAX_REQUEUES, least=0),
            handed_on={name: value for name, value in options.items() if name not in _OWN},
        )

    def needs(self, trial: Task) -> Needs:
        layout, gpus = trial.step.parallel, trial.step.compute.device == "cuda"
        room = [layout.world_size, self.tasks_per_node, self.gpus_per_node if gpus else None]
        try:
            return Needs(place(layout, min(one for one in room if one is not None), nodes=self.nodes), gpus)
        except StudyError as error:
            raise StudyError(f"launcher_options.{error}") from None

    def alike(self, trials: Sequence[Task]) -> list[tuple[Needs, list[Task]]]:
        """Trials that need the same share an array; the longest come first."""
        groups: dict[Needs, list[Task]] = {}
        for trial in sorted(trials, key=lambda trial: -trial.flops):
            groups.setdefault(self.needs(trial), []).append(trial)
        return list(groups.items())

    def executor(self, needs: Needs, setting: Setting, *, writes_only: Any = None) -> Any:
        """submitit's executor; with ``writes_only``, an executor of Slurm's that sends nothing, that one.

        Raises
        ------
        StudyError
            An option is not one of submitit's, or Slurm is not there.
        """
        import submitit

        place, more = needs.placement, self.handed_on
        parameters = more | {
            "name": more.get("name", "studylib"),
            "timeout_min": self.timeout_min,
            "nodes": place.nodes,
            "tasks_per_node": place.processes_per_node,
            # One process that fails would leave the others waiting for it.
            "slurm_srun_args": ["--kill-on-bad-exit=1", *self._cores(), *more.get("slurm_srun_args", ())],
            "slurm_additional_parameters": {"requeue": True} | more.get("slurm_additional_parameters", {}),
        }
        if needs.gpus:
            parameters["gpus_per_node"] = place.processes_per_node
        folder = setting.out / "slurm"
        try:
            if writes_only is not None:  # take the checks and names of the automatic executor, but send nothing
                executor = submitit.AutoExecutor(folder, cluster="debug")
                executor.cluster, executor._executor = "slurm", writes_only
            else:
                # How often is decided in `SlurmRank`, which also knows whether there is anything to go on from.
                executor = submitit.AutoExecutor(
                    folder, cluster=self.cluster, slurm_max_num_timeout=self.max_requeues, local_max_num_timeout=self.max_requeues
                )  # fmt: skip
            executor.update_parameters(**parameters)
        except (RuntimeError, ValueError, NameError, TypeError, AssertionError) as error:
            raise StudyError(f"launcher_options: {bounded(' '.join(str(error).split()), 400)}") from None
        return executor if writes_only is None else writes_only

    def _cores(self) -> list[str]:
        """From Slurm 22.05 on srun does not know by itself how many cores sbatch was asked for."""
        cores = self.handed_on.get("cpus_per_task")
        return [] if cores is None else [f"--cpus-per-task={cores}"]


def _number(options: Mapping[str, Any], name: str, default: int | None, *, least: int = 1) -> int | None:
    value = options.get(name, default)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < least):
        raise invalid(f"launcher_options.{name}", value, f"must be a whole number, at least {least}")
    return value
