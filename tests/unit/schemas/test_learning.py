"""Threads that meet a record type for the first time at once; each attempt needs a fresh type, a crash a process."""

import subprocess
import sys

ATTEMPT = """
import sys, threading
import msgspec
from schemas.learning import learn

sys.setswitchinterval(1e-6)

def convert(fresh, together):
    together.wait()
    if "learn" in sys.argv:
        learn(fresh)
    msgspec.convert({"inner": {"field0": 1}}, fresh)

for number in range(150):
    inner = msgspec.defstruct("Inner", [(f"field{i}", int | None, None) for i in range(30)])
    fresh = msgspec.defstruct("Fresh", [("inner", inner)] + [(f"field{i}", inner | None, None) for i in range(30)])
    together = threading.Barrier(4)
    threads = [threading.Thread(target=convert, args=(fresh, together)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
"""


def test_a_type_that_is_learned_first_can_be_met_by_many_threads() -> None:
    command = [sys.executable, "-c", ATTEMPT, "learn"]
    ended = subprocess.run(command, capture_output=True, check=False, timeout=60)  # noqa: S603 -- our own words
    assert ended.returncode == 0, ended.stderr[-500:]
