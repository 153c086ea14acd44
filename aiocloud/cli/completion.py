"""`aiocloud completion bash`: the script that makes a shell complete commands, options, clouds and regions.

The script holds the commands, so that completing them costs nothing; it asks us for what it can't know: the clouds in
clouds.yaml, and the options of one command. To write it takes no more than the table of nouns.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from aiocloud.cli.nouns import COMMANDS, EXTRA, NOUNS

__all__ = ["QUICK", "completion", "quick"]

_FORMATS = "table wide json ndjson yaml csv name"

_BASH = """\
# bash completion for aiocloud. Use it: source <(aiocloud completion bash)
_aiocloud() {
    local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} words= word
    local noun=${COMP_WORDS[1]-} verb=${COMP_WORDS[2]-}
    case $before in
        -c|--cloud|--clouds) words=$(aiocloud completion clouds 2>/dev/null) ;;
        -r|--region) words=$(aiocloud completion regions 2>/dev/null) ;;
        -o|--output) words='@formats@' ;;
        *)
            if ((COMP_CWORD == 1)); then
                words='@commands@'
            elif [[ $current == -* ]]; then
                if [[ ${_aiocloud_for-} != "$noun $verb" ]]; then
                    _aiocloud_for="$noun $verb"
                    _aiocloud_options=$(aiocloud completion options "$noun" "$verb" 2>/dev/null)
                fi
                words=$_aiocloud_options
            elif ((COMP_CWORD == 2)); then
                case $noun in
@verbs@
                esac
            fi ;;
    esac
    COMPREPLY=()
    # Word by word: `compgen -W` would run what a name in clouds.yaml says in backquotes.
    while read -r word; do
        [[ -n $word && $word == "$current"* ]] && COMPREPLY+=("$word")
    done < <(printf '%s\\n' "$words" | tr ' ' '\\n')
}
complete -o default -F _aiocloud aiocloud
"""

_ZSH = """\
#compdef aiocloud
# zsh completion for aiocloud. Use it: aiocloud completion zsh > a file called _aiocloud in a folder of $fpath
_aiocloud() {
    local before=$words[CURRENT-1] noun=${words[2]-} verb=${words[3]-}
    local -a found
    case $before in
        -c|--cloud|--clouds) found=("${(@f)$(aiocloud completion clouds 2>/dev/null)}") ;;
        -r|--region) found=("${(@f)$(aiocloud completion regions 2>/dev/null)}") ;;
        -o|--output) found=(@formats@) ;;
        *)
            if ((CURRENT == 2)); then
                found=(@commands@)
            elif [[ $words[CURRENT] == -* ]]; then
                if [[ ${_aiocloud_for-} != "$noun $verb" ]]; then
                    typeset -g _aiocloud_for="$noun $verb"
                    typeset -ga _aiocloud_options=("${(@f)$(aiocloud completion options "$noun" "$verb" 2>/dev/null)}")
                fi
                found=($_aiocloud_options)
            elif ((CURRENT == 3)); then
                case $noun in
@verbs@
                esac
            fi ;;
    esac
    if ((${#found})); then compadd -a found; else _files; fi
}
if [[ $funcstack[1] == _aiocloud ]]; then _aiocloud "$@"; else compdef _aiocloud aiocloud; fi
"""

_FISH = """\
# fish completion for aiocloud. Use it: aiocloud completion fish > ~/.config/fish/completions/aiocloud.fish
function __aiocloud_words
    set -l typed (commandline -opc)
    set -l current (commandline -ct)
    switch $typed[-1]
        case -c --cloud --clouds
            aiocloud completion clouds 2>/dev/null
        case -r --region
            aiocloud completion regions 2>/dev/null
        case -o --output
            string split ' ' '@formats@'
        case '*'
            if test (count $typed) -eq 1
                string split ' ' '@commands@'
            else if string match -q -- '-*' $current
                aiocloud completion options $typed[2] $typed[3] 2>/dev/null
            else if test (count $typed) -eq 2
                switch $typed[2]
@verbs@
                end
            else
                __fish_complete_path $current
            end
    end
end
complete -c aiocloud -f -a '(__aiocloud_words)'
"""

_CASES = {
    "bash": ("                    {noun}) words='{verbs}' ;;", _BASH),
    "zsh": ("                    {noun}) found=({verbs}) ;;", _ZSH),
    "fish": ("                    case {noun}\n                        string split ' ' '{verbs}'", _FISH),
}
QUICK = (*_CASES, "clouds", "regions")
"""What is answered without the command line's engine: it is asked for at every TAB, or at every shell's start."""


def completion(what: str, noun: str = "", verb: str = "", /) -> int:
    """Write the completion script of a shell: bash, zsh or fish.

    bash: source <(aiocloud completion bash). zsh: aiocloud completion zsh > a file called _aiocloud in a folder of $fpath.
    fish: aiocloud completion fish > ~/.config/fish/completions/aiocloud.fish.
    """
    if what == "options":
        _write(sorted(_options(noun, verb)))
        return 0
    if what not in QUICK:
        sys.stderr.write(f"aiocloud: completion is there for {', '.join(_CASES)}, not for {what!r}\n")
        return 2
    return quick(what)


def quick(what: str) -> int:
    """A shell's script, or the names of the clouds or regions, one a line."""
    if what in _CASES:
        sys.stdout.write(_script(what))
        return 0
    from aiocloud.config.load import load_config
    from aiocloud.errors import CloudError

    try:
        configuration = load_config()
        names = configuration.cloud_names
        if what == "regions":
            names = tuple(dict.fromkeys(region for name in names for region in configuration.regions(name) if region))
    except CloudError:
        return 1  # nothing to complete, and no place to say why
    _write(names)
    return 0


def _write(words: tuple[str, ...] | list[str]) -> None:
    # A word with a blank or a control character in it can't be completed, and could do harm.
    sys.stdout.write("".join(f"{word}\n" for word in words if word.isprintable() and " " not in word))


def _script(shell: str) -> str:
    case, script = _CASES[shell]
    verbs = {name: " ".join([*noun.verbs, *EXTRA.get(name, {})]) for name, noun in NOUNS.items()}
    verbs |= {"config": "show list", "completion": " ".join(_CASES)}
    cases = "\n".join(case.format(noun=name, verbs=words) for name, words in verbs.items())
    commands = " ".join([*COMMANDS, *NOUNS, "--help", "--version"])
    return script.replace("@formats@", _FORMATS).replace("@commands@", commands).replace("@verbs@", cases)


def _options(noun: str, verb: str) -> Iterator[str]:
    from aiocloud.cli.app import app

    command = app
    for name in (noun, verb):
        if name in command:
            command = command[name]
    yield from ("--help", "-h")
    for argument in command.assemble_argument_collection():
        yield from (name for name in argument.names if name.startswith("-"))
