"""YAML 1.2 text as plain values that remember their lines.

ruamel.yaml scans and parses; what it makes of the events is ours, because a scenario wants less than YAML offers: only
the scalars of the 1.2 core schema (`1e-3` is a number, `on` and `2024-01-01` are text), no tags, each key once, bounded
aliases. So nothing in a file is executed or guessed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML, events
from ruamel.yaml.error import MarkedYAMLError

MAX_VALUES = 10_000
MAX_DEPTH = 50
MAX_SHOWN = 60
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS: dict[str, object] = {"": None, "~": None, "null": None, "true": True, "false": False}
_WORDS |= {".nan": math.nan, ".inf": math.inf, "+.inf": math.inf, "-.inf": -math.inf}
_WORDS |= {form: value for word, value in _WORDS.items() for form in (word.capitalize(), word.upper())}
_WORDS |= {".NaN": math.nan, ".Inf": math.inf, "+.Inf": math.inf, "-.Inf": -math.inf}
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Refused(Exception):
    """The text cannot be read any further."""

    def __init__(self, line: int, text: str) -> None:
        super().__init__(line, text)
        self.line, self.text = line, text


@dataclass(frozen=True)
class Node:
    """One value: plain Python, the line of its key (or of its start), how it was written, how big it is."""

    value: Any
    line: int
    given: str
    size: int = 1
    entries: dict[str, Node] = field(default_factory=dict)


def show(value: object) -> str:
    """A value as error lines quote it: on one line, and short."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        names = ", ".join(map(str, value))
        return _short(f"a block with keys {names}" if names else "an empty block")
    if isinstance(value, list):
        return "a list"
    try:
        return _short(repr(value))
    except ValueError:  # Python refuses to print an integer of more than 4,300 digits
        return "a number of thousands of digits"


def dotted(path: Iterable[str]) -> str:
    """A path as error lines name it, on one line whatever its keys hold."""
    return ".".join(_short(name) or "''" for name in path)


def _short(text: str) -> str:
    text = text if text.isprintable() else text.encode("unicode_escape").decode("ascii")
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 3] + "..."


def scalar(text: str) -> object:
    """Value of a plain scalar in YAML's 1.2 core schema."""
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        if len(text) > 4_000:  # more than int() accepts, and more than any key does
            return math.inf
        return int(text, 0) if text[1:2] in ("o", "x") else int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


def read(text: str) -> tuple[Node, list[tuple[int, str]]]:
    """The document's root, and the faults (line, text) that did not keep the rest from being read.

    Raises:
        Refused: not YAML, more than one document, a reference to itself, too deep or too many values.
    """
    bad = _UNPRINTABLE.search(text)
    if bad:
        line = text.count("\n", 0, bad.start()) + 1
        raise Refused(line, f"given the control character U+{ord(bad.group()):04X}; allowed: a text file (YAML)")
    reader = _Reader(text)
    return reader.document(), reader.faults


class _Reader:
    """Builds nodes from the parser's events."""

    def __init__(self, text: str) -> None:
        self.faults: list[tuple[int, str]] = []
        self._events: Iterator[events.Event] = iter(YAML(typ="safe", pure=True).parse(text))
        self._anchors: dict[str, Node | None] = {}
        self._line = 1

    def document(self) -> Node:
        self._next()  # start of the stream
        if isinstance(self._next(), events.StreamEndEvent):
            return Node(None, 1, "nothing")
        root = self._node(self._next(), ())
        self._next()  # end of the document
        if not isinstance(self._next(), events.StreamEndEvent):
            raise Refused(self._line, "given a second document (after ---); allowed: one scenario per file")
        return root

    def _next(self) -> events.Event:
        try:
            event = next(self._events)
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = self._line if mark is None else mark.line + 1
            raise Refused(
                line, f"given no valid YAML ({_why(error)}); allowed: `key: value`, indented by spaces"
            ) from error
        except (
            Exception
        ) as error:  # some faults, such as the escape \U99999999, come out of ruamel as bare Python errors
            raise Refused(self._line, "given no valid YAML at or below this line; allowed: `key: value`") from error
        self._line = event.start_mark.line + 1
        return event

    def _node(self, event: Any, path: tuple[str, ...]) -> Node:
        line = event.start_mark.line + 1
        if isinstance(event, events.AliasEvent):
            return self._alias(event.anchor, line)
        if len(path) > MAX_DEPTH:
            raise Refused(line, f"given more than {MAX_DEPTH} nested levels; allowed: {MAX_DEPTH}")
        if event.tag is not None:
            where = f"{dotted(path)}: " if path else ""
            self.faults.append(
                (line, f"{where}given the tag {_short(str(event.tag))}; allowed: plain values without tags")
            )
        if event.anchor is not None:
            self._anchors[event.anchor] = None  # known, not yet built: an alias now would contain itself
        if isinstance(event, events.MappingStartEvent):
            node = self._mapping(line, path)
        elif isinstance(event, events.SequenceStartEvent):
            node = self._sequence(line, path)
        else:
            plain = event.implicit[0] and event.tag is None
            value = scalar(event.value) if plain else event.value
            written = value is None or isinstance(value, str)
            node = Node(value, line, show(value) if written else _short(event.value))
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _alias(self, name: str, line: int) -> Node:
        if name not in self._anchors:
            raise Refused(line, f"given *{_short(name)}, which names no anchor above; allowed: an anchor of this file")
        node = self._anchors[name]
        if node is None:
            raise Refused(line, f"given *{_short(name)} inside &{_short(name)}; allowed: no reference to itself")
        return node

    def _sequence(self, line: int, path: tuple[str, ...]) -> Node:
        members: list[Node] = []
        size = 1
        while not isinstance(event := self._next(), events.SequenceEndEvent):
            node = self._node(event, (*path, str(len(members))))
            members.append(node)
            size = self._grown(size, node)
        entries = {str(place): node for place, node in enumerate(members)}
        return Node([node.value for node in members], line, "a list", size, entries)

    def _mapping(self, line: int, path: tuple[str, ...]) -> Node:
        entries: dict[str, Node] = {}
        inherited: dict[str, Node] = {}
        where = f"{dotted(path)}: " if path else ""
        size = 1
        while not isinstance(event := self._next(), events.MappingEndEvent):
            at = event.start_mark.line + 1
            if not isinstance(event, events.ScalarEvent | events.AliasEvent):
                raise Refused(at, f"{where}given a list or a block as a key; allowed: text")
            key = self._node(event, path)
            merge = key.value == "<<" and isinstance(event, events.ScalarEvent) and event.implicit[0]
            name = getattr(event, "value", key.value)
            node = self._node(self._next(), (*path, str(name)))
            size = self._grown(size, node)
            if merge and node.entries and isinstance(node.value, dict):
                inherited = node.entries | inherited
            elif merge:
                self.faults.append(
                    (at, f"{dotted((*path, '<<'))}: given {node.given}; allowed: an alias of a block, such as *base")
                )
            elif not isinstance(name, str):
                self.faults.append((at, f"{where}given {key.given} as a key; allowed: text"))
            elif name in entries:
                twice = f"given a second time; allowed: once (first on line {entries[name].line})"
                self.faults.append((at, f"{dotted((*path, name))}: {twice}"))
            else:
                entries[name] = Node(node.value, at, node.given, node.size, node.entries)
        entries = entries | {name: node for name, node in inherited.items() if name not in entries}
        values = {name: node.value for name, node in entries.items()}
        return Node(values, line, show(values), size, entries)

    def _grown(self, size: int, node: Node) -> int:
        if size + node.size > MAX_VALUES:
            raise Refused(self._line, f"given more than {MAX_VALUES} values, aliases expanded; allowed: {MAX_VALUES}")
        return size + node.size


def _why(error: MarkedYAMLError) -> str:
    return _short(" ".join(str(error.problem or error.context or "unreadable").split()))
