"""How a program asks for the flags of a set: a few lines to copy, with the right address. Pure."""

import json
import shlex
from dataclasses import dataclass

from counterpoint.said import Said

__all__ = ["Snippet", "snippets_of"]


@dataclass(frozen=True, slots=True)
class Snippet:
    """A few lines to copy."""

    title: str
    note: Said
    text: str


ASKING = {
    "boolean": ("get_boolean_value", "False", "getBooleanValue", "false"),
    "string": ("get_string_value", '""', "getStringValue", '""'),
    "number": ("get_float_value", "0", "getNumberValue", "0"),
    "object": ("get_object_value", "{}", "getObjectValue", "{}"),
}
"""What asks for a type of value in Python and in JavaScript, each with a default for the code."""


def snippets_of(url: str, flag_set: str, key: str = "my-flag", kind: str = "boolean") -> list[Snippet]:
    """For a Python service, for JavaScript over OFREP, and for anything that speaks HTTP.

    Args:
        url: address of this server, without a slash at its end.
        flag_set: the set's name.
        key: a flag of it to ask for.
        kind: the type of its values.
    """
    named, quoted, place = (json.dumps(each, ensure_ascii=False) for each in (flag_set, key, url))
    ask, fallback, ask_js, fallback_js = ASKING[kind]
    python = f"""\
from counterpoint.openfeature import CounterpointProvider
from openfeature import api
from openfeature.evaluation_context import EvaluationContext

# The variable COUNTERPOINT_TOKEN holds the token.
api.set_provider(CounterpointProvider(url={place}, flag_set={named}))
api.get_client().{ask}({quoted}, {fallback}, EvaluationContext("user-1"))
"""
    javascript = f"""\
import {{ OpenFeature }} from "@openfeature/server-sdk";
import {{ OFREPProvider }} from "@openfeature/ofrep-provider";

await OpenFeature.setProviderAndWait(new OFREPProvider({{
  baseUrl: {place},
  headers: [["Authorization", `Bearer ${{process.env.COUNTERPOINT_TOKEN}}`], ["Flagd-Selector", {json.dumps(f"flagSetId={flag_set}")}]],
}}));
await OpenFeature.getClient().{ask_js}({quoted}, {fallback_js}, {{ targetingKey: "user-1" }});
"""
    body = json.dumps({"context": {"targetingKey": "user-1"}})
    shell = f"""\
curl {shlex.quote(f"{url}/ofrep/v1/evaluate/flags")} \\
  -H "Authorization: Bearer $COUNTERPOINT_TOKEN" \\
  -H {shlex.quote(f"Flagd-Selector: flagSetId={flag_set}")} \\
  -H 'Content-Type: application/json' -d {shlex.quote(body)}
"""
    return [
        Snippet("Python", "Evaluates in its own process, follows changes, and reports exposures.", python),
        Snippet("JavaScript", "Any OpenFeature SDK with an OFREP provider asks this server.", javascript),
        Snippet("HTTP", "All flags of the set for one context.", shell),
    ]
