"""The command line: schuss info, demo, make, ctr, w2v, bench."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Annotated

import typer

from . import ctr_cli, w2v_cli

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Optimizers for sparse and dense models on CPUs.")


@app.command()
def info() -> None:
    """Print version, level in use, levels that run here, threads, huge-page state, Eigen's version."""
    from . import info as facts

    for name, value in facts().items():
        typer.echo(f"{name + ':':12}{value}")


app.add_typer(ctr_cli.app, name="ctr")
app.add_typer(w2v_cli.app, name="w2v")

demos = typer.Typer(help="Show what schuss does, on data made on the fly.")
app.add_typer(demos, name="demo", invoke_without_command=True)


@demos.callback(invoke_without_command=True)
def demo(
    context: typer.Context,
    rows: Annotated[int, typer.Option(min=1000, help="Examples to learn; a fifth more are held out.")] = 500_000,
    threads: Annotated[int | None, typer.Option(help="All CPUs unless given.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the log.")] = 0,
    out: Annotated[Path, typer.Option(help="Folder for the model and curves.png.")] = Path("demo"),
) -> None:
    """Train click models on a log with a planted truth; `schuss demo dense`: a dense model, by any rule."""
    if context.invoked_subcommand is None:
        from .demo_ctr import run

        with ctr_cli.plain_errors():
            run(rows, threads, seed, out)


@demos.command()
def dense(
    rule: Annotated[str, typer.Option(help="Any rule, by its name.")] = "Adam",
    lr: Annotated[float | None, typer.Option(help="Learning rate; the default suits the demo.")] = None,
    epochs: Annotated[int, typer.Option(min=1)] = 3,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    out: Annotated[Path, typer.Option(help="Where the trained state is saved.")] = Path("demo.safetensors"),
) -> None:
    """Train a small dense model with any rule, beside the best attainable loss and the same update in NumPy."""
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


@demos.command()
def w2v(
    words: Annotated[int, typer.Option(min=10_000, help="Of the text.")] = 2_000_000,
    threads: Annotated[int | None, typer.Option(help="All CPUs unless given.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the text and the models.")] = 0,
    out: Annotated[Path, typer.Option(help="Folder for the text, the model and the vectors.")] = Path("demo"),
) -> None:
    """Train word vectors on a text with planted analogies, and count how many are found."""
    from .demo_w2v import run

    with ctr_cli.plain_errors(command="demo"):
        run(words, threads, seed, out)


make = typer.Typer(no_args_is_help=True, help="Make data with a planted truth.")
app.add_typer(make, name="make")


@make.callback()
def _make() -> None:
    """Make data with a planted truth."""


@make.command()
def ctr(
    out: Annotated[Path, typer.Option(help="File to write; compressed by its suffix .gz, .bz2, .xz.")],
    rows: Annotated[int, typer.Option(min=1)] = 1_000_000,
    skip: Annotated[int, typer.Option(min=0, help="Rows of the endless log to pass over: later ones are a test.")] = 0,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    cardinality: Annotated[int, typer.Option(min=1, help="Most values of a field.")] = 1_000_000,
    pairs: Annotated[float, typer.Option(help="Strength of the pairs of fields; 0 is a linear truth.")] = 1.2,
    rate: Annotated[float, typer.Option(help="Mean label.")] = 0.25,
) -> None:
    """Write a click log in Criteo's layout whose labels come from a known factorization machine."""
    from .make_ctr import Log, write_shown

    with ctr_cli.plain_errors():
        for line in write_shown(out, Log(seed, cardinality, pairs, rate), skip, rows):
            typer.echo(line)


@make.command()
def text(
    out: Annotated[Path, typer.Option(help="File to write; compressed by its suffix .gz, .bz2, .xz.")],
    words: Annotated[int, typer.Option(min=1)] = 2_000_000,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    questions: Annotated[Path | None, typer.Option(help="File for the analogies, in Google's format.")] = None,
) -> None:
    """Write a text with planted analogies: capitals, plurals, pairs of sexes, past tenses."""
    from .make_text import write_shown

    with ctr_cli.plain_errors(command="make"):
        for line in write_shown(out, words, seed, questions):
            typer.echo(line)


bench = typer.Typer(help="Measure this machine. Needs the extra 'bench'.")
app.add_typer(bench, name="bench", invoke_without_command=True)


Out = Annotated[Path, typer.Option(help="Folder for the JSON and the PNG.")]
Some = Annotated[str, typer.Option(help="Comma-separated names; all by default.")]


@bench.callback(invoke_without_command=True)
def everything(
    context: typer.Context,
    out: Out = Path("bench-results"),
    full: Annotated[bool, typer.Option("--full", help="All sizes and rounds, about an hour; else 15 minutes.")] = False,
    parts: Some = "",
) -> None:
    """All parts beside the peers that are installed; writes JSON, pictures and report.html."""
    if context.invoked_subcommand is None:
        _measure("everything", out, not full, parts)


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


bench.command("sparse", help="Another name of tables.")(tables)


@bench.command()
def solvers(
    out: Out = Path("bench-results"),
    quick: Annotated[bool, typer.Option(help="Small sizes, one fit each, about a minute.")] = False,
    parts: Annotated[str, typer.Option(help="Some of overhead, problems, fits; all by default.")] = "",
) -> None:
    """Overhead of an iteration, test problems, logistic regression; beside SciPy, liblbfgs, torch, scikit-learn."""
    _measure("solvers", out, quick, parts)


@bench.command()
def word2vec(
    out: Out = Path("bench-results"),
    quick: Annotated[bool, typer.Option(help="A million words, one round, under two minutes.")] = False,
    parts: Annotated[str, typer.Option(help="Some of speed, text, quality; the first two by default.")] = "",
) -> None:
    """Words a second and quality of word vectors, text into numbers; beside gensim and fastText if they are there."""
    _measure("word2vec", out, quick, parts)


@bench.command("ctr")
def bench_ctr(
    out: Out = Path("bench-results"),
    quick: Annotated[bool, typer.Option(help="A quarter of the log, one round, two of the real files.")] = False,
    parts: Annotated[str, typer.Option(help="Some of text, memory, parse, predict, quality, real.")] = "",
    logs: Annotated[Path | None, typer.Option(help="Folder that keeps the logs A and B, minutes to make.")] = None,
) -> None:
    """Click models: speed from text and from memory, loss on real files; beside Vowpal Wabbit, scikit-learn, torch."""
    _measure("ctr", out, quick, parts, logs=logs)


@bench.command()
def compat(
    out: Out = Path("bench-results"),
    quick: Annotated[bool, typer.Option(help="Small sizes, a few seconds.")] = False,
    parts: Annotated[str, typer.Option(help="Some of torch, python; all by default.")] = "",
) -> None:
    """The drop-in for torch.optim beside torch's fused Adam; a rule in Python beside NumPy."""
    _measure("compat", out, quick, parts)


def _measure(name: str, out: Path, quick: bool, rules: str, **options: Path | None) -> None:
    try:
        measured = importlib.import_module(f".bench.{name}", __package__)
    except ImportError as error:
        typer.echo(f"schuss bench: {error}; install the extra: pip install 'schuss[bench]'", err=True)
        raise typer.Exit(1) from error
    try:
        measured.main(out, quick, [rule for rule in rules.split(",") if rule], **options)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def main() -> None:
    """Entry point of the command."""
    app()
