"""The parts of the site that the code writes: pictures and output of the examples, tables of rules and of results."""

from __future__ import annotations

import contextlib
import inspect
import io
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
    text += 'A column is what `Adam.like("keras")` gives; a dash: no default there.\n\n'
    text += without_notes(table.markdown()) + "\n\n## Rule by rule\n\n| rule | differs from |\n|---|---|\n"
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


def without_notes(markdown: str) -> str:
    """The table, and after it as a list the notes that were rows of it: so its columns stay narrow."""
    rows, notes, rule = [], [], ""
    for line in markdown.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        rule = cells[0] or rule
        if re.fullmatch(r"\*.+\*", cells[1]) and not any(cells[2:]):
            notes.append(f"- {rule}, {cells[1].strip('*')}")
        else:
            rows.append(line)
    return "\n".join([*rows, "", *notes])


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
