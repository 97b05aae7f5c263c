"""Write the bill of materials that `make sbom` leaves: everything locked that runs here, in CycloneDX's JSON.

It is made from the locks alone, so that two runs of one commit give the same bytes.
"""

import json
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from tocsin.stack.jars import Jar, locked
from tocsin.stack.watching.uplot import the_archive

ROOT: Final = Path(__file__).parents[2]
_PIN: Final = re.compile(r"^([a-z0-9.-]+)(?:\[[a-z,]+\])?==([^\s;]+)")
_DIGEST: Final = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_ROLES: Final = ("submit", "receive", "triage")


def main() -> None:
    """Write to the file that is named, or to dist/tocsin.cdx.json."""
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "dist" / "tocsin.cdx.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(bill_of_materials(ROOT) + "\n", encoding="utf-8")
    print(f"{target}: what the locks name, in CycloneDX 1.6")  # noqa: T201  # the command's answer


def bill_of_materials(root: Path) -> str:
    """Every Python package and every jar that is locked, with digests and the roles that install it."""
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    itself = Component(
        name=project["name"], version=project["version"], type=ComponentType.APPLICATION, bom_ref="tocsin"
    )
    bom = Bom(components=[*_packages(root / "requirements"), *_jars()])
    bom.metadata.component = itself
    bom.register_dependency(itself, bom.components)
    return _without_its_moment(JsonV1Dot6(bom).output_as_string(indent=2))


def _packages(folder: Path) -> Iterator[Component]:
    roles = {role: {pin for pin, _ in _entries(folder / f"{role}.txt")} for role in _ROLES}
    for (name, version), digests in _entries(folder / "dev.txt"):
        purl = PackageURL("pypi", name=name, version=version)
        wanted = [role for role in _ROLES if (name, version) in roles[role]] or ["dev"]
        yield _component(purl, digests, [Property(name="tocsin:role", value=role) for role in wanted])


def _entries(lock: Path) -> Iterator[tuple[tuple[str, str], list[str]]]:
    for entry in re.split(r"\n(?=\S)", lock.read_text("utf-8")):
        if pin := _PIN.match(entry):
            yield (pin[1], pin[2]), _DIGEST.findall(entry)


def _jars() -> Iterator[Component]:
    for jar in locked():
        yield _jar(jar, "local stack")
    yield _jar(the_archive(), "ops page")


def _jar(jar: Jar, role: str) -> Component:
    kind = {"classifier": jar.classifier, "type": jar.packaging} if jar.classifier else None
    purl = PackageURL("maven", namespace=jar.group, name=jar.artifact, version=jar.version, qualifiers=kind)
    return _component(purl, [jar.sha256], [Property(name="tocsin:role", value=role)])


def _component(purl: PackageURL, digests: list[str], properties: list[Property]) -> Component:
    return Component(
        name=purl.name,
        version=purl.version,
        group=purl.namespace,
        purl=purl,
        bom_ref=purl.to_string(),
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest) for digest in digests],
        properties=properties,
    )


def _without_its_moment(text: str) -> str:
    """The same without the serial number and time of this run."""
    document = json.loads(text)
    del document["serialNumber"], document["metadata"]["timestamp"]
    return json.dumps(document, indent=2)


if __name__ == "__main__":
    main()
