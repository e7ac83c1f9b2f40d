"""The reference of the commands, from click: what `--help` says, on one page."""

from __future__ import annotations

from collections.abc import Iterator

import click

from alerting_pipeline.cli import COMMANDS, alerting

_INTRODUCTION = """# Commands

Every command takes `--json`, and `--help` says what stands here. Exit code 0: fine; 1: findings or failure; 2: a bad
call. An error is one sentence on standard error, with the place and the remedy.

| command | |
|---|---|
"""


def page() -> str:
    """The whole page, as Markdown."""
    table = "".join(f"| [`alerting {name}`](#alerting-{name}) | {text} |\n" for name, (_, text) in COMMANDS.items())
    context = click.Context(alerting, info_name="alerting")
    sections = "\n".join(line for name in COMMANDS for line in _sections(alerting, name, context))
    return f"{_INTRODUCTION}{table}\n{sections}\n"


def _sections(group: click.Group, name: str, context: click.Context) -> Iterator[str]:
    command = group.get_command(context, name)
    if command is None or command.hidden:
        return
    own = click.Context(command, info_name=name, parent=context)
    path = own.command_path
    depth = "##" if context.parent is None else "###"
    yield f"{depth} {path} {{ #{path.replace(' ', '-')} }}\n"
    yield f"```text\n{' '.join([path, *command.collect_usage_pieces(own)])}\n```\n"
    yield f"{_paragraphs(command.help or '')}\n"
    options = [option for option in command.params if isinstance(option, click.Option) and not option.hidden]
    if options:
        yield "| option | |\n|---|---|"
        yield from (_option(option, own) for option in options)
        yield ""
    if isinstance(command, click.Group):
        for each in command.list_commands(own):
            yield from _sections(command, each, own)


def _option(option: click.Option, context: click.Context) -> str:
    names, text = option.get_help_record(context) or ("", "")
    return f"| `{names}` | {text} |".replace("|", "\\|").replace("\\| ", "| ").replace(" \\|", " |")


def _paragraphs(text: str) -> str:
    """Help as it is wrapped in the source becomes paragraphs."""
    return "\n\n".join(" ".join(each.split()) for each in text.replace("\b", "").split("\n\n"))
