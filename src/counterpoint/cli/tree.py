"""What the command line offers, as a table, and the overview that is printed from it."""

from counterpoint import __version__

COMMANDS: dict[str, dict[str, tuple[str, str]]] = {
    "": {
        "demo": ("counterpoint.demo.commands:demo", "Build the demo workspace Arpeggio and serve it."),
        "init": ("counterpoint.cli.workspace_commands:init", "Make an empty workspace."),
        "doctor": ("counterpoint.cli.workspace_commands:doctor", "Check a workspace and say what to mend."),
        "serve": ("counterpoint.server.commands:serve", "Serve the web UI and the APIs."),
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
            "counterpoint.flags.commands:import_flags",
            "Read a flagd flag definition file into a flag set.",
        ),
        "events": (
            "counterpoint.journal.commands:import_events",
            "Read CloudEvents as NDJSON, or Parquet or CSV with a mapping.",
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
    "flags": {
        "eval": ("counterpoint.flags.commands:evaluate", "Evaluate one flag for one context."),
        "lint": ("counterpoint.flags.commands:lint", "Say what is wrong with a flag definition."),
    },
    "experiments": {
        "analyze": (
            "counterpoint.experiments.commands:analyze",
            "Print the results and the shipping recommendation.",
        ),
    },
    "events": {
        "compact": (
            "counterpoint.journal.commands:compact",
            "Move events from the intake into Parquet segments.",
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

EXAMPLES: dict[str, tuple[str, ...]] = {
    "demo": ("demo", "demo arpeggio --port 7800"),
    "init": ("init acme --name 'Acme Furniture'",),
    "doctor": ("-w acme doctor",),
    "serve": ("-w acme serve --no-auth", "-w acme serve --port 7800"),
    "import catalog": ("import catalog ~/checkouts/shop", "import catalog 'services/*/catalog-info.yaml' --dry-run"),
    "import people": ("import people units.csv people.csv", "import people people.yaml --dry-run"),
    "people list": ("people list", "people list --unit discovery --at 2026-03-31"),
    "people show": ("people show ana.moreira",),
    "people export": ("people export > people.yaml", "people export --format csv > people.csv"),
    "units list": ("units list --at 2026-03-31",),
    "units show": ("units show discovery",),
    "units retire": (
        "units retire radio --to playback --dry-run",
        "units retire radio --home component:default/tuner=discovery --to playback",
    ),
    "import flags": ("import flags flags.json", "import flags mobile.json --set mobile --owner group:default/apps"),
    "import events": ("import events events.ndjson", "import events test.csv --mapping mapping.yaml"),
    "flags eval": ("""flags eval new-checkout --context '{"targetingKey": "user-1"}'""",),
    "flags lint": ("flags lint flags.json", "flags lint --set mobile"),
    "experiments analyze": (
        "experiments analyze one-page-checkout",
        "experiments analyze one-page-checkout --no-record --json",
    ),
    "account create": ("account create ana --admin",),
    "account password": ("account password ana",),
    "account remove": ("account remove ana",),
    "token create": ("token create ci --scope write events:write --days 90",),
    "token revoke": ("token revoke ci",),
}  # fmt: skip
"""What a command's help shows as examples, without the program's name."""

GROUPS = {
    "import": "Bring in a catalog, people, flags or events.",
    "people": "People and their memberships.",
    "units": "Units of the organisation.",
    "flags": "Evaluate and check flags.",
    "experiments": "Read experiments.",
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
