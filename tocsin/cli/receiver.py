"""`tocsin receiver`: run the reference receiver on loopback."""

import base64
import secrets
from pathlib import Path

import click

from consumers.receiver import application
from consumers.serving import heeding_signals, over_tls, server_of
from consumers.sinks.build import secret_in
from tocsin.cli.serving.encrypted import TLS, pair_of
from tocsin.cli.serving.listening import loopback
from tocsin.runtime import logs
from tocsin.runtime.metrics import describe_build
from tocsin.runtime.privacy import private_folder
from tocsin.runtime.targets import announced

_SECRET_BYTES = 32


@click.command()
@click.option("--home", type=click.Path(path_type=Path), default=".tocsin", envvar="TOCSIN_HOME", show_default=True)
@click.option("--port", type=click.IntRange(0, 65_535), default=8480, show_default=True, help="0 takes a free one.")
@click.option("--folder", type=click.Path(path_type=Path), help="Where referrals are kept; by default in the home.")
@click.option(
    "--secret-file",
    type=click.Path(path_type=Path),
    help="The shared secret, made where it is missing; two lines while one replaces the other.",
)
@click.option(
    "--metrics-targets",
    type=click.Path(path_type=Path),
    help="A folder in which the address is written, for file_sd_configs of a Prometheus beside it.",
)
@TLS
def command(home: Path, port: int, folder: Path | None, secret_file: Path | None, **more: Path | None) -> None:
    """Receive referrals as a recipient's own endpoint would: verify the signature, honour the key.

    A member's delivery file points to it with kind = "https", url = "http://127.0.0.1:8480/referrals",
    check_url = the same, this_machine = true, honours_key = true and the secret file that is printed here.
    With --certificate and --key it speaks TLS alone, the address begins with https, and the member's machine has to
    trust the authority of the certificate.
    /live, /ready, /metrics and /openapi.json are on the same port.
    """
    logs.configure()
    pair = pair_of(more["certificate"], more["key"])
    place = private_folder(folder or home / "receiver")
    secret_path = secret_file or place / "secret"
    if not secret_path.exists():
        _make_secret(secret_path)
    describe_build("receiver")
    receiver = application(place / "referrals", secret_in(secret_path))
    with loopback(port) as listening:
        server = heeding_signals(over_tls(server_of(receiver), *pair))
        host, bound = listening.getsockname()
        with announced(more["metrics_targets"], host, bound, is_tls=pair.scheme == "https"):
            click.echo(f"Receiving on {pair.scheme}://{host}:{bound}/referrals; the shared secret is in {secret_path}")
            server.run(sockets=[listening])


def _make_secret(path: Path) -> None:
    path.touch(mode=0o600)
    path.write_text(f"whsec_{base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()}\n")
