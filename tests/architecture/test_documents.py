"""What the documents name is there: links, commands and their options, folders, and the Python of the README."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec
import pytest

import tocsin as product
from tocsin.cli.main import tocsin

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/*.md")])
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")
CODE = re.compile(r"`([^`\n]+)`")
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def commands_in(page: Path) -> Iterator[tuple[str, str]]:
    """The first word behind `tocsin`, and the whole of the command, of every code span and code line."""
    text = page.read_text("utf-8")
    blocks = re.findall(r"```\w*\n(.*?)```", text, re.DOTALL)
    spans = [*CODE.findall(re.sub(r"```.*?```", "", text, flags=re.DOTALL)), *"\n".join(blocks).splitlines()]
    for span in spans:
        found = re.match(r"(?:\.venv/bin/)?tocsin ([a-z]+)(.*)", span.strip())
        if found:
            yield found[1], found[0]


def options_of(command: click.Command) -> set[str]:
    own = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    below = command.commands.values() if isinstance(command, click.Group) else ()
    return own.union(*(options_of(each) for each in below), {"--help", "--version"})


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_leads_to_a_file(page: Path) -> None:
    inside = [link for link in LINK.findall(page.read_text("utf-8")) if "://" not in link]
    assert [link for link in inside if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_command_that_is_named_exists_with_its_options(page: Path) -> None:
    for first, whole in commands_in(page):
        command = tocsin.get_command(click.Context(tocsin), first)
        assert command is not None, whole
        assert set(OPTION.findall(whole)) <= options_of(command), whole


def test_a_command_that_does_not_exist_would_be_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("Say `tocsin publish FILE --nonsense`, or:\n```\ntocsin fly --now\n```\n")
    assert list(commands_in(page)) == [("publish", "tocsin publish FILE --nonsense"), ("fly", "tocsin fly --now")]
    publish = tocsin.get_command(click.Context(tocsin), "publish")
    assert publish is not None
    assert "--nonsense" not in options_of(publish)
    assert tocsin.get_command(click.Context(tocsin), "fly") is None


def test_every_folder_of_the_architecture_page_is_there_and_every_package_is_on_it() -> None:
    named = re.findall(r"^\| `([a-z/]+)/` \|", (ROOT / "ARCHITECTURE.md").read_text("utf-8"), re.MULTILINE)
    assert [folder for folder in named if not (ROOT / folder).is_dir()] == []
    packages = {file.parent.name for file in ROOT.glob("*/__init__.py")} - {"tocsin"}
    assert packages <= set(named)


def test_every_package_says_in_one_sentence_what_it_is() -> None:
    ours = (file for folder in ("schemas", "tocsin", "producers", "processors", "consumers") for file in files(folder))
    for file in ours:
        words = ast.get_docstring(ast.parse(file.read_text("utf-8"))) or ""
        first, *_ = words.split("\n")
        assert first.endswith("."), file


def files(folder: str) -> Iterator[Path]:
    return (ROOT / folder).rglob("__init__.py")


def test_decisions_are_numbered_once() -> None:
    numbers = [page.name[:4] for page in (ROOT / "docs" / "decisions").glob("*.md")]
    assert len(numbers) == len(set(numbers))


def test_the_python_of_the_readme_names_what_there_is() -> None:
    (snippet,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    tree = ast.parse(snippet)
    imported = [alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names]
    assert imported
    assert all(hasattr(product, word) for word in imported)
    (draft,) = [
        call for call in ast.walk(tree) if isinstance(call, ast.Call) and ast.unparse(call.func) == "ReportDraft"
    ]
    values = {word.arg or "": ast.literal_eval(word.value) for word in draft.keywords}
    made = product.ReportDraft(**values)
    assert msgspec.structs.asdict(made)["submitter_reference"] == values["submitter_reference"]


def test_every_target_of_the_makefile_is_there_once_and_says_what_it_does() -> None:
    text = (ROOT / "Makefile").read_text("utf-8")
    named = re.search(r"^\.PHONY: (.+)$", text, re.MULTILINE)
    assert named is not None
    assert sorted(re.findall(r"^([a-z][a-z-]*):.* ## ", text, re.MULTILINE)) == sorted(named[1].split())


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_target_that_a_page_names_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    spans = " ".join(CODE.findall(page.read_text("utf-8")))
    assert set(re.findall(r"\bmake ([a-z][a-z-]*)", spans)) <= targets
