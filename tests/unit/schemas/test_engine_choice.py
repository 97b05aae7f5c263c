"""The engine is chosen once, by one word; what cannot be had is said and not replaced."""

import sys

import pytest

from schemas.codec import ENGINE
from schemas.engines import interpreted
from schemas.engines.choosing import engine_for
from schemas.failures import Broken


@pytest.fixture
def not_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where the package is not installed: Python refuses to import what is None."""
    monkeypatch.setitem(sys.modules, "_tocsin_codec", None)
    monkeypatch.delitem(sys.modules, "schemas.engines.compiled", raising=False)
    monkeypatch.delattr("schemas.engines.compiled", raising=False)


def test_fastavro_is_taken_where_it_is_asked_for() -> None:
    assert engine_for("fastavro") is interpreted


@pytest.mark.usefixtures("not_compiled")
def test_without_the_compiled_codec_reading_goes_on_with_fastavro() -> None:
    assert engine_for("auto") is interpreted


@pytest.mark.usefixtures("not_compiled")
def test_who_insists_on_the_compiled_codec_is_told_that_it_is_not_there() -> None:
    with pytest.raises(Broken) as caught:
        engine_for("compiled")
    assert caught.value.code == "codec.not_installed"


def test_an_unknown_word_is_refused() -> None:
    with pytest.raises(Broken) as caught:
        engine_for("java")
    assert caught.value.code == "codec.unknown"


def test_the_compiled_codec_is_taken_where_it_is_installed() -> None:
    pytest.importorskip("_tocsin_codec", reason="the codec was not compiled here: make codec")
    assert engine_for("auto").NAME == engine_for("compiled").NAME == "compiled"


def test_what_was_chosen_can_be_told() -> None:
    assert ENGINE in {"compiled", "fastavro"}
