"""A settings file that is not there or cannot be used is one sentence with a code of its own."""

from pathlib import Path

import pytest

from schemas.catalogue import catalogue
from tocsin.runtime.failures import Broken
from tocsin.runtime.settings import load


@pytest.mark.parametrize(
    ("content", "code"),
    [(None, "settings.missing"), ("principal = ", "settings.unusable"), ("principal = 'ops'", "settings.unusable")],
)
def test_what_cannot_be_loaded_is_named_with_what_to_do(tmp_path: Path, content: str | None, code: str) -> None:
    file = tmp_path / "ops.toml"
    if content is not None:
        file.write_text(content)
    with pytest.raises(Broken, match=r"ops.toml.*tocsin up") as failed:
        load(file)
    assert failed.value.code == code
    assert code in catalogue()
