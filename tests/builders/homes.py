"""Another home on a stack that runs: the same broker and database, another policy."""

from pathlib import Path
from typing import Any

from schemas.topics import PROCESSES, WATCHERS
from tests.builders.promotions import Chancery


def a_home_with(stack: Any, chancery: Chancery) -> Path:
    """Settings of the processes that decide by a store; everything else is the stack's own."""
    home = chancery.folder / "home"
    (home / "config").mkdir(parents=True)
    for principal in (*PROCESSES, *WATCHERS):
        lines = stack.config(principal).read_text("utf-8").splitlines()
        kept = [line for line in lines if not line.startswith("policy")]
        own = [f'policy = "{chancery.store.folder}"', f'policy_trust = "{chancery.trust_file}"']
        (home / "config" / f"{principal}.toml").write_text("\n".join([*own, *kept]), "utf-8")
    return home
