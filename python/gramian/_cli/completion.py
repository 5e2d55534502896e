"""`gramian completion`: what a shell needs to complete commands, flags and their words."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

import gramian as gm

__all__ = ["add"]

_BASH = """\
_gramian() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} words=""
    case "${COMP_WORDS[1]}:$before" in
%(values)s
    *)
        local of_files=yes
        [[ $word == -* ]] && of_files=""
        case "${COMP_WORDS[1]}:$of_files" in
%(flags)s
        esac
        [[ $COMP_CWORD == 1 ]] && words="%(commands)s"
        ;;
    esac
    COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -o default -F _gramian gramian
"""
_SOURCES = {
    "bash": 'eval "$(gramian completion bash)"',
    "zsh": 'eval "$(gramian completion zsh)"',
    "fish": "gramian completion fish | source",
}


def add(commands: Any, parser: argparse.ArgumentParser) -> None:
    """Add the command, which prints a script for the commands that were added before it."""
    own = commands.add_parser(
        "completion",
        help="print a script for completion by the tab key",
        description="Print a script that completes commands and flags. For bash, in ~/.bashrc: "
        f"{_SOURCES['bash']}; for zsh, in ~/.zshrc: {_SOURCES['zsh']}; for fish, in "
        f"config.fish: {_SOURCES['fish']}",
        allow_abbrev=False,
    )
    own.add_argument("shell", choices=tuple(_SOURCES))
    own.set_defaults(run=lambda arguments: print(_script(arguments.shell, parser), end=""))


def _script(shell: str, parser: argparse.ArgumentParser) -> str:
    commands = dict(_commands(parser))
    if shell == "fish":
        return _fish(commands)
    script = _bash(commands)
    if shell == "zsh":  # which has a mode for scripts of bash
        return f"autoload -Uz compinit bashcompinit && compinit && bashcompinit\n{script}"
    return script


def _commands(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices.items()


def _flags(parser: argparse.ArgumentParser) -> Iterator[tuple[list[str], list[str], str, bool]]:
    """Yield the spellings of each flag, its words, its help, and whether it takes a value."""
    for action in parser._actions:
        if action.option_strings and action.help is not argparse.SUPPRESS:
            words = [str(word) for word in action.choices or ()]
            if action.dest == "measure":
                words = list(gm.measures())
            elif action.dest == "device":
                words = ["cpu", "cuda", "reference"]
            takes = action.nargs != 0
            yield list(action.option_strings), words, (action.help or "").replace("%%", "%"), takes


def _bash(commands: dict[str, argparse.ArgumentParser]) -> str:
    values, flags = [], []
    for command, parser in commands.items():
        names = []
        for spellings, words, _, takes in _flags(parser):
            names += spellings
            patterns = "|".join(f'"{command}:{one}"' for one in spellings)
            if takes:  # without words, names of files
                values.append(f'    {patterns}) words="{" ".join(words)}" ;;')
        positional = [
            str(w) for a in parser._actions if not a.option_strings for w in a.choices or ()
        ]
        flags.append(f'        {command}:) words="{" ".join(names)}" ;;')
        if positional:
            flags.append(f'        {command}:yes) words="{" ".join(positional)}" ;;')
    return _BASH % {
        "values": "\n".join(values),
        "flags": "\n".join(flags),
        "commands": " ".join(commands),
    }


def _fish(commands: dict[str, argparse.ArgumentParser]) -> str:
    lines = [
        f"complete -c gramian -n __fish_use_subcommand -xa {' '.join(commands)!r}",
    ]
    for command, parser in commands.items():
        when = f"complete -c gramian -n '__fish_seen_subcommand_from {command}'"
        for spellings, words, text, takes in _flags(parser):
            parts = [when]
            parts += [f"-l {s[2:]}" if s.startswith("--") else f"-s {s[1:]}" for s in spellings]
            if words:
                parts.append(f"-xa '{' '.join(words)}'")
            elif takes:
                parts.append("-r")
            brief = text.partition(" [")[0].replace("'", "")
            lines.append(" ".join([*parts, f"-d '{brief}'"]))
    return "\n".join(lines) + "\n"
