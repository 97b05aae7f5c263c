"""Series for promtool that burn an objective's allowance too fast, and some that just do not."""

from collections.abc import Iterable, Iterator

from tocsin.stack.objectives import Objective, limit_of

MINUTES = {"5m": 5, "30m": 30, "1h": 60, "6h": 360}
SAMPLED_MINUTES = {"Fast": 1, "Slow": 5}
"""Short enough for the short window, and long enough for a test that ends."""
_A_MINUTE = 100
_EDGE = 2
"""A window of Prometheus looks a little behind its own length; in samples."""

Burn = tuple[str, float, str, str, str]


def series_of(one: Objective, burn: Burn, rules: str) -> str:
    """A file for promtool: both windows burn; only the short one does; only the long one does."""
    limit = limit_of(one, burn[1])
    hot, cool = min(1.25 * limit, (1 + limit) / 2), 0.8 * limit
    lines = [f"rule_files: [{rules}]", f"evaluation_interval: {SAMPLED_MINUTES[burn[0]]}m", "tests:"]
    lines += _test(one, burn, "fires", (hot, hot))
    lines += _test(one, burn, "is silent", (cool, hot))
    lines += _test(one, burn, "is silent", (hot, cool))
    return "\n".join(lines) + "\n"


def _test(one: Objective, burn: Burn, how: str, late: tuple[float, float]) -> Iterator[str]:
    """`late` is the share of the long window, and that of the short one at its end."""
    speed, _, long, short, severity = burn
    every = SAMPLED_MINUTES[speed]
    length, last = MINUTES[long] // every, MINUTES[short] // every + _EDGE
    before = (late[0] * length - late[1] * last) / (length - last)
    shares = [before] * (length + _EDGE - last) + [late[1]] * last
    metric, tier = f"tocsin_submission_to_{one.step}_seconds", f'tier="{one.tier}"'
    in_time = f'{metric}_bucket{{{tier},le="{float(one.within_seconds)}"}}'
    yield f"  - interval: {every}m"
    yield f"    name: TocsinObjectiveBurns{speed} {how}"
    yield "    input_series:"
    yield f"      - {{series: '{in_time}', values: '{_sums(_A_MINUTE * (1 - share) for share in shares)}'}}"
    yield f"      - {{series: '{metric}_count{{{tier}}}', values: '{_sums(_A_MINUTE for _ in shares)}'}}"
    yield "    alert_rule_test:"
    yield f"      - alertname: TocsinObjectiveBurns{speed}"
    yield f"        eval_time: {len(shares) * every}m"
    yield f"        exp_alerts: {_expected(one, severity) if how == 'fires' else '[]'}"


def _expected(one: Objective, severity: str) -> str:
    summary = f"Too few {one.tier} reports are {one.step} within {one.within_seconds} s"
    labels = f"{{severity: {severity}, step: {one.step}, tier: {one.tier}}}"
    told = f'{{summary: "{summary}", runbook: docs/runbooks/a-burning-objective.md}}'
    return f"[{{exp_labels: {labels}, exp_annotations: {told}}}]"


def _sums(steps: Iterable[float]) -> str:
    total, told = 0.0, ["0"]
    for step in steps:
        total += step
        told.append(f"{total:.4f}")
    return " ".join(told)
