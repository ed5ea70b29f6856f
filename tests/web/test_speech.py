"""Templates that speak the reader's words: what of a template is told, and what is left alone."""

import json

import pytest

from counterpoint.graph.customs import Custom, UnitCustoms
from counterpoint.vocabulary import Words
from counterpoint.web.render import PageContext, environment
from counterpoint.web.speech import speaking

PODS = Words({"squad": ("pod", "pods"), "bet": ("attempt", "attempts"), "flag": ("switch", "switches")})


def spoken(source: str, **values: object) -> str:
    template = environment().from_string(source)
    with speaking(PODS):
        return template.render(**values)


@pytest.mark.parametrize(
    ("source", "html"),
    [
        ("<p>The squad's bets</p>", "<p>The pod's attempts</p>"),
        ("<p>A bet of a squad</p>", "<p>An attempt of a pod</p>"),
        ("<b>A</b> bet", "<b>A</b> attempt"),
        ('<a class="bet" href="/bets" id="flag">Bets</a>', '<a class="bet" href="/bets" id="flag">Attempts</a>'),
        ('<input aria-label="The bet" name="bet" value="bet">', '<input aria-label="The attempt" name="bet" value="bet">'),
        ('<td data-label="Flag">x</td>', '<td data-label="Switch">x</td>'),
        ("<code>bet</code> bet <pre>squad</pre>", "<code>bet</code> attempt <pre>squad</pre>"),
        ("<!-- a bet --> bet", "<!-- a bet --> attempt"),
        ('<p title="{{ x }} bets">bets</p>', '<p title="v attempts">attempts</p>'),
        ('{{ "No bets yet" }}', "No attempts yet"),
        ('{{ "Bets" if x else "bets" }}', "Attempts"),
        ('{% for text, href in [("Bets", "/bets")] %}{{ text }}{{ href }}{% endfor %}', "Attempts/bets"),
        ('{{ "yes" if "Bet" == kind }}', "yes"),
        ('{{ "yes" if kind in ("Bet", "Flag") }}', "yes"),
        ('{{ "yes" if kind not in ["Squad"] }}', "yes"),
        ('{{ {"Bet": "one"}[kind] }}{{ {"Bet": 1}["Bet"] }}', "one1"),
        ('{{ "the squad" ~ " bets" }}', "the pod attempts"),
        ("{{ title }}", "The squad bet"),
        ("{{ title | told }}", "The pod attempt"),
        ('{{ "counterpoint import flags FILE" }}', "counterpoint import flags FILE"),
        ('{{ 3 | plural("bet") }}, {{ 1 | plural("bet", "bets") }}', "3 attempts, 1 attempt"),
        ('{{ "squad" | noun }} {{ "squad" | nouns }} {{ "Squad" | noun }} {{ "service" | noun }}', "pod pods Pod service"),
        ('{{ "Bet" | kind_words }}, {{ "FlagSet" | kind_word }}, {{ "Component" | kind_words }}', "Attempts, Switch set, Components"),
    ],
)  # fmt: skip
def test_what_a_template_says_itself_is_told_and_values_and_keys_are_not(source: str, html: str) -> None:
    assert spoken(source, x="v", kind="Bet", title="The squad bet") == html


def test_words_hold_for_one_page_only() -> None:
    assert spoken("squad") == "pod"
    assert environment().from_string("squad").render() == "squad"


def test_scripts_are_told_what_kinds_are_called_where_that_differs() -> None:
    page = PageContext(
        "Arpeggio", "/", "Ana", True, "", customs=UnitCustoms(nouns={"bet": Custom(("wager", "wagers"))})
    )
    assert json.loads(page.kind_words) == {
        "Bet": "Wager",
        "FlagSet": "Flag set",
        "PolicyPack": "Policy pack",
        "RolloutTemplate": "Rollout template",
        "UnitType": "Unit type",
    }
