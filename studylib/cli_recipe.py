"""``study recipe``: the recipe of the model that is to be built, made anew for a size, a cluster, a price."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from studylib.errors import StudyError, invalid

if TYPE_CHECKING:
    from studylib.recipe import Recipe

_SHOWN = 12  # open lines in the table


def recipe(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Study folder, such as reports/quick.")],
    target_params: Annotated[float | None, typer.Option("--target-params", metavar="N", help="All parameters. Default: 1e10.")] = None,
    tokens: Annotated[float | None, typer.Option("--tokens", metavar="N", help="Of the run. Default: 2e11.")] = None,
    gpus: Annotated[int | None, typer.Option("--gpus", metavar="N", help="Default: 128.")] = None,
    gpu: Annotated[str | None, typer.Option("--gpu", metavar="CARD", help="Default: h100-sxm.")] = None,
    gpus_per_node: Annotated[int | None, typer.Option("--gpus-per-node", metavar="N", help="Default: 8.")] = None,
    tp: Annotated[int | None, typer.Option("--tp", metavar="N", help="Tensor parallelism; searched if left out.")] = None,
    pp: Annotated[int | None, typer.Option("--pp", metavar="N", help="Pipeline stages; searched if left out.")] = None,
    dp: Annotated[int | None, typer.Option("--dp", metavar="N", help="Replicas; searched if left out.")] = None,
    seq_len: Annotated[int | None, typer.Option("--seq-len", metavar="N", help="Context. Default: 4096.")] = None,
    batch_tokens: Annotated[int | None, typer.Option("--batch-tokens", metavar="N", help="Of a step. Default: 4194304.")] = None,
    vocab_size: Annotated[int | None, typer.Option("--vocab-size", metavar="N", help="Default: as settings or published findings say.")] = None,
    utilisation: Annotated[float | None, typer.Option("--utilisation", metavar="SHARE", help="Measured share of the card's peak.")] = None,
    price_per_gpu_hour: Annotated[float | None, typer.Option("--price-per-gpu-hour", metavar="PRICE", help="For the cost.")] = None,
    currency: Annotated[str | None, typer.Option("--currency", metavar="NAME", help="Of the price, such as USD.")] = None,
    budget_gpu_hours: Annotated[float | None, typer.Option("--budget-gpu-hours", metavar="N", help="For the next runs.")] = None,
    nanotron_head: Annotated[
        Path | None, typer.Option("--nanotron-head", metavar="PATH", help="A checkout of nanotron's repository, to read its YAML.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:  # fmt: skip
    """Write the recipe of the model that is to be built, from a study's results and published findings; print its outline.

    The files are in `DIR/decision/recipe`: the trial, its sbatch script, nanotron's configurations, the fine-tuning, every rank's
    memory. Trains nothing. Ideas without a result are named, and published values stand in their place.

    Examples:

    - `study recipe reports/quick`
    - `study recipe reports/gpu --target-params 7e9 --tokens 5e11 --gpus 64 --gpu a100-sxm --price-per-gpu-hour 2.5 --currency USD`
    - `study recipe reports/gpu --tp 8 --pp 4 --dp 4 --budget-gpu-hours 500 --json`
    """
    from studylib.frozen import validated
    from studylib.recipe.cards import card_named
    from studylib.recipe.options import RecipeOptions

    given = {
        name: value for name, value in locals().items() if name in RecipeOptions.model_fields and value is not None
    }
    options = validated(RecipeOptions, given)
    card_named(options.gpu)
    if not folder.is_dir():
        raise StudyError(f"{folder}: there is no such study folder; 'study run' makes one")
    if nanotron_head is not None and not nanotron_head.is_dir():
        raise invalid("--nanotron-head", str(nanotron_head), "is no folder")
    from studylib.recipe import make_recipe, write_recipe

    made = make_recipe(folder, options)
    path = write_recipe(made, folder, nanotron_head=nanotron_head)
    if as_json:
        typer.echo(json.dumps(made.model_dump(mode="json"), ensure_ascii=False, indent=1))
    else:
        _print(made)
        typer.echo(str(path))


def _print(made: Recipe) -> None:
    from studylib.cli_tables import print_table
    from studylib.numbers import percent, short
    from studylib.recipe.lines import shown

    model, run = made.trial.model, made.outlook.run
    rows: list[list[Any]] = [
        [
            "model",
            f"{model.num_layers} layers x {model.hidden_size}, {model.num_heads} heads, {short(made.params)} parameters",
        ],
        ["run", f"{short(run.tokens)} tokens, {run.steps:,} steps, rate {made.trial.optimizer.learning_rate:g}"],
        ["layout", f"{made.layout}; {made.ranks.heaviest_bytes / 2**30:.1f} GiB on the heaviest rank"],
        [
            "GPU-hours",
            f"{short(run.gpu_hours[1])} ({short(run.gpu_hours[0])} to {short(run.gpu_hours[2])}), {run.days[1]:.1f} days",
        ],
    ]
    if run.cost is not None:
        rows.append(["cost", f"{short(run.cost[1])} {made.options.currency}".strip()])
    if run.loss_bpb is not None:
        low, middle, high = run.loss_bpb
        rows.append(["loss, bits per byte", f"{middle:.4f} ({low:.4f} to {high:.4f})"])
    rows.append(["law", made.outlook.law.en])
    rows.append(["lines", f"{len(made.decided)} decided, {len(made.open)} open, of {len(made.lines)}"])
    rows += [["missing", ", ".join(made.missing)]] * bool(made.missing)
    rows += [["unreadable", f"{name}: {why}"] for name, why in made.failed.items()]
    print_table(("recipe", ""), rows)
    choices = {
        (one.phase, one.choice or one.field): one for one in reversed(made.open) if one.regret_percent is not None
    }
    costly = list(reversed(choices.values()))[:_SHOWN]
    if costly:
        cells = [
            [one.field, shown(one.value), "" if one.own_value == one.value else shown(one.own_value),
             "" if one.p_best is None else percent(one.p_best), f"{one.regret_percent:.2f}", short(one.regret_gpu_hours)]
            for one in costly
        ]  # fmt: skip
        columns = ("open", "value", "own trials", "P(best)", "regret, % of the loss", "GPU-hours")
        print_table(columns, cells, right=columns[3:])
