"""Running cleaners (``studylib.data.clean``) over a text of any size.

A source is read once, through the gate, into numbered blocks; steps that look at documents one by one are applied in turn, and
the list is cut at those that must have seen all of the text first. What is left are shards, and a record: the funnel, each step
alone and in order, what labels say of it, examples. datatrove's executors run the tasks, one a block, on this machine, under
Slurm or on Ray, and mark those that are done, so that a run that was killed goes on where it was.
"""

from __future__ import annotations

from studylib.lazy import lazy

# Loaded on first use: planning needs neither pyarrow nor datatrove.
__all__, __getattr__, __dir__ = lazy(
    __name__,
    {
        "check": ["check_steps"],
        "files": ["CleanFiles", "clean_files"],
        "folder": ["CleanedFolder"],
        "pipeline": ["Cleaning"],
        "tasks": ["Execution"],
    },
)
