"""`make evaluate`: write our own cases, run them through `tocsin evaluate`, and measure on the generator's truth."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from shutil import copytree
from typing import Any, Final

from tests.evaluation import firewall, identity, law, people
from tests.evaluation.generator_truth import figures
from tests.evaluation.writing import Family
from tocsin.policy.bundle import SAMPLE

FAMILIES: Final[Mapping[str, tuple[str, Callable[[], Family]]]] = {
    "addresses": ("1.5", identity.addresses),
    "digests": ("4", identity.digests),
    "kin": ("5.1", identity.kin),
    "corroboration": ("3.2", identity.corroboration),
    "near": ("4", identity.near),
    "jurisdictions": ("6.2 and 6.3", law.jurisdictions),
    "checked-law": ("6.2 and 6.3", law.checked),
    "baseline": ("2.2", law.baseline),
    "synthetic-or-drawn": ("2.3 and 6.2", law.synthetic_or_drawn),
    "machines": ("2.5", law.machines),
    "bases": ("6.1", law.bases),
    "routes": ("0.3 and 6.1", people.routes),
    "tiers": ("5.3", people.tiers),
    "completeness": ("3.3", people.completeness),
    "release": ("6.1", people.release),
    "firewall-caught": ("6.1", firewall.caught),
    "firewall-passes": ("4", firewall.passes),
}
"""Each with the number of the domain facts that its cases stand on; the number stands in the name of every case."""
_UNCHECKED: Final = "verified = false"
_CHECKED: Final = 'verified = true\nverified_by = "nobody: a case of the evaluation"\nverified_on = 2026-11-01'
_TARGETS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("release leaks", ("release",)),
    ("missed or wrongly caught by the firewall", ("firewall-caught", "firewall-passes")),
    ("exact duplicates missed or wrongly linked", ("addresses", "digests", "kin", "corroboration")),
    ("near matches missed up to the threshold, or found beyond it", ("near",)),
)
"""What must be 0, and the families whose failures count."""


def write(folder: Path) -> int:
    """One file a family, and the policy that one of them is decided by; how many cases there are."""
    count = 0
    for name, (fact, family) in FAMILIES.items():
        lines = [json.dumps(case | {"name": f"{fact}: {case['name']}"}, ensure_ascii=False) for case in family()]
        (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
        count += len(lines)
    _write_checked(folder / law.CHECKED)
    return count


def _write_checked(folder: Path) -> None:
    copytree(SAMPLE, folder)
    for file in (folder / "jurisdictions").glob("*.toml"):
        file.write_text(file.read_text("utf-8").replace(_UNCHECKED, _CHECKED), "utf-8")


def _evaluated(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tocsin", "evaluate", str(folder), *words]
    return subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True)  # noqa: S603  # our own words


def _targets(told: Mapping[str, Any]) -> Iterator[str]:
    """The targets that are a count of failures."""
    for name, families in _TARGETS:
        failed = sum(len(told["families"][family]["failed"]) for family in families)
        cases = sum(told["families"][family]["passed"] for family in families) + failed
        yield f"{name}: {failed} in {cases} cases (target 0)"


def main() -> int:
    """The exit code of the evaluation; 3 also where the generator's truth is missed."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder)
        done = _evaluated(folder, "--json")
        if done.returncode not in {0, _FAILED}:
            return done.returncode
        told = json.loads(done.stdout)
        print(_evaluated(folder).stdout)  # noqa: T201
    found = figures()
    for line in (*_targets(told), *found.sentences()):
        print(line)  # noqa: T201
    return done.returncode or (0 if found.holds() else _FAILED)


_FAILED: Final = 3

if __name__ == "__main__":
    sys.exit(main())
