"""Train one trial from a specification file, alone or under torchrun."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from studylib.errors import StudyError
from studylib.spec import TrialSpec, validated

EXIT_BAD_INPUT, EXIT_DIVERGED, EXIT_OUT_OF_MEMORY = 2, 3, 75

EXAMPLES = """examples:
  python -m studylib.train spec.json --out runs/one
  torchrun --standalone --nproc_per_node 4 -m studylib.train spec.json --out runs/four
  python -m studylib.train spec.json --out runs/four --data-only

Exit status: 0 done, 2 bad input, 3 diverged, 75 out of memory. Run the same command again to resume.
"""


def read_spec(path: Path) -> TrialSpec:
    """Read and validate a TrialSpec from JSON.

    Raises
    ------
    StudyError
        The file is missing, is not JSON, or is not a valid specification.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise StudyError(f"{path}: there is no such file") from None
    except (OSError, ValueError) as error:
        raise StudyError(f"{path}: cannot be read as JSON: {error}") from None
    return validated(TrialSpec, content, file=path)


def _prepare(spec: TrialSpec, folder: Path) -> int:
    from studylib.data import prepare

    try:
        prepare(spec.data, folder)
    except StudyError as error:
        print(error, file=sys.stderr)
        return EXIT_BAD_INPUT
    print(json.dumps({"data": str(folder)}))
    return 0


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m studylib.train",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("spec", type=Path, metavar="SPEC.json", help="a TrialSpec as JSON")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the trial")
    parser.add_argument("--data-folder", type=Path, metavar="DIR", help="prepared token shards (default: OUT/data)")
    parser.add_argument(
        "--data-only", action="store_true", help="prepare tokenizer and token shards, for a run on GPUs later, and end"
    )
    asked = parser.parse_args(arguments)
    try:
        spec = read_spec(asked.spec)
    except StudyError as error:
        print(error, file=sys.stderr)
        return EXIT_BAD_INPUT

    if asked.data_only:
        return _prepare(spec, asked.data_folder or asked.out / "data")

    # torch loads only once the input is known to be good
    from studylib.train.failures import is_out_of_memory
    from studylib.train.trainer import Diverged, train

    try:
        result = train(spec, asked.out, data_folder=asked.data_folder)
    except StudyError as error:
        print(error, file=sys.stderr)
        return EXIT_BAD_INPUT
    except Diverged as error:
        print(f"diverged: {error}", file=sys.stderr)
        return EXIT_DIVERGED
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        print(f"out of memory: {error}", file=sys.stderr)
        return EXIT_OUT_OF_MEMORY
    if int(os.environ.get("RANK", "0")) > 0:
        return 0
    shown = {key: result[key] for key in ("hash", "val_loss", "val_bpb", "tokens", "params", "tokens_per_s")}
    print(json.dumps(shown))
    return 0


if __name__ == "__main__":
    sys.exit(main())
