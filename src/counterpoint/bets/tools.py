"""What assistants may read of bets, boards, decisions and the week."""

from counterpoint.web.tools import Argument, Script, Source, Tool

__all__ = ["prompts", "sources", "tools"]

UNIT = Argument("unit", "A unit by its name or reference, such as `discovery`.", required=False)
BET = Argument("bet", "A bet by its name or reference, such as `weekly` or `bet:default/weekly`.", "Bet")

tools = (
    Tool(
        "read_board",
        "Board of a unit",
        "The bets of a unit and of everything in it: Now, Next and Later in their order, with stage, risks, concerns "
        "that everybody may see, staleness and the mix.",
        "/api/v1/boards",
        (UNIT,),
    ),
    Tool(
        "get_bet",
        "A bet",
        "A bet from its purpose to its newest verdict: beliefs, measures, flags, experiments, the four risks, what is "
        "missing before the next stage, and the decisions with what was known that day.",
        "/api/v1/bets/{namespace}/{name}",
        (BET,),
    ),
    Tool(
        "next_test",
        "Next best test of a bet",
        "The newest estimates of a bet as 10/50/90 % ranges, and the cheap test that is worth most to know first.",
        "/api/v1/bets/{namespace}/{name}/estimates",
        (BET,),
    ),
    Tool(
        "list_decisions",
        "Decision log",
        "Decisions with their state, by words, by unit and by state; each with its number.",
        "/api/v1/decisions",
        (
            Argument("q", "Words that it holds.", required=False),
            UNIT,
            Argument("limit", "How many at most, up to 200.", required=False, default=20),
        ),
    ),
    Tool(
        "read_week",
        "What happened in a week",
        "What happened to the bets of a unit, or to all, in one week.",
        "/api/v1/digest",
        (Argument("week", "An ISO week such as `2026-W48`; this one without.", required=False), UNIT),
    ),
)

sources = (
    Source("bet", "Bet", "A bet with its line from purpose to verdict.", "/api/v1/bets/{namespace}/{name}"),
)

prompts = (
    Script(
        "weekly_review",
        "Prepare the weekly bet review",
        "What a unit should talk about in its bet review this week, from what happened.",
        "Prepare the bet review of {unit}. Read its board with `read_board` and its week with `read_week`; look into "
        "every bet that is quiet, has evidence against it, or lacks something before its next stage, with `get_bet`. "
        "Say what changed, what contradicts what was believed, and which questions the squad should ask itself. Name "
        "where each statement comes from. Rank no units and no people, and decide nothing: the squad does.",
        (Argument("unit", "The unit whose review it is."),),
    ),
    Script(
        "bet_premortem",
        "Pre-mortem of a bet",
        "Imagine that a bet has failed, and find out why from what is known of it.",
        "It is a year from now and the bet {bet} has failed. Read it with `get_bet` and its estimates with `next_test`. "
        "Tell the five likeliest stories of how it came to that, each tied to one of its four risks and to evidence "
        "that is there or missing, and for each the cheapest test that would have shown it early. Say what would have "
        "to be seen to stop, and whether the bet has written it down.",
        (Argument("bet", "The bet, by its name or reference."),),
    ),
)
