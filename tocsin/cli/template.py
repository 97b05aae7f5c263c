"""`tocsin template`: the standard reporting template for industry, empty, with explanations and an example."""

from collections.abc import Callable, Mapping

import click

from producers.feeds.csv import writing as csv_writing
from producers.feeds.jsonl import writing as jsonl_writing

_TEMPLATES: Mapping[str, Callable[[], bytes]] = {"csv": csv_writing.template, "json": jsonl_writing.template}


@click.command()
@click.argument("kind", type=click.Choice(sorted(_TEMPLATES)))
def command(kind: str) -> None:
    """Write the template to the standard output: tocsin template csv > reports.csv

    Explanations and the example are comments that `tocsin publish` skips: write your reports below them, one row a
    content item (csv) or one object a line (json). Only `submitter_reference` is required.
    """
    click.get_binary_stream("stdout").write(_TEMPLATES[kind]())
