"""The comparison with peers: its page and plot follow from its figures, and every peer has the same anatomy."""

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.figures import read, write
from benchmarks.measuring import Run
from benchmarks.peers.kills import Kills, judged
from benchmarks.peers.latency import Latency, figures
from benchmarks.peers.page import NAMES, page
from benchmarks.peers.plot import plot
from benchmarks.peers.results import Part, Results
from benchmarks.peers.venvs import LOCKS, ROOT, command
from benchmarks.verdicts import above

PERFORMANCE = ROOT / "docs" / "performance"
PEERS = ROOT / "benchmarks" / "peers"


def test_the_page_and_the_plot_in_the_repository_follow_from_their_figures() -> None:
    results = read(PERFORMANCE / "peers.json", Results)
    assert (PERFORMANCE / "peers.md").read_text("utf-8") == page(results), "run: make bench-peers"
    assert (PERFORMANCE / "peers.svg").read_text("utf-8") == plot(results), "run: make bench-peers"


def test_every_part_has_been_measured_for_every_peer() -> None:
    results = read(PERFORMANCE / "peers.json", Results)
    assert set(results.throughput) == set(results.latency) == set(results.kills) == set(LOCKS)


def test_a_row_says_rate_ratio_cpu_latency_memory_and_losses() -> None:
    row = _row("plain, with transactions", page(_results()))
    assert row == ["compiled", "80, **100**, 120", "0.50", "2.00", "7, 21", "150", "3 of 600", "12"]


def test_the_ratio_is_the_median_of_rounds_and_not_of_rates() -> None:
    """A slow minute that meets both of a round leaves it alone."""
    slow = Results(throughput={"plain": (_run(10), _run(1000)), "quix": (_run(5), _run(500))})
    assert _row("Quix Streams", page(slow))[2] == "0.50"


@pytest.mark.parametrize(
    ("ours", "theirs", "word"),
    [
        ((101, 120, 140), (80, 90, 100), "Reached"),
        ((99, 120, 140), (80, 90, 100), "Not decided"),
        ((60, 70, 80), (80, 90, 100), "Not reached"),
        ((200,), (10,), "Not decided"),
    ],
)
def test_above_beyond_noise_is_the_slowest_round_above_the_fastest(
    ours: tuple[float, ...], theirs: tuple[float, ...], word: str
) -> None:
    assert above(ours, theirs).startswith(f"**{word}**")


def test_the_page_holds_the_figures_against_both_targets() -> None:
    runs = {peer: tuple(map(_run, rates)) for peer, rates in {"tocsin": (95, 91, 99), "plain": (100,) * 3}.items()}
    found = page(Results(throughput=runs | {"quix": (_run(50), _run(60), _run(70))}))
    assert "within a round. **Reached**: 0.95, from 0.91 to 0.99 in 3 rounds." in found
    assert "fastest. **Reached**: 91 to 99 beside 50 to 70 reports/s." in found


def test_what_was_not_measured_is_said_so() -> None:
    assert _row("Tocsin", page(Results())) == ["-"] * 8


def test_the_page_says_how_busy_the_machine_was() -> None:
    assert "load average 9.5 when it began" in page(_results())


def test_the_plot_names_each_peer_that_was_measured_and_no_other() -> None:
    drawn = plot(_results())
    assert {name for name in NAMES.values() if f">{name}<" in drawn} == {
        "plain confluent-kafka",
        "plain, with transactions",
    }


def test_a_report_without_a_decision_is_missing_and_a_second_decision_is_a_repetition() -> None:
    found = judged(4, Counter({b"one": 3, b"two": 1, b"three": 1}))
    assert (found.missing, found.duplicates) == (1, 2)


def test_latency_leaves_out_what_was_not_sent_and_counts_what_did_not_come() -> None:
    sent = {b"a": 1.0, b"b": 1.0, b"c": 1.0}
    found = figures(sent, {b"a": 1.010, b"b": 1.030, b"other": 9.0})
    assert (found.sent, found.measured, found.p50_ms, found.p99_ms) == (3, 2, 30.0, 30.0)


def test_a_peer_from_which_nothing_arrives_has_no_latency() -> None:
    with pytest.raises(SystemExit, match="Nothing arrived"):
        figures({b"a": 1.0}, {})


def test_figures_are_read_as_they_were_written(tmp_path: Path) -> None:
    write(tmp_path / "peers.json", _results())
    assert read(tmp_path / "peers.json", Results) == _results()


@pytest.mark.parametrize("peer", LOCKS)
def test_a_peer_says_its_settings_and_has_one_way_to_run(peer: str) -> None:
    tree = ast.parse((PEERS / f"{peer}.py").read_text("utf-8"))
    assert "Settings: " in (ast.get_docstring(tree) or "")
    runs = [node for node in tree.body if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")]
    assert runs[0].name == "run"
    assert [argument.arg for argument in runs[0].args.args] == ["job"]


@pytest.mark.parametrize("peer", LOCKS)
def test_a_peers_packages_are_locked_with_hashes_and_name_no_registry(peer: str) -> None:
    lock = LOCKS[peer].read_text("utf-8")
    pinned = re.findall(r"^([a-z0-9-]+)(?:\[.*\])?==", lock, re.MULTILINE)
    assert "confluent-kafka" in pinned
    assert lock.count("--hash=sha256:") >= len(pinned)
    assert "://" not in lock
    assert "index-url" not in lock.replace("--no-emit-index-url", "")


def test_quix_and_the_plain_loop_bring_no_faust_and_only_quix_brings_quix() -> None:
    brought = {
        peer: set(re.findall(r"^(faust-streaming|quixstreams)==", lock, re.MULTILINE)) for peer, lock in _locks()
    }
    assert brought == {
        "tocsin": {"faust-streaming"},
        "plain": set(),
        "transactions": set(),
        "quix": {"quixstreams"},
        "stock": {"faust-streaming"},
    }


def test_each_peer_runs_in_an_environment_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.peers.venvs.python_of", lambda peer: Path(".venv-peers") / peer / "bin" / "python")
    assert len({command(peer, Path("home"), "group")[0] for peer in LOCKS}) == len(LOCKS)


def _locks() -> list[tuple[str, str]]:
    return [(peer, lock.read_text("utf-8")) for peer, lock in LOCKS.items()]


def _row(name: str, text: str) -> list[str]:
    line = next(line for line in text.splitlines() if line.startswith(f"| {name} |"))
    return [cell.strip() for cell in line.split("|")[2:-1]]


def _run(rate: float) -> Run:
    return Run(records=1000, seconds=1000 / rate, cpu_seconds=2.0, peak_bytes=150_000_000)


def _results() -> Results:
    return Results(
        parts={"kills": Part(commit="abc1234", cores=2, load=9.5, reports=600, rounds=1)},
        throughput={
            "plain": (_run(160), _run(200), _run(240)),
            "transactions": (_run(80), _run(100), _run(120)),
        },
        latency={"transactions": Latency(sent=300, measured=300, p50_ms=7.1, p99_ms=21.3)},
        codecs={"transactions": "compiled"},
        kills={"transactions": Kills(reports=600, kills=5, missing=3, duplicates=12)},
    )
