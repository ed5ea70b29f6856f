"""What the command line offers, as a table, and the overview that is printed from it."""

from counterpoint import __version__

COMMANDS: dict[str, dict[str, tuple[str, str]]] = {
    "": {
        "demo": ("counterpoint.demo.commands:demo", "Build the demo workspace Arpeggio and serve it."),
        "init": ("counterpoint.cli.workspace_commands:init", "Make an empty workspace."),
        "doctor": ("counterpoint.cli.workspace_commands:doctor", "Check a workspace and say what to mend."),
        "history": (
            "counterpoint.catalog.history.commands:history",
            "Show the versions of an entity, and what changed.",
        ),
        "serve": ("counterpoint.server.commands:serve", "Serve the web UI and the APIs."),
        "mcp": ("counterpoint.server.mcp.commands:serve_stdio", "Serve the MCP on stdio, for an assistant."),
        "backup": (
            "counterpoint.backup.commands:backup",
            "Write a workspace into one archive, while others use it.",
        ),
        "restore": ("counterpoint.backup.commands:restore", "Make a workspace out of a backup."),
        "similar": (
            "counterpoint.catalog.reuse.commands:similar",
            "Say what exists already that is like a text or an entity.",
        ),
        "problems": ("counterpoint.catalog.commands:problems", "Say what is wrong in the catalog's files."),
    },
    "import": {
        "catalog": (
            "counterpoint.catalog.commands:import_catalog",
            "Read catalog-info.yaml files, folders, globs or checkouts.",
        ),
        "people": (
            "counterpoint.people.commands:import_people",
            "Read people, units and memberships from CSV or YAML.",
        ),
        "flags": (
            "counterpoint.flags.set_commands:import_flags",
            "Read flagd flag definition files into a flag set.",
        ),
        "events": (
            "counterpoint.journal.commands:import_events",
            "Read CloudEvents as NDJSON, or Parquet or CSV with a mapping.",
        ),
    },
    "locations": {
        "list": (
            "counterpoint.catalog.location_commands:list_locations",
            "List what the catalog is read from.",
        ),
        "remove": (
            "counterpoint.catalog.location_commands:remove_location",
            "Take back what was imported, with what came from it.",
        ),
    },
    "people": {
        "list": ("counterpoint.people.commands:list_people", "List people with their units."),
        "show": ("counterpoint.people.commands:show_person", "Show one person's memberships over time."),
        "export": (
            "counterpoint.people.commands:export_people",
            "Print people and units as Backstage's YAML, or as CSV.",
        ),
    },
    "units": {
        "list": ("counterpoint.people.commands:list_units", "List units as a tree, at any date."),
        "show": ("counterpoint.people.commands:show_unit", "Show one unit: people, parts, what it owns."),
        "retire": (
            "counterpoint.people.commands:retire_unit",
            "Retire a unit, with a new home for each thing it owns.",
        ),
    },
    "bets": {
        "list": ("counterpoint.bets.commands:list_bets", "List the bets with stage and what is missing."),
        "stages": ("counterpoint.bets.commands:stages", "Print what each stage is for, and who works on it."),
        "board": ("counterpoint.bets.commands:board", "Print a unit's board: now, next and later."),
        "rank": ("counterpoint.bets.commands:order", "Move a bet on a board."),
        "estimate": (
            "counterpoint.bets.judgement.commands:estimate",
            "Estimate a quantity of a bet as a 10/50/90 % range.",
        ),
        "next-test": (
            "counterpoint.bets.judgement.commands:next_test",
            "Say which cheap test a bet runs next, and why.",
        ),
        "portfolio": (
            "counterpoint.bets.judgement.commands:portfolio",
            "Say which bet comes first, and where that is a tie.",
        ),
        "agenda": (
            "counterpoint.bets.reviews.commands:agenda",
            "Tell what a review would talk about today.",
        ),
        "digest": ("counterpoint.bets.reviews.commands:digest", "Tell what happened to bets in a week."),
        "calibration": (
            "counterpoint.bets.judgement.commands:calibration",
            "Say how well the organisation predicts.",
        ),
    },
    "bets evidence": {
        "list": ("counterpoint.bets.commands:show_evidence", "Print the evidence about a bet."),
        "add": ("counterpoint.bets.commands:add", "Write down evidence about a risk of a bet."),
    },
    "decisions": {
        "list": ("counterpoint.bets.deciding.commands:list_decisions", "List the decision log, by words."),
        "export": (
            "counterpoint.bets.deciding.commands:export_decisions",
            "Print decisions as Markdown in MADR's shape.",
        ),
        "import": (
            "counterpoint.bets.deciding.commands:import_decisions",
            "Propose decisions from files in MADR's shape.",
        ),
    },
    "flags": {
        "eval": ("counterpoint.flags.commands:evaluate", "Evaluate one flag for one context."),
        "list": ("counterpoint.flags.set_commands:list_flags", "List flag sets, or the flags of one."),
        "export": ("counterpoint.flags.set_commands:export", "Print a flag set as flagd's JSON."),
        "delete": (
            "counterpoint.flags.set_commands:delete",
            "Delete a flag set, and say what it was joined to.",
        ),
        "versions": (
            "counterpoint.flags.version_commands:versions",
            "List the versions of a flag set: who changed what, and why.",
        ),
        "diff": (
            "counterpoint.flags.version_commands:diff",
            "Show what differs between two versions of a flag set.",
        ),
        "restore": (
            "counterpoint.flags.version_commands:restore",
            "Let a flag set be again what it was in a version.",
        ),
        "environments": (
            "counterpoint.flags.version_commands:environments",
            "Show a flag set in every environment.",
        ),
        "promote": (
            "counterpoint.flags.version_commands:promote",
            "Copy flags from one environment to another.",
        ),
        "compose": (
            "counterpoint.flags.composition_commands:compose",
            "Publish plans: ramps, layers, holdouts, prerequisites.",
        ),
        "composition": (
            "counterpoint.flags.composition_commands:composition",
            "Print the plans of a flag set.",
        ),
        "ramp": ("counterpoint.flags.composition_commands:ramp", "Enrol a percentage of users in a flag."),
        "kill": ("counterpoint.flags.composition_commands:kill", "Give everybody a flag's default at once."),
        "revive": ("counterpoint.flags.composition_commands:revive", "Take a kill back."),
        "lint": ("counterpoint.flags.care_commands:lint", "Say what is wrong with flag definitions."),
        "stale": ("counterpoint.flags.care_commands:stale", "Say which flags can go, and what to do next."),
        "references": (
            "counterpoint.flags.care_commands:references",
            "Find the places in code that name flags.",
        ),
        "trace": ("counterpoint.flags.care_commands:trace", "Say step by step why a context gets its value."),
        "simulate": (
            "counterpoint.flags.care_commands:simulate",
            "Say who would get what from a changed definition.",
        ),
    },
    "experiments": {
        "analyze": (
            "counterpoint.experiments.commands:analyze",
            "Print the results and the shipping recommendation.",
        ),
        "explore": (
            "counterpoint.experiments.commands:explore",
            "Look at an experiment that does not say when it is read.",
        ),
        "plan": (
            "counterpoint.experiments.sizing_commands:plan",
            "Print how many users and days an experiment needs.",
        ),
        "calendar": (
            "counterpoint.experiments.coordination.commands:calendar",
            "Show when experiments run, and which may change each other.",
        ),
        "interactions": (
            "counterpoint.experiments.coordination.commands:interactions",
            "Say whether experiments change each other's effect.",
        ),
        "record": (
            "counterpoint.experiments.record_commands:record",
            "Print the decision record: what was asked, planned, found and decided.",
        ),
    },
    "rollouts": {
        "list": ("counterpoint.rollouts.commands:list_rollouts", "List rollouts with where each stands."),
        "status": (
            "counterpoint.rollouts.commands:status",
            "Show where a rollout stands, and what its guardrails say.",
        ),
        "start": ("counterpoint.rollouts.commands:start", "Publish the first step, or begin again."),
        "approve": ("counterpoint.rollouts.commands:approve", "Let the next step begin."),
        "pause": ("counterpoint.rollouts.commands:pause", "Keep everybody where they are."),
        "resume": ("counterpoint.rollouts.commands:resume", "Go on from the present step."),
        "proceed": ("counterpoint.rollouts.commands:proceed", "Go to the next step now, with a reason."),
        "complete": ("counterpoint.rollouts.commands:complete", "Go to the last step now, with a reason."),
        "roll-back": ("counterpoint.rollouts.commands:roll_back", "Give everybody the default."),
        "notes": ("counterpoint.rollouts.commands:notes", "Print release notes of a step, from its bet."),
        "step": ("counterpoint.rollouts.commands:step", "Check rollouts now, as the server does; for cron."),
        "simulate": (
            "counterpoint.rollouts.commands:simulate",
            "Say how often a plan stops a good change, and how late a bad one.",
        ),
    },
    "metrics": {
        "list": (
            "counterpoint.experiments.metrics.commands:list_metrics",
            "List the metrics, with who answers for them.",
        ),
        "show": ("counterpoint.experiments.metrics.commands:show", "Print a metric's figures day by day."),
        "check": (
            "counterpoint.experiments.metrics.commands:check",
            "Say what the events say against the metrics.",
        ),
    },
    "dashboards": {
        "list": (
            "counterpoint.experiments.dashboards.commands:list_dashboards",
            "List the dashboards with their units.",
        ),
        "show": (
            "counterpoint.experiments.dashboards.commands:show",
            "Print the newest figures of a dashboard.",
        ),
    },
    "concerns": {
        "raise": (
            "counterpoint.bets.concerns.commands:raise_concern",
            "Raise a concern about a bet: a date or quality is at risk.",
        ),
        "list": (
            "counterpoint.bets.concerns.commands:list_concerns",
            "List the concerns that you may see.",
        ),
        "answer": (
            "counterpoint.bets.concerns.commands:answer_concern",
            "Acknowledge a concern, ask, offer help, change a constraint; or reply as its squad.",
        ),
    },
    "feedback": {
        "import": (
            "counterpoint.bets.feedback.commands:import_feedback",
            "Read feedback from a CSV file.",
        ),
    },
    "scorecards": {
        "check": (
            "counterpoint.catalog.scorecards.commands:check",
            "Say which checks pass, and what to do next.",
        ),
    },
    "vocabulary": {
        "list": (
            "counterpoint.people.vocabulary_commands:list_words",
            "Show what every noun is called, and by whom.",
        ),
        "set": ("counterpoint.people.vocabulary_commands:set_words", "Rename nouns, here or in one unit."),
        "use": ("counterpoint.people.vocabulary_commands:use_pack", "Take a ready vocabulary."),
    },
    "practices": {
        "list": (
            "counterpoint.people.vocabulary_commands:list_practices",
            "Show practices, policies and limits, and who set them.",
        ),
        "set": (
            "counterpoint.people.vocabulary_commands:set_practices",
            "Switch practices; set policies and limits.",
        ),
    },
    "discover": {
        "fit": (
            "counterpoint.discover.commands:fit",
            "Fit a version of a recommender, or a model to a log in files.",
        ),
        "versions": (
            "counterpoint.discover.version_commands:versions",
            "List the versions of a recommender, and what each is worth.",
        ),
        "forget": (
            "counterpoint.discover.version_commands:forget",
            "Forget a listener, down to the models.",
        ),
        "follow": (
            "counterpoint.discover.version_commands:follow",
            "Fit versions anew that hold somebody who was forgotten.",
        ),
        "recommend": (
            "counterpoint.discover.commands:recommend",
            "Print the best items for a listener, or for a history.",
        ),
        "weekly": (
            "counterpoint.discover.listener_commands:weekly",
            "Make everybody's playlist of the week.",
        ),
        "link": (
            "counterpoint.discover.listener_commands:link",
            "Make a link to a listener's own page, for them alone.",
        ),
        "evaluate": (
            "counterpoint.discover.evaluate_commands:evaluate",
            "Compare methods on held-out entries, with intervals.",
        ),
        "creators": (
            "counterpoint.discover.creators_commands:creators",
            "Show where a creator's listeners come from, and whom to try next.",
        ),
    },
    "events": {
        "compact": (
            "counterpoint.journal.commands:compact",
            "Move events into Parquet segments, merge small ones, let go what is too old.",
        ),
        "retention": (
            "counterpoint.journal.commands:retention",
            "Show how long events are kept, what is due to go, and what went.",
        ),
        "health": (
            "counterpoint.journal.health_command:health",
            "Say how much arrives, how late, and what is refused and why.",
        ),
        "forget": (
            "counterpoint.journal.erasure_commands:forget",
            "Remove a person's events for good, and prove it.",
        ),
    },
    "account": {
        "create": ("counterpoint.server.commands:create_account", "Make a local account that can sign in."),
        "list": ("counterpoint.server.commands:list_accounts", "List the people who can sign in."),
        "password": (
            "counterpoint.server.commands:change_password",
            "Give an account a new password and end its sessions.",
        ),
        "remove": (
            "counterpoint.server.commands:remove_account",
            "Take an account away; what the person wrote stays.",
        ),
    },
    "token": {
        "create": ("counterpoint.server.commands:create_token", "Make an API token; it is shown once."),
        "list": ("counterpoint.server.commands:list_tokens", "List the API tokens."),
        "revoke": ("counterpoint.server.commands:revoke_token", "Make an API token useless at once."),
    },
}
"""Group (or none) and name of each command, with the function's address and the line in `--help`."""

GROUPS = {
    "import": "Bring in a catalog, people, flags or events.",
    "people": "People and their memberships.",
    "locations": "What the catalog is read from.",
    "units": "Units of the organisation.",
    "bets": "What units try: boards, their order, estimates, reviews.",
    "bets evidence": "What is known about the risks of bets.",
    "decisions": "The decision log.",
    "flags": "Evaluate, check, compare and promote flags.",
    "experiments": "Plan and read experiments.",
    "rollouts": "Move flags through steps, against guardrails.",
    "metrics": "What is measured, and whether its events come.",
    "dashboards": "What units look at.",
    "discover": "Recommend from what people put together.",
    "concerns": "Risks to a date or to quality, said early.",
    "feedback": "What people outside said.",
    "scorecards": "Check what the catalog says of things.",
    "vocabulary": "What the organisation calls things.",
    "practices": "What units do, and what their rules ask for.",
    "events": "Care for the journal.",
    "account": "People who sign in with a password.",
    "token": "API tokens for services and scripts.",
}

OPTIONS = {
    "--workspace, -w": "The workspace folder (default: $COUNTERPOINT_WORKSPACE, else here).",
    "--json": "Machine-readable output on stdout.",
    "--verbose, -v": "Say more on stderr.",
}
"""The options that every command takes."""


def overview() -> str:
    """Every command and global option, a line each."""
    rows = {
        f"{group} {name}".strip(): line
        for group, names in COMMANDS.items()
        for name, (_, line) in names.items()
    }
    extra = {"--help, -h": "Show this, or the help of a command.", "--version": "Show the version."}
    parts = [
        "Usage: counterpoint COMMAND [OPTIONS]",
        f"Counterpoint {__version__}: the product operating system for organisations of autonomous teams.",
        _table("Commands", rows),
        _table("Options of every command", OPTIONS | extra),
        "Begin with `counterpoint demo`, or with `counterpoint init DIR`.",
    ]
    return "\n\n".join(parts) + "\n"


def _table(title: str, rows: dict[str, str]) -> str:
    return "\n".join([f"{title}:", *(f"  {name:<22}{line}" for name, line in rows.items())])
