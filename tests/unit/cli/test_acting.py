"""What has to be done before there is a log is done, and that the log does not keep it is said."""

from pathlib import Path

import pytest

from schemas.failures import Temporary
from tests.builders.waiting import a_free_port
from tocsin.cli.auditing.acting import in_the_log, in_the_log_if_there_is_one
from tocsin.runtime.audit.statements import Act
from tocsin.runtime.settings import DatabaseSettings, KafkaSettings, RegistrySettings, Settings

ACT = Act(person="A. Operator", reason="it joins", command="member add", what="signed the request of be-hotline")


def settings_with(folder: Path, database: DatabaseSettings | None) -> Settings:
    kafka = KafkaSettings(bootstrap="localhost:1", plaintext=True)
    registry = RegistrySettings(url="http://localhost:1", cache=folder)
    return Settings(principal="ops", state=folder, policy=folder, kafka=kafka, registry=registry, database=database)


def away(folder: Path) -> DatabaseSettings:
    (folder / "ca.pem").write_text("")
    return DatabaseSettings(url=f"postgresql+psycopg://ops@127.0.0.1:{a_free_port()}/tocsin", ca=folder / "ca.pem")


@pytest.mark.parametrize(("is_named", "why"), [(False, "ops name no database"), (True, "does not answer")])
def test_without_a_log_it_is_done_and_said(
    is_named: bool, why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done = []
    with in_the_log_if_there_is_one(settings_with(tmp_path, away(tmp_path) if is_named else None), ACT):
        done.append("signed")
    said = capsys.readouterr().out
    assert done == ["signed"]
    assert said.startswith("The audit log does not keep this: ")
    assert why in said


def test_what_failed_is_not_said_to_be_missing_from_the_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (
        pytest.raises(ValueError, match="refused"),
        in_the_log_if_there_is_one(settings_with(tmp_path, None), ACT),
    ):
        raise ValueError("refused")
    assert capsys.readouterr().out == ""


def test_what_can_wait_is_not_done_where_the_log_cannot_be_written(tmp_path: Path) -> None:
    done = []
    with pytest.raises(Temporary), in_the_log(settings_with(tmp_path, away(tmp_path)), ACT):
        done.append("signed")
    assert done == []
