"""Hostile text: ten thousand strings that mean something to somebody else, always the same ones.

Fragments of every language that a picture is written in, and of those it may be pasted into, are
put together, broken and wrapped by a seeded generator.
"""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Callable, Iterator, Sequence

from fsm.diagrams.graph_model import Cluster, GraphEdge, GraphNode, Label, StateGraph
from fsm.journal import Record

__all__ = ["STRINGS", "batches", "boxes_of", "graph_of", "history_of"]

COUNT = 10_000
_SEED = 20_200_101

_MARKUP = (
    "<script>window.__hit=1</script>", "<img src=x onerror=window.__hit=1>",
    "<svg onload=alert(1)>", "</text></svg>", "</title><script>alert(1)</script>", "</style>",
    "]]>", "<![CDATA[", "<!--", "-->", "<?xml version='1.0'?>",
    "<!DOCTYPE x [<!ENTITY y SYSTEM 'file:///etc/passwd'>]>", "&y;",
    "<a href='javascript:window.__hit=1'>x</a>", "javascript:window.__hit=1", "&amp;", "&lt;b&gt;",
    "&#60;i&#62;", "&#x3c;", "&nbsp;", "&", "<", ">", '"', "'", "`", "' onmouseover='alert(1)",
    '" onload="window.__hit=1', "url(https://evil.example/x.png)", "expression(alert(1))",
    "<foreignObject>", "<use xlink:href='#x'/>", "<iframe srcdoc='x'>", "<br>", "<br/>",
    "<b>bold</b>", "</script>", "<style>*{display:none}</style>",
    "data:text/html,<script>alert(1)</script>", "<img src=https://evil.example/x.png>",
    "<table><tr><td>", "</td></tr></table>",
)  # fmt: skip
_DOT = (
    '"]; n0 -> n1 [label="', "\\", "\\\\", '\\"', "\\N", "\\G", "\\l", "\\r", "\\n", "\\E", "\\T",
    "digraph {", "}", "{", "[label=x]", ";", "n0 -> n1", "subgraph cluster9 {", "/* comment */",
    "//", "#include", "<<b>x</b>>", '" URL="javascript:alert(1)',
    "<TABLE><TR><TD>x</TD></TR></TABLE>", "|", "{a|b|{c}}", "strict", "edge", "node", "+",
)  # fmt: skip
_MERMAID = (
    "end", "state", "state x {", "[*]", "[*] --> s0", "-->", "--", "s0 --> s1", "s0 --> s1 : x",
    ":::", "s0:::danger", ":", "::", "%%", "%% comment", "%%{init: {'theme': 'dark'}}%%", "#quot;",
    "#60;", "#35;", "#x3c;", "#9829;", "#;", "#", "ﬂ°°60¶ß", "ﬂ°", "¶ß",
    "click s0 href 'javascript:alert(1)'", "click s0 call alert(1)", "href", "note right of s0",
    "note left of s0 : x", "end note", "note", "direction", "direction LR", "DIRECTION  TB",
    "classDef s0 fill:red", "class s0 x", "style s0 fill:red", "<<choice>>", "<<fork>>", "[[join]]",
    "as", "as s0", '" as s0 {', "hide empty description", "scale 100 width", "accTitle: x",
    "accDescr { x }", "accDescr: x", "stateDiagram-v2", "title x", "section x", "gantt",
    "dateFormat X", "axisFormat %s", "excludes weekends", "todayMarker off", "done, ", "active,",
    "crit", "milestone, 0, 1", "after 1", "until 1", "vert, 0, 1", "tickInterval 1ms",
    "inclusiveEndDates", "topAxis", "weekday monday", "---\ntitle: x\n---", "---",
    "$$\\frac{1}{2}$$", "$$", "$", "\\(x\\)", "constructor", "default", "root", "undefined", "null",
    "NaN", "fa:fa-car", "fas:x", "<--", "__", "()", "{{", "}}", "@", "@{ shape: x }", "1", "0",
    "-1", "e",
)  # fmt: skip
_MARKDOWN = (
    "|", "\\|", "| x |", "|---|", "`", "``", "```", "~~~", "*", "**bold**", "_it_", "__d__",
    "snake_case", "_lead", "trail_", "~~struck~~", "[link](javascript:alert(1))",
    "[x]: http://evil.example", "![x](http://evil.example/x.png)", "<http://evil.example>",
    "http://evil.example/?a=1&b=2", "www.evil.example", "WWW.evil.example", "wWw.evil.example",
    "me@evil.example", "ftp://evil.example", "mailto:me@evil.example", "xmpp:me@evil.example",
    "1. first", "1) first", "- item", "+ item", "* item", "# head", "> quote", "=====", "    code",
    "[^1]", "[ ]", "- [x] done", "\\*", "\\", "&vert;", "&#124;", "&copy;", "<details>", "$x$",
    ":smile:", "@user", "#1",
)  # fmt: skip
_TERMINAL = (
    "[red]", "[/red]", "[/]", "[bold red]x[/]", "[link=http://evil.example]x[/link]", "\\[", "[",
    "]", "[@click=app.bell]x[/]", "[not bold]", "[[", ":warning:", "\x1b[31m", "\x1b[0m", "\x1b[2J",
    "\x1b[H", "\x1b]0;title\x07", "\x1b]8;;http://evil.example\x1b\\x\x1b]8;;\x1b\\",
    "\x1b]52;c;eA==\x07", "\x1bP$qm\x1b\\", "\x9b31m", "\x9d0;x\x9c", "\x07", "\x08\x08\x08", "\r",
    "\x0b", "\x0c", "\x7f", "\x00", "\x1a", "\x05", "\x0e", "\x85",
)  # fmt: skip
_UNICODE = (
    "\u202e", "\u202d", "\u2066", "\u2067", "\u2069", "\u200e", "\u200f", "\u061c", "\u200b",
    "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u2028", "\u2029", "\u00a0", "\u3000",
    "\u180e", "\u034f", "e" + "\u0301" * 40, "\u0489" * 20, "\u0336x\u0336", "\ud800", "\udfff",
    "\ud83d", "\udc00\ud800", "\ufffe", "\uffff", "\ufffd", "\U0001f680",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U00020000", "\U0010ffff", "\ue000",
    "\U000e0041", "\u0627\u0644\u0639", "\u05e9\u05dc", "\u65e5\u672c\u8a9e", "\uac00",
    "\u1100\u1161", "ﬁ", "ẞ", "İ", "\u0131", "\uff21", "\uff1cscript\uff1e", "\uff5c", "⑨",
    "\u0000", "\ufff9x\ufffb", "🇩🇪", "👍🏽", "\U0001bca0", "\U0001d173", "\u2800", "\u3164",
    "\u115f", "\uffa0",
)  # fmt: skip
_ELSE = (
    "__proto__", "prototype", "toString", "hasOwnProperty", '{"a":', "\\u003c", "\\ud800", "null",
    "true", "1e999", "{0}", "{}", "{x!r}", "{0.__class__}", "%s", "%n", "%(x)s", "%", "${x}",
    "$(id)", "`id`", "; rm -rf /", "|| true", "&& true", "' OR 1=1 --", "../../etc/passwd",
    "C:\\nul", "-", "--help", "=1+1", "\n", "\r\n", "\t", " ", "  ", "\n\n", "None", "0", "", "x",
    "load", "attempts left", "Running", "→", "\u00d7", "…", "é",
)  # fmt: skip
_FRAGMENTS = (*_MARKUP, *_DOT, *_MERMAID, *_MARKDOWN, *_TERMINAL, *_UNICODE, *_ELSE)
_JOINTS = (
    "", "", "", " ", " ", "\n", "\t", ";", ":", "\n\n", "\r\n", "_", "|", "\u200b", "#", "\\",
)  # fmt: skip
_REPEATED = ("x", " ", "<b>", "\u0301", "\ud800", '"', "&", "\\", "#", "日", "\n[*] --> s0")
_LARGE = (100_000, 30_000, 5_000)  # characters


def _made() -> Iterator[str]:
    """The fragments as they are, large ones, then others without end."""
    chance = random.Random(_SEED)
    yield from _FRAGMENTS
    for size in _LARGE:
        for fragment in _REPEATED:
            yield (fragment * size)[:size]
    while True:
        parts = chance.choices(_FRAGMENTS, k=chance.randint(1, 6))
        text = parts[0]
        for part in parts[1:]:
            text += chance.choice(_JOINTS) + part
        yield chance.choice(_SPOILT)(text, chance)


def _whole(text: str, _: random.Random) -> str:
    return text


def _broken(text: str, chance: random.Random) -> str:
    """Without a piece of it."""
    start, end = sorted((chance.randint(0, len(text)), chance.randint(0, len(text))))
    return text[:start] + text[end:]


def _strewn(text: str, chance: random.Random) -> str:
    """With letters put in anywhere, of the low ones or of all there are."""
    for _ in range(chance.randint(1, 8)):
        place = chance.randint(0, len(text))
        code = chance.choice((chance.randrange(0x100), chance.randrange(0x110000)))
        text = text[:place] + chr(code) + text[place:]
    return text


def _swapped(text: str, chance: random.Random) -> str:
    """In other cases and other forms of the same letters."""
    form = chance.choice(("NFC", "NFD", "NFKC", "NFKD"))
    return unicodedata.normalize(form, chance.choice((text.upper(), text.swapcase(), text[::-1])))


def _repeated(text: str, chance: random.Random) -> str:
    return text * chance.randint(2, 20)


_SPOILT: tuple[Callable[[str, random.Random], str], ...] = (
    _whole, _whole, _whole, _broken, _strewn, _swapped, _repeated,
)  # fmt: skip


def _distinct(count: int) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for text in _made():
        found[text] = None
        if len(found) == count:
            break
    return tuple(found)


STRINGS = _distinct(COUNT)


def batches(size: int) -> Iterator[tuple[str, ...]]:
    """All of them, *size* at a time."""
    for start in range(0, len(STRINGS), size):
        yield STRINGS[start : start + size]


def graph_of(texts: Sequence[str], *, labels: int = 1) -> StateGraph:
    """A picture in which each text is the name of a state, its docstring, colour and an event.

    Args:
        labels: How many events an edge has.
    """
    nodes = tuple(GraphNode(text, color=text, doc=text) for text in texts)
    edges = (
        GraphEdge(
            nodes[place],
            nodes[min(place + 1, len(nodes) - 1)],
            tuple(map(Label, texts[place * labels :][:labels])),
        )
        for place in range(-(-len(texts) // labels))
    )
    return StateGraph(texts[0], nodes, (), tuple(edges))


def boxes_of(texts: Sequence[str]) -> StateGraph:
    """A picture in which each text is the name of a box and of a guard."""
    nodes = tuple(GraphNode(f"n{place}") for place in range(len(texts)))
    clusters = [Cluster(text, (node,)) for text, node in zip(texts, nodes, strict=True)]
    edges = (GraphEdge(box, box.nodes[0], (Label("go", f"[{box.name}]"),)) for box in clusters)
    return StateGraph(texts[-1], nodes, tuple(clusters), tuple(edges))


def history_of(text: str, place: int) -> list[Record]:
    """The steps of a run, in which *text* is each word that a journal keeps."""
    began = place * 1_000_000
    return [
        Record(text, seq, text, text, text, began + seq * 500_000, text, None, text)
        for seq in (1, 2)
    ]
