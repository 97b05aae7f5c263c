"""A home of the stack whose settings name two people who sign, for what one person alone cannot do."""

import subprocess
from pathlib import Path
from typing import Any

from schemas.topics import OPS
from tests.builders import commands
from tocsin.policy.store.trust import new_key

PEOPLE = ("anna", "ben")


class TwoPeople:
    """Both keys lie in the folder; the petition is a new file for each act."""

    def __init__(self, stack: Any, folder: Path) -> None:
        self._folder = folder
        self.home = folder / "home"
        self.home.mkdir(parents=True)
        keys = {who: f'[signer.{who}]\npublic_key = "{new_key(folder / who)}"\n' for who in PEOPLE}
        trust = folder / "trust.toml"
        trust.write_text('first = "none"\n' + "".join(keys.values()), "utf-8")
        (self.home / "config").mkdir()
        own = Path(stack.config(OPS)).read_text("utf-8")
        (self.home / "config" / "ops.toml").write_text(f'policy_trust = "{trust}"\n{own}', "utf-8")
        if (keeper := Path(stack.home) / "keys").exists():
            (self.home / "keys").symlink_to(keeper)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A command in that home."""
        return commands.tocsin(self.home, *words)

    def do(self, command: tuple[str, ...], *words: str) -> subprocess.CompletedProcess[str]:
        """Anna asks with these words, Ben grants; neither could alone. Tells what the second command said."""
        alone = self.run(*command, *words, "--by", "anna")
        assert (alone.returncode, "petition.needed" in alone.stderr) == (1, True), alone
        petition = self._folder / f"petition-{'-'.join(command)}"
        pen = {who: ("--petition", str(petition), "--signer", who, "--key", str(self._folder / who)) for who in PEOPLE}
        asked = self.run(*command, *words, *pen["anna"])
        assert (asked.returncode, "Nothing was done" in asked.stdout) == (0, True), asked
        assert "promotion.same_signer" in self.run(*command, *pen["anna"]).stderr
        return self.run(*command, *pen["ben"])
