"""The parts of the site that the code writes: pictures and output of the examples, tables of rules and of results."""

from __future__ import annotations

import contextlib
import inspect
import io
import itertools
import os
import re
import runpy
from pathlib import Path

from bench import summary
from bench.peers import everybody

import schuss
from schuss.rules import ALL

ROOT = Path(__file__).resolve().parent.parent


def everything(out: Path) -> None:
    """Writes all of them to a folder."""
    out.mkdir(exist_ok=True)
    (out / "gallery.md").write_text(gallery(out))
    (out / "rules.md").write_text(rules())
    (out / "rules.rst").write_text("".join(f".. autoclass:: schuss.{name}\n\n" for name in ALL))
    (out / "conventions.md").write_text(conventions())
    (out / "exchange.md").write_text(exchange())
    (out / "performance.md").write_text(performance())
    (out / "cpp.md").write_text(cpp())


def gallery(out: Path) -> str:
    """Runs every example; its first line is the title, the rest of its docstring the text."""
    text, here = "", Path.cwd()
    for path in sorted((ROOT / "examples").glob("*.py")):
        printed = io.StringIO()
        os.chdir(out)
        try:
            with contextlib.redirect_stdout(printed):
                runpy.run_path(str(path), run_name="__main__")
        finally:
            os.chdir(here)
        title, _, body = (inspect.getdoc(_Doc(path)) or "").partition("\n")
        text += f"## {title.rstrip('.')}\n\n{body.strip()}\n\n"
        if (out / f"{path.stem}.png").exists():
            text += f"![{title.rstrip('.')}](made/{path.stem}.png)\n\n"
        text += f"```text\n{printed.getvalue().rstrip()}\n```\n\n"
        text += f"<details><summary>examples/{path.name}</summary>\n\n"
        text += f"```{{literalinclude}} ../examples/{path.name}\n:language: python\n```\n\n</details>\n\n"
    return text


class _Doc:
    """Carries a file's docstring."""

    def __init__(self, path: Path) -> None:
        found = re.match(r'"""(.*?)"""', path.read_text(), re.DOTALL)
        self.__doc__ = found[1] if found else ""


def rules() -> str:
    """A row a rule: the docstring's first line and its formula."""
    lines = ["| rule | what | formula | slots |", "|---|---|---|---|"]
    for name, kind in ALL.items():
        doc = inspect.getdoc(kind) or ""
        formula = next((line for line in doc.splitlines() if "<-" in line), "")
        formula = re.sub(r"\s{2,}", "  ", formula).replace("|", "\\|")
        first = doc.splitlines()[0].rstrip(".")
        lines.append(f"| [`{name}`](api/rules.md) | {first} | `{formula}` | {', '.join(slots(kind)) or '-'} |")
    return "\n".join(lines) + "\n"


def slots(kind: type[schuss.Rule]) -> list[str]:
    """What the rule keeps, by its default options."""
    info = kind().info
    return [*info["slots"], *(f"{name} (shared)" for name in info["shared"])]


def conventions() -> str:
    """The table of the code, and what each rule's docstring says of other libraries."""
    from schuss.rules import conventions as table

    text = "## Each framework\n\nWritten by `python -m schuss.rules.conventions`. "
    text += 'A column is what `Adam.like("keras")` gives, in the options that differ; a dash: no default there.\n\n'
    text += by_rule(table.markdown()) + "## Rule by rule\n\n| rule | differs from |\n|---|---|\n"
    for name, kind in ALL.items():
        found = re.search(r"Differs from\n-+\n(.*?)(?:\n\n\S|\Z)", inspect.getdoc(kind) or "", re.DOTALL)
        if found:
            text += f"| `{name}` | {' '.join(found[1].split()).replace('|', chr(92) + '|')} |\n"
    return text


def exchange() -> str:
    """Which states map to which framework, or why not."""
    from schuss.compat import maps

    text = "## States\n\nWritten by `python -m schuss.compat.maps`. `yes` names the fields that are fixed in the "
    text += "framework's formula; a dash: the framework lacks the rule.\n\n"
    return text + maps.markdown() + "\n"


def by_rule(markdown: str) -> str:
    """The table cut into one for each rule, of the frameworks that have it: narrow enough for a phone."""
    head, _, *lines = ([cell.strip() for cell in line.strip("|").split("|")] for line in markdown.splitlines())
    text, who = "", head[2:]  # schuss, then the frameworks
    for rule in (line[0] for line in lines if line[0]):
        at = next(i for i, line in enumerate(lines) if line[0] == rule)
        called, *rows = [lines[at], *itertools.takewhile(lambda line: not line[0], lines[at + 1 :])]
        have = [i for i, name in enumerate(called[2:]) if i == 0 or name != "-"]
        names = ", ".join(f"{who[i]} *{called[2 + i]}*" for i in have[1:]) or "none of them"
        text += f"**{rule}**: {names}\n\n"
        options = [row for row in rows if any(row[2:])]
        if options:
            text += f"| | {' | '.join(who[i] for i in have)} |\n|---|{'---|' * len(have)}\n"
            text += "".join(f"| {row[1]} | {' | '.join(row[2 + i] for i in have)} |\n" for row in options) + "\n"
        text += "".join(f"- {row[1].strip('*')}\n" for row in rows if not any(row[2:])) + "\n"
    return text


def performance() -> str:
    """Tables and pictures of bench/results, with the machine each is from, and the peers."""
    text = ""
    for content in summary.contents((ROOT / "bench/results").glob("*.json")):
        about = content["machine"]
        for grid in summary.grids(content):
            text += f"## {grid.title}\n\n{grid.note}\n\n{summary.markdown(grid)}\n"
            text += (
                f"{about['cpu']}, {about['cores']} cores, L3 {about['l3']}, level {about['level']}; {about['date']}\n\n"
            )
    for path in sorted((ROOT / "bench/results").glob("*.png")):
        text += f"![{path.stem}](../bench/results/{path.name})\n\n"
    text += "## Peers\n\n| peer | in | settings |\n|---|---|---|\n"
    for peer in everybody():
        text += f"| {peer.name} | {', '.join(peer.parts)} | {peer.settings} |\n"
    return text


def cpp() -> str:
    """The C++ examples, as they are built by the tests."""
    text = ""
    for title, name in (("A model file scored in C++", "predict"), ("A rule of your own in C++", "custom_rule")):
        folder = ROOT / "examples" / name
        files = [p for p in sorted(folder.rglob("*")) if p.suffix in (".cpp", ".hpp", ".txt", ".py")]
        text += f"## {title}\n\n" if files else ""
        for path in files:
            language = {".txt": "cmake", ".py": "python"}.get(path.suffix, "cpp")
            file = path.relative_to(ROOT)
            text += f"`{file}`\n\n```{{literalinclude}} ../{file}\n:language: {language}\n```\n\n"
    return text
