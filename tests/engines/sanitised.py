"""`python -m tests.engines.sanitised`: pytest in a program that holds Python and the codec, AddressSanitizer watching.

Pytest must leave the error output's own file alone: the sanitizer writes there before it ends the program. Left out is
what watches memory: the sanitizer keeps what was freed, to see whether somebody uses it.
"""

import subprocess
import sys
from typing import Final

from tests.engines.fuzzing import CRATE, ROOT, environment

PROGRAM: Final = CRATE / "target" / "x86_64-unknown-linux-gnu" / "release" / "suite"
TESTS: Final = tuple(f"tests/engines/test_{name}.py" for name in ("engines", "slots", "learned"))


def main() -> int:
    """What pytest ends with; a finding of the sanitizer ends the program at once, with its own words."""
    build = ["cargo", "+nightly", "fuzz", "build", "--fuzz-dir", str(CRATE), "suite"]
    subprocess.run(build, cwd=CRATE.parent, env=environment(), check=True)  # noqa: S603  # our own words
    words = [str(PROGRAM), "-q", "--capture=sys", "-p", "no:cacheprovider", "-k", "not memory", *TESTS]
    return subprocess.run(words, cwd=ROOT, env=environment(), check=False).returncode  # noqa: S603  # as above


if __name__ == "__main__":
    sys.exit(main())
