"""The delivery file: a safe default without it, and one clear sentence where it is wrong."""

from pathlib import Path

import pytest

from consumers.agreement import Treatment
from consumers.formats import FORMATS, format_named
from consumers.settings import DirectorySink, HttpsSink, load
from schemas.failures import Broken

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "guides" / "recipient.md"


def test_without_a_file_the_sink_is_a_folder_of_the_members_own_state(tmp_path: Path) -> None:
    settings = load(tmp_path / "missing.toml", tmp_path / "state")
    assert settings.sinks == (DirectorySink(path=tmp_path / "state" / "delivered"),)
    assert settings.store.folder == tmp_path / "state"


def test_the_example_of_the_guide_is_valid(tmp_path: Path) -> None:
    example = GUIDE.read_text().split("```toml\n")[1].split("```")[0]
    (tmp_path / "member.toml").write_text(example)
    settings = load(tmp_path / "member.toml", tmp_path)
    assert [sink.name for sink in settings.sinks] == ["archive", "casework", "hook"]
    assert isinstance(settings.sinks[2], HttpsSink)
    assert settings.duplicates is not None
    assert settings.duplicates.known_content is Treatment.BUNDLE


@pytest.mark.parametrize(
    "content",
    [
        "sinks = 3",
        '[[sinks]]\nkind = "fax"',
        "[limits]\nmax_atempts = 3",
        '[[sinks]]\nkind = "directory"\npath = "a"\n[[sinks]]\nkind = "directory"\npath = "b"',
        '[[sinks]]\nkind = "directory"\nname = "../x"\npath = "a"',
        "not toml",
    ],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "member.toml").write_text(content)
    with pytest.raises(Broken, match=r"member\.toml") as caught:
        load(tmp_path / "member.toml", tmp_path)
    assert caught.value.code == "delivery.settings"


def test_every_format_can_be_loaded_and_no_other() -> None:
    assert all(callable(format_named(name)) for name in FORMATS)
    with pytest.raises(Broken, match="json, xarf, csv"):
        format_named("pdf")
