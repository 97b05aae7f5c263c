"""`tocsin up` that is ended in the middle: by SIGKILL, by Ctrl-C twice; and PostgreSQL as root in a container."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tocsin.stack.certificates import Authority
from tocsin.stack.jars import Jars, locked, postgresql_archive
from tocsin.stack.local import LocalStack
from tocsin.stack.ports import ports_of
from tocsin.stack.postgres import NOBODY, Postgres
from tocsin.stack.progress import silent

pytestmark = pytest.mark.stack


def up(home: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tocsin", "up", "--home", str(home)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)  # noqa: S603  # our words


def until(running: subprocess.Popen[str], moment: str) -> None:
    assert running.stderr is not None
    for line in running.stderr:
        if moment in line:
            return
    pytest.fail(f"it ended before: {moment}")


def naming(folder: Path) -> list[str]:
    """Command lines of processes that hold the folder's name, apart from ours."""
    return [line for line in _command_lines() if str(folder) in line and "pytest" not in line]


def _command_lines() -> Iterator[str]:
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            yield file.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:  # it ended meanwhile
            continue


def all_gone(folder: Path) -> bool:
    deadline = time.monotonic() + 10
    while naming(folder) and time.monotonic() < deadline:
        time.sleep(0.1)
    return not naming(folder)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "hö me"  # letters and a space that Java and PostgreSQL must read too
    yield folder
    LocalStack(folder).down()


def test_up_recovers_from_sigkill_and_ctrl_c_twice_leaves_nothing(home: Path) -> None:
    killed = up(home)
    until(killed, "postgresql: creating")
    time.sleep(0.2)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate()

    pressed = up(home)
    until(pressed, "kafka: starting")
    for _ in range(2):
        pressed.send_signal(signal.SIGINT)
        time.sleep(0.3)
    _, said = pressed.communicate(timeout=120)
    assert (pressed.returncode, "Traceback" in said) == (130, False)
    assert all_gone(home)

    whole = up(home)
    _, said = whole.communicate(timeout=180)
    assert whole.returncode == 0, said
    assert not [*home.glob("postgresql.*"), *home.glob("kafka.*")], "what the killed one began is cleared away"


@pytest.mark.skipif(os.geteuid() != 0, reason="PostgreSQL refuses root only")
def test_postgresql_runs_for_root_where_user_namespaces_are_forbidden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "programs").mkdir()
    for program in ("setpriv", "true"):  # and no unshare, which is as good as a forbidden one
        (tmp_path / "programs" / program).symlink_to(str(shutil.which(program)))
    monkeypatch.setenv("PATH", str(tmp_path / "programs"))
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    postgres = Postgres(home, ports_of(home, ("postgresql",))["postgresql"], Authority(home / "certificates"))
    cache = tmp_path / "cache"  # 0700, as root's own is
    cache.mkdir(mode=0o700)
    programs = Jars(cache).unpacked(postgresql_archive(locked()), silent)
    try:
        postgres.start(programs, silent)
        with postgres.connect("ops", "tocsin") as connection:
            assert connection.execute("select current_user").fetchall() == [("ops",)]
        assert (home / "postgresql").stat().st_uid == NOBODY
    finally:
        postgres.stop()
