"""What only some may see, asked for through every door: API, pages, search, activity and the live stream."""

import asyncio
import json
from collections.abc import Callable
from contextlib import aclosing
from typing import Any

from counterpoint import Workspace
from counterpoint.bets.feedback.store import take_in
from counterpoint.bets.judgement.predicting import ask, predict
from counterpoint.bets.judgement.predicting import take_step as step_question
from counterpoint.bets.judgement.prediction import Step
from counterpoint.bets.reviews.sittings import Step as ReviewStep
from counterpoint.bets.reviews.sittings import advance, open_review, vote
from counterpoint.graph.actor import Actor
from counterpoint.server.app import create_app
from counterpoint.server.live import Live
from tests.asking import assisted
from tests.bets.concerns.conftest import ANA, BET, BO, CLEO
from tests.bets.concerns.test_doors import HTML, Person, people
from tests.server.conftest import _quick_hashes, csrf, make_client, sign_in, token

__all__ = ["_quick_hashes", "csrf", "make_client", "people", "sign_in", "token"]

DOORS = (
    *("/api/v1/bets/default/weekly", "/api/v1/bets/default/weekly/questions", "/api/v1/bets/why"),
    *("/api/v1/boards?unit=discovery", "/api/v1/feedback", "/api/v1/reviews?unit=discovery"),
    *("/api/v1/digest", "/api/v1/my-week", "/api/v1/predictions/mine", "/api/v1/predictions/calibration"),
    *("/api/v1/activity", "/api/v1/search?q=quagga", "/api/v1/line?ref=" + BET),
    *("/bets/default/weekly", "/bets/board?unit=discovery", "/bets/default/weekly/judgement"),
    *("/predictions", "/feedback", "/bets/reviews?unit=discovery", "/bets/digest", "/my-week"),
    *(
        "/activity",
        "/search?q=quagga",
        "/catalog/bet/default/weekly",
        "/api/v1/entities/bet/default/weekly/history",
    ),
    *(
        "/api/catalog/entities",
        "/units/default/discovery",
        "/people/default/ana",
        "/",
        "/api/v1/people/export",
        "/metrics",
    ),
)
"""Everything that could tell of a prediction, of a giver or of a fist, beside their own addresses."""


def told(reader: Person, *more: str) -> str:
    """All that a reader is told."""
    answers = []
    for door in (*DOORS, *more):
        page = not door.startswith(("/api/", "/metrics"))
        answer = reader.get(door, headers=HTML if page else {})
        assert answer.status_code == 200, door
        answers.append(answer.text)
    return "\n".join((*answers, *assisted(reader.post)))


def streamed(workspace: Workspace) -> str:
    """Everything that the live stream has to tell from the first change on."""
    workspace.graph.follower.period = 0.01
    last = workspace.graph.last_activity()

    async def scenario() -> str:
        live, seen = Live(workspace), []
        async with live.lifespan(create_app(workspace, auth=False)), aclosing(live.stream(0)) as stream:
            async with asyncio.timeout(20):
                async for message in stream:
                    seen.append(repr(message))
                    if message.event and int(message.id or 0) >= last:
                        break
        return "\n".join(seen)

    return asyncio.run(scenario())


def test_a_prediction_is_told_to_whoever_made_it_alone(
    workspace: Workspace, people: Callable[[str], Person]
) -> None:
    ana, cleo, root = people("ana"), people("cleo"), people("root")
    number = ask(workspace.graph, BET, "Will it be kept?", actor=ANA).id
    for actor, p in ((ANA, 0.31417), (BO, 0.62718)):
        predict(workspace.graph, number, p, actor=actor)
    own = (f"/predictions/{number}", f"/api/v1/predictions/{number}")
    for revealed in (False, True):
        if revealed:
            step_question(workspace.graph, number, Step.REVEAL, actor=ANA)
        texts = [told(each, *own) for each in (cleo, root)]
        for text in (*texts, streamed(workspace)):
            assert not any(secret in text for secret in ("0.31417", "31.417", "0.62718", "62.718"))
        mine = told(ana, *own)
        assert "0.31417" in mine
        assert "0.62718" not in mine
        shown = [each.get(own[0], headers=HTML).text for each in (ana, cleo, root)]
        # With the sign of per cent: the number of a question has a 31 in it one time in eight.
        assert ["31\u202f%" in text for text in shown] == ([True, False, False] if revealed else [False] * 3)


def test_who_gave_feedback_is_told_to_its_unit_alone(
    workspace: Workspace, people: Callable[[str], Person]
) -> None:
    ana, cleo, root = people("ana"), people("cleo"), people("root")
    given = take_in(
        workspace.graph, "discovery", "Hm.", actor=CLEO, giver="Quaggagiver", contact="me@quagga.x"
    )
    own = (f"/feedback/{given.feedback.id}", f"/api/v1/feedback/{given.feedback.id}")
    for text in (told(cleo, *own), told(root, *own), streamed(workspace)):
        assert "Quaggagiver" not in text
        assert "me@quagga" not in text
        assert given.secret not in text
    assert "Quaggagiver" in told(ana, *own)


def test_fists_are_told_to_members_alone(workspace: Workspace, people: Callable[[str], Person]) -> None:
    ana, cleo, root = people("ana"), people("cleo"), people("root")
    squad = frozenset({"group:default/discovery"})
    review = open_review(workspace.graph, "discovery", actor=ANA).id
    receipts = [
        vote(workspace.graph, review, fist, actor=Actor(f"user:default/m{at}", "M", "person", units=squad))
        for at, fist in enumerate((2, 2, 4, 4, 5, 5))
    ]
    address = f"/api/v1/reviews/{review}"
    assert {fists(each, address) for each in (ana, cleo, root)} == {"null"}
    advance(workspace.graph, review, ReviewStep.REVEAL, actor=ANA)
    assert [fists(each, address) for each in (ana, cleo, root)] == ["[0, 2, 0, 2, 2]", "null", "null"]
    for text in (*(told(each, address) for each in (cleo, root)), streamed(workspace)):
        assert not any(receipt in text for receipt in receipts)
        assert "user:default/m0" not in text


def fists(reader: Person, address: str) -> str:
    answer: Any = reader.get(address).json()
    return json.dumps(answer["fists"])
