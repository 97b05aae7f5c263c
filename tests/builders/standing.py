"""The commands that go on until somebody stops them."""

EXCHANGE: dict[str, tuple[str, ...]] = {
    "escalated": ("triage", "--lane", "escalated"),
    "normal": ("triage", "--lane", "normal"),
    "returns": ("returns",),
    "deliver": ("deliver", "nl-hotline"),
    "lag": ("lag", "--serve"),
    "canary": ("canary", "--every-seconds", "60"),
}
"""What says on a port of its own (`--metrics-port`) whether it is ready."""
PAGES: dict[str, tuple[str, ...]] = {
    "receiver": ("receiver", "--home", "{home}", "--port", "0"),
    "ops": ("ops", "--port", "0"),
}
ON_A_TERMINAL = {"demo", "subscribe", "top"}
"""Somebody looks at them and ends them with Ctrl-C; no manager starts them."""
