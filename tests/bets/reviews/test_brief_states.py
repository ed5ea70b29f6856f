"""Briefs in any order: what was understood is told by unit, the newest of each person, and asked of who was silent."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from counterpoint.bets.reviews.briefs import answer, brief, briefs_of, unread_briefs, write_brief
from counterpoint.errors import InputError, NotAllowedError, NotFoundError
from counterpoint.graph.actor import Actor
from tests.bets.concerns.conftest import ADMIN, ANA, BO, BOSS, CLEO, TOKEN
from tests.bets.machines import OnGraph

TRIBE, DISCOVERY, PLAYER = (f"group:default/{name}" for name in ("listening", "discovery", "player"))
HOMES = {ANA: DISCOVERY, BO: DISCOVERY, CLEO: PLAYER, BOSS: TRIBE, ADMIN: None}
PEOPLE = (*HOMES, TOKEN)


class Briefs(OnGraph):
    """All briefs and all answers, written anew beside the store."""

    @initialize()
    def start(self) -> None:
        self.open_graph()
        self.given: dict[str, str] = {}
        self.said: dict[str, dict[Actor, tuple[str, str]]] = {}

    @rule(
        who=st.sampled_from(PEOPLE),
        unit=st.sampled_from((TRIBE, DISCOVERY, "nothing")),
        readers=st.sampled_from((TRIBE, DISCOVERY, PLAYER)),
        text=st.sampled_from(("", "Licences end in May.")),
    )
    def somebody_gives_context(self, who: Actor, unit: str, readers: str, text: str) -> None:
        # Who is of a unit speaks for it; an administrator and a token that may write do for each.
        own = who in (ADMIN, TOKEN) or HOMES.get(who) == unit or (unit == TRIBE and HOMES.get(who))
        refused = (
            InputError
            if not text
            else NotFoundError
            if unit == "nothing"
            else None
            if own
            else NotAllowedError
        )
        try:
            made = write_brief(self.graph, unit, "Licences", text, readers, actor=who)
        except (InputError, NotAllowedError, NotFoundError) as error:
            assert type(error) is refused, error.message  # noqa: PT017 - which one is part of the model
            return
        assert refused is None
        self.given[made.id] = readers
        self.said[made.id] = {}

    @rule(
        who=st.sampled_from(PEOPLE), text=st.sampled_from(("", "We hurry.", "We wait.")), at=st.integers(0, 3)
    )
    def somebody_says_what_they_understood(self, who: Actor, text: str, at: int) -> None:
        number = [*self.given, "0" * 32][min(at, len(self.given))]
        missing = NotFoundError if number not in self.given else None
        refused = InputError if not text else NotAllowedError if who is TOKEN else missing
        try:
            answer(self.graph, number, text, actor=who)
        except (InputError, NotAllowedError, NotFoundError) as error:
            assert type(error) is refused, error.message  # noqa: PT017 - which one is part of the model
            return
        assert refused is None
        readers = self.given[number]
        home = HOMES[who]
        self.said[number][who] = (home if home and self.holds(readers, home) else readers, text)

    @staticmethod
    def holds(readers: str, unit: str) -> bool:
        return readers in (unit, TRIBE)

    @invariant()
    def everybody_reads_the_newest_of_each_by_unit(self) -> None:
        for number, readers in self.given.items():
            told = sorted(self.said[number].values())
            asked = {DISCOVERY, PLAYER} if readers == TRIBE else {readers}
            for who in PEOPLE:
                found = brief(self.graph, number, actor=who)
                assert [(each.unit, each.text) for each in found.answers] == told
                assert found.mine == self.said[number].get(who, ("", ""))[1]
                assert set(found.silent) == asked - {unit for unit, _ in told}

    @invariant()
    def who_was_asked_and_said_nothing_is_asked_again(self) -> None:
        for who, home in HOMES.items():
            with self.graph.read() as reader:
                waiting = {number for number, _ in unread_briefs(reader, who, reader.units_of(who.ref))}
                listed, _ = briefs_of(reader, who)
            assert [each.id for each in listed] == list(reversed(self.given))
            assert waiting == {
                number
                for number, readers in self.given.items()
                if home and self.holds(readers, home) and who not in self.said[number]
            }


Briefs.TestCase.settings = settings(max_examples=20, stateful_step_count=14, deadline=None)
TestBriefs = Briefs.TestCase
