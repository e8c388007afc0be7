"""Which steps may be carried out now: all whose inputs are there. Nothing waits for anything else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from studylib.errors import StudyError
from studylib.spec import Step
from studylib.trials.cache import Task
from studylib.trials.outcome import Outcome


@dataclass(frozen=True)
class Round:
    """Steps that depend on what came of others: another round of a search, the best of each factor together.

    Attributes
    ----------
    name
        What it is, for plans.
    after
        Names of the steps whose outcomes it needs, good or bad; asked for once all have ended.
    expected
        How many steps it will add, as far as that is known beforehand.
    then
        Reads outcomes (from files) and returns the steps, and further rounds.
    """

    name: str
    after: tuple[str, ...]
    expected: int
    then: Callable[[], tuple[Sequence[Step], Sequence[Round]]]


class Queue:
    """Tasks in the order of their inputs, those first on which most depends; grows by rounds.

    Parameters
    ----------
    tasks
        What is to be carried out; what they read and is not among them is taken for done.
    rounds
        Asked once none of their steps is left.
    add
        Turns the steps of a round into the tasks that are to do.
    say
        Told of a round that cannot be made.

    Raises
    ------
    StudyError
        Steps read each other in a circle.
    """

    def __init__(
        self, tasks: Iterable[Task], *, rounds: Sequence[Round] = (),
        add: Callable[[Sequence[Step]], Sequence[Task]] = lambda steps: [],
        say: Callable[[str], None] = lambda line: None,
    ):  # fmt: skip
        self._left = {task.name: task for task in tasks}
        self._rounds = list(rounds)
        self._add, self._say = add, say
        self._out: set[str] = set()  # handed out and not yet ended
        self._ready: dict[str, Task] = {}
        self._weight: dict[str, float] = {}
        self._weigh()
        self._expand()
        self._sort()

    def __bool__(self) -> bool:
        """Whether anything is left."""
        return bool(self._left)

    @property
    def left(self) -> list[Task]:
        return list(self._left.values())

    def take(self, fits: Callable[[Task], bool] = lambda task: True) -> Task | None:
        """The task that most hangs on of those that can be carried out now and fit; None if there is none at present."""
        fitting = (task for task in self._ready.values() if fits(task))
        found = max(fitting, key=lambda task: self._weight[task.name], default=None)
        if found is not None:
            del self._ready[found.name]
            self._out.add(found.name)
        return found

    def give_back(self, task: Task) -> None:
        """It could not be begun: to be asked for again."""
        self._out.discard(task.name)
        self._ready[task.name] = task

    def end(self, task: Task, outcome: Outcome) -> list[tuple[Task, Outcome]]:
        """The task has ended. Returns those that can never be carried out now, each with its reason."""
        self._drop(task.name)
        lost = self.lose(task.name, outcome) if outcome.failed else []
        self._expand()
        self._sort()
        return lost

    def lose(self, name: str, outcome: Outcome) -> list[tuple[Task, Outcome]]:
        """Drop all that reads the failed step, directly or not; returned with the reason."""
        said = outcome.message.splitlines()[-1] if outcome.message else "no message"
        why = Outcome("crashed", f"{name}, which this one goes on from, ended as {outcome.status}: {said}")
        lost: list[tuple[Task, Outcome]] = []
        gone = {name}
        while readers := [task for task in self._left.values() if not gone.isdisjoint(task.step.reads)]:
            for task in readers:
                self._drop(task.name)
            gone |= {task.name for task in readers}
            lost += [(task, why) for task in readers]
        return lost

    def _drop(self, name: str) -> None:
        self._out.discard(name)
        self._left.pop(name, None)
        self._ready.pop(name, None)

    def _expand(self) -> None:
        while due := next((one for one in self._rounds if self._left.keys().isdisjoint(one.after)), None):
            self._rounds.remove(due)
            try:
                steps, rounds = due.then()
            except StudyError as error:  # too much has failed: whoever reads the outcomes will say so, the others go on
                self._say(f"{due.name}: {error}")
                continue
            self._rounds += rounds
            for task in self._add(steps):
                self._join(task)
            self._weigh()

    def _join(self, task: Task) -> None:
        """Add a task of a round; of one that is waiting already, the checkpoints that either is to keep are kept."""
        known = self._left.get(task.name)
        if known is not None:
            task = known.keeping(task.step)
            if task.name in self._ready:
                self._ready[task.name] = task
        self._left[task.name] = task

    def _sort(self) -> None:
        ready = (name for name, reads in self._reads().items() if not reads and name not in self._out)
        self._ready |= {name: self._left[name] for name in ready}

    def _weigh(self) -> None:
        """By name, the FLOPs of the longest chain of steps that begins with it: started first, it ends the run soonest."""
        try:
            order = list(TopologicalSorter(self._reads()).static_order())
        except CycleError as error:
            raise StudyError(f"steps read each other in a circle: {' <- '.join(error.args[1])}") from None
        behind = dict.fromkeys(order, 0.0)
        for name in reversed(order):
            task = self._left[name]
            self._weight[name] = task.flops + behind[name]
            for read in task.step.reads:
                if read in behind:
                    behind[read] = max(behind[read], self._weight[name])

    def _reads(self) -> dict[str, list[str]]:
        return {name: [read for read in task.step.reads if read in self._left] for name, task in self._left.items()}
