"""The field inventory is made, not written, and leaves nothing out."""

from pathlib import Path

from schemas.definitions import RECORD_TYPES, definition
from schemas.inventory import inventory_page
from tocsin.stack.records_kept import HELD, lies

PAGE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "field-inventory.md"


def test_the_page_in_the_repository_is_current() -> None:
    current = PAGE.read_text("utf-8") == inventory_page(lies)
    assert current, "run: tocsin schema inventory --write docs/reference/field-inventory.md"


def test_every_record_has_a_place_and_every_field_a_line() -> None:
    page = inventory_page(lies)
    assert set(HELD) == {record_type.__name__ for record_type in RECORD_TYPES}
    for name in HELD:
        section = page.partition(f"## {name}\n")[2].partition("\n## ")[0]
        assert all(f"- {line}\n" in section for line in lies(name))
        missing = [
            field["name"]
            for field in definition(name)["fields"]
            if f"| `{field['name']}`" not in section and f"| `{field['name']}." not in section
        ]
        assert not missing, name
