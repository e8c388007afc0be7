"""What follows the pre-training of a recipe: answers, what the tuned model thinks of the pairs, preferences.

    python -m studylib.recipe.tune [FOLDER] [--launcher slurm]

FOLDER (default: the current one) is the recipe's, where the pre-training has ended. What is finished is not done again.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from studylib.errors import StudyError, invalid
from studylib.registry import LAUNCHERS
from studylib.spec import Step, TrialSpec, likelihood_of

FILES = ("pretraining.json", "fine_tuning.json", "preferences.json")


def steps_of(pretraining: TrialSpec, tuned: TrialSpec, preferred: TrialSpec) -> list[Step]:
    """In their order.

    Raises
    ------
    StudyError
        One does not start from the one before.
    """
    if tuned.start_from != pretraining.hash:
        raise invalid("start_from", tuned.start_from, f"is not the pre-training {pretraining.hash}", file=FILES[1])
    reference = [likelihood_of(preferred, tuned)] if preferred.likelihoods else []
    if preferred.start_from != tuned.hash:
        raise invalid("start_from", preferred.start_from, f"is not the tuned model {tuned.hash}", file=FILES[2])
    return [tuned.keeping_its_end(), *reference, preferred]


def tune(folder: Path, launcher: str = "torchrun") -> None:
    """Carry them out.

    Raises
    ------
    StudyError
        The pre-training has not ended, or a file is not what it should be.
    """
    from studylib.train.__main__ import read_spec
    from studylib.trials.cache import Task
    from studylib.trials.run import run_steps

    pretraining, *others = (read_spec(folder / name) for name in FILES)
    steps = steps_of(pretraining, *others)
    trained = Task.under(folder, pretraining)
    if trained.result() is None:
        raise StudyError(f"{trained.folder}: the pre-training has not ended; 'sbatch train.sbatch' goes on with it")
    data = folder / "data"
    if not data.exists():  # its tokenizer, and shards that need not be made again
        data.symlink_to((trained.folder / "data").relative_to(folder), target_is_directory=True)
    run_steps(steps, folder, launcher=launcher, retry_failed=True)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m studylib.recipe.tune", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path, nargs="?", default=Path(), metavar="FOLDER")
    parser.add_argument("--launcher", choices=sorted(LAUNCHERS), default="torchrun")
    asked = parser.parse_args(arguments)
    try:
        tune(asked.folder, asked.launcher)
    except StudyError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
