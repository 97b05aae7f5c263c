"""Where, when in the code's life, and beside what something was measured: what every page says of its figures."""

import os

from msgspec import Struct

from benchmarks.revision import commit
from schemas.codec import ENGINE


class About(Struct, frozen=True, kw_only=True):
    """The figures of one run are a kind of it, or have one."""

    commit: str
    cores: int
    load: float
    """Load average of the last minute when it began: what else the machine was doing."""
    codec: str = ""
    """The engine of whoever does the job, compiled or fastavro; empty where it was not written down then."""

    @property
    def machine(self) -> str:
        """In words."""
        read = f", codec {self.codec}" if self.codec else ""
        return f"{self.cores} cores, load average {self.load:.1f} when it began{read}"

    @property
    def said(self) -> str:
        """In words, with the commit."""
        return f"Commit {self.commit}, {self.machine}"


def about_now() -> About:
    """Here and now; to be asked before a run begins."""
    return About(commit=commit(), cores=os.cpu_count() or 1, load=round(os.getloadavg()[0], 1), codec=ENGINE)
