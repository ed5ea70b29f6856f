"""Addresses of engines."""

import doctest

import pytest

import counterpoint.engine
from counterpoint.engine import EngineAddress, chosen_engine, read_engine


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("duckdb", EngineAddress(kind="duckdb")),
        ("spark://local", EngineAddress(kind="spark", master="local")),
        ("spark://local[2]", EngineAddress(kind="spark", master="local[2]")),
        ("spark://local[*]", EngineAddress(kind="spark", master="local[*]")),
        ("spark://a:7077,b:7077", EngineAddress(kind="spark", master="spark://a:7077,b:7077")),
        ("clickhouse://local", EngineAddress(kind="clickhouse")),
        ("clickhouse://lake", EngineAddress(kind="clickhouse", host="lake")),
        ("clickhouse://local:8123", EngineAddress(kind="clickhouse", host="local", port=8123)),
        (
            "clickhouse://ana:s%40%2F@[::1]:8443/events?secure=true",
            EngineAddress(
                kind="clickhouse",
                host="::1",
                port=8443,
                user="ana",
                password="s@/",
                database="events",
                secure=True,
            ),
        ),
    ],
)
def test_an_address_is_read(text: str, address: EngineAddress) -> None:
    assert read_engine(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "", "spark", "clickhouse", "duckdb://x", "spark://", "spark://local[]", "spark://host", "clickhouse://", "mysql://h",
        "clickhouse://h:port", "clickhouse://h:70000", "clickhouse://h/a/b", "clickhouse://h?x=1", "clickhouse://h?secure=1",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused_with_what_one_looks_like(text: str) -> None:
    with pytest.raises(ValueError, match=r"it knows duckdb, spark and clickhouse|; write "):
        read_engine(text)


def test_a_password_is_never_shown() -> None:
    assert (
        read_engine("clickhouse://ana:secret@lake:8443/events").shown
        == "clickhouse://ana:***@lake:8443/events"
    )
    with pytest.raises(ValueError, match="clickhouse") as refused:
        read_engine("clickhouse://ana:secret@lake/a/b")
    assert "secret" not in str(refused.value)


def test_a_name_alone_means_the_engine_of_the_settings_or_this_machine() -> None:
    lake = read_engine("clickhouse://lake")
    assert chosen_engine(lake, None) == chosen_engine(lake, "clickhouse") == lake
    assert chosen_engine(lake, "spark").master == "local[*]"
    assert chosen_engine(lake, "duckdb").kind == "duckdb"
    assert chosen_engine(lake, "clickhouse://local").host is None


def test_the_examples_are_true() -> None:
    assert doctest.testmod(counterpoint.engine).failed == 0


@pytest.mark.parametrize(
    "text", ["clickhouse:ana:secret@lake", "spark://ana:secret@lake", "clickhouse://ana:secret@lake:x"]
)
def test_an_address_that_is_none_does_not_show_its_password(text: str) -> None:
    with pytest.raises(ValueError, match="is no") as caught:
        read_engine(text)
    assert "secret" not in str(caught.value)
