"""`make evaluate`: write our own cases, run them through `tocsin evaluate`, and measure on the generator's truth."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from tests.evaluation import firewall, identity, law, people
from tests.evaluation.generator_truth import figures
from tests.evaluation.writing import Family

FAMILIES: Final[Mapping[str, Callable[[], Family]]] = {
    "addresses": identity.addresses,
    "digests": identity.digests,
    "kin": identity.kin,
    "corroboration": identity.corroboration,
    "near": identity.near,
    "jurisdictions": law.jurisdictions,
    "baseline": law.baseline,
    "machines": law.machines,
    "bases": law.bases,
    "routes": people.routes,
    "tiers": people.tiers,
    "completeness": people.completeness,
    "release": people.release,
    "firewall-caught": firewall.caught,
    "firewall-passes": firewall.passes,
}


def write(folder: Path) -> int:
    """One file a family; how many cases there are."""
    count = 0
    for name, family in FAMILIES.items():
        lines = [json.dumps(case, ensure_ascii=False) for case in family()]
        (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
        count += len(lines)
    return count


def main() -> int:
    """The exit code of the evaluation; 3 also where the generator's truth is missed."""
    with tempfile.TemporaryDirectory() as folder:
        count = write(Path(folder))
        command = [sys.executable, "-m", "tocsin", "evaluate", folder]
        code = subprocess.run(command, check=False).returncode  # noqa: S603  # our own words
    found = figures()
    print(f"{count} cases. {found.sentence()}")  # noqa: T201
    return code or (0 if found.holds() else 3)


if __name__ == "__main__":
    sys.exit(main())
