"""`alerting explain CODE`: the page about an error, in the terminal."""

from __future__ import annotations

import click

from alerting_pipeline.app import App
from alerting_pipeline.cli.output import json_option, print_json
from alerting_pipeline.domain.errors import BadCall
from alerting_pipeline.domain.nearest import did_you_mean
from alerting_pipeline.domain.problem_code import CODES, page_of


@click.command("explain")
@click.argument("code")
@json_option
def explain(code: str, as_json: bool) -> None:
    """What the error CODE (such as AP203) means, an example, and what to do; `alerting validate` names the codes."""
    code = code.upper()
    if code not in CODES:
        raise BadCall(f'"{code}" is not the code of an error; {did_you_mean(code, CODES) or "docs/errors lists them"}')
    with App.from_environment() as app:
        path = app.settings.project / page_of(code)
    text = path.read_text() if path.is_file() else f"# {code}: {CODES[code]}\n"
    if as_json:
        print_json({"code": code, "title": CODES[code], "page": page_of(code), "text": text})
        return
    click.echo(text, nl=False)
