"""The command line: schuss info, demo, bench."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Optimizers for sparse and dense models on CPUs.")


@app.command()
def info() -> None:
    """Print version, level in use, levels that run here, threads, huge-page state, Eigen's version."""
    from . import info as facts

    for name, value in facts().items():
        typer.echo(f"{name + ':':12}{value}")


@app.command()
def demo(
    rule: Annotated[str, typer.Option(help="Any rule, by its name.")] = "Adam",
    lr: Annotated[float | None, typer.Option(help="Learning rate; the default suits the demo.")] = None,
    epochs: Annotated[int, typer.Option(min=1)] = 3,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    out: Annotated[Path, typer.Option(help="Where the trained state is saved.")] = Path("demo.safetensors"),
) -> None:
    """Train a small model with any rule, beside the best attainable loss and the same update in NumPy."""
    from .demo import run

    try:
        run(rule, lr, epochs, out, seed)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    except OSError as error:
        typer.echo(f"schuss: {out}: {error.strerror}", err=True)
        raise typer.Exit(1) from error
    except KeyboardInterrupt:
        typer.echo("schuss: stopped", err=True)
        raise typer.Exit(130) from None


bench = typer.Typer(no_args_is_help=True, help="Measure this machine. Needs the extra 'bench'.")
app.add_typer(bench, name="bench")


Out = Annotated[Path, typer.Option(help="Folder for the JSON and the PNG.")]
Some = Annotated[str, typer.Option(help="Comma-separated names; all by default.")]


@bench.command()
def kernels(
    out: Out = Path("bench-results"),
    quick: Annotated[bool, typer.Option(help="Fewer sizes, under a minute.")] = False,
    rules: Some = "",
) -> None:
    """Every rule from 1e3 to 5e7 numbers, beside the machine's limit, NumPy and torch."""
    _measure("kernels", out, quick, rules)


@bench.command()
def tables(
    out: Out = Path("bench-results"),
    quick: Annotated[bool, typer.Option(help="A tenth of the rows, under 90 seconds.")] = False,
    rules: Some = "",
) -> None:
    """Sparse steps on tables of 10 M x 16 and 1 M x 64, beside the machine's limit, NumPy, torch and fbgemm."""
    _measure("tables", out, quick, rules)


@bench.command()
def solvers(
    out: Out = Path("bench-results"),
    quick: Annotated[bool, typer.Option(help="Small sizes, one fit each, about a minute.")] = False,
    parts: Annotated[str, typer.Option(help="Some of overhead, problems, logistic; all by default.")] = "",
) -> None:
    """Overhead of an iteration, evaluations on test problems, logistic regression; beside SciPy and liblbfgs."""
    _measure("solvers", out, quick, parts)


def _measure(name: str, out: Path, quick: bool, rules: str) -> None:
    try:
        measured = importlib.import_module(f".bench.{name}", __package__)
    except ImportError as error:
        typer.echo(f"schuss bench: {error}; install the extra: pip install 'schuss[bench]'", err=True)
        raise typer.Exit(1) from error
    try:
        measured.main(out, quick, [rule for rule in rules.split(",") if rule])
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def main() -> None:
    """Entry point of the command."""
    app()
