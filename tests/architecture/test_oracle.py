"""The second opinion on release is a second path: it shares no code with what it judges."""

from pathlib import Path

ORACLE = Path(__file__).parents[1] / "oracle"
JUDGED = ("processors", "tocsin.policy", "schemas.disclosure", "schemas.writing", "schemas.codec")


def test_the_oracle_imports_nothing_of_what_it_judges() -> None:
    for name in ("tables", "opinion"):
        lines = (ORACLE / f"{name}.py").read_text("utf-8").splitlines()
        imports = [line for line in lines if line.startswith(("import ", "from "))]
        assert imports
        assert not [line for line in imports if line.split()[1].startswith(JUDGED)], name
