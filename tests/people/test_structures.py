"""Structures that are kept in memory answer as if they were read anew; large maps stay readable."""

from datetime import UTC, datetime, timedelta

from counterpoint.graph import SYSTEM
from counterpoint.people.dates import When, now
from counterpoint.people.memberships import end, join
from counterpoint.people.model import Membership
from counterpoint.people.structure import load_structure
from counterpoint.people.structures import Structures
from tests.graph.documents import group, user
from tests.people.test_people_pages import page

DISCOVERY = "group:default/discovery"


def test_what_is_kept_follows_every_change_and_the_clock(org):
    kept, soon = Structures(), datetime.now(UTC) + timedelta(hours=1)
    with org.read() as reader:
        first = kept.of(reader, now())
        assert kept.of(reader, now()) is first
        yesterday = datetime.now(UTC) - timedelta(days=1)
        assert kept.of(reader, When(yesterday, yesterday)).units == {}
        assert kept.of(reader, now()) is first
    with org.write(SYSTEM) as writer:
        made, _ = join(writer, Membership(person="eve", unit="discovery", start=soon))
    with org.read() as reader:
        for moment, there in ((now().moment, False), (soon, True), (now().moment, False)):
            found = kept.of(reader, When(moment))
            assert ("user:default/eve" in found.people_within(DISCOVERY)) is there
            assert found.people == load_structure(reader, When(moment)).people
    with org.write(SYSTEM) as writer:
        end(writer, str(made.id), now().moment)
    with org.read() as reader:
        assert "user:default/eve" not in kept.of(reader, When(soon)).people_within(DISCOVERY)


def test_a_large_map_is_shown_from_the_top_and_in_full_when_asked(client, acme):
    with acme.graph.write(SYSTEM) as writer:
        for number in range(40):
            writer.put(group(f"craft-{number}", type="chapter"))
        for number in range(80):
            writer.put(group(f"area-{number}", type="area", parent="acme"))
            writer.put(group(f"inner-{number}", type="squad", parent=f"area-{number}"))
        writer.put(user("fay", "inner-7"))
    text = page(client, "/organisation")
    assert "/units/default/area-7" in text
    assert "Show all" in text
    assert "/units/default/inner-7" not in text
    assert "1 unit in it" in text
    text = page(client, "/organisation", depth="99")
    assert "/units/default/inner-7" in text
    assert "Show all" not in text
