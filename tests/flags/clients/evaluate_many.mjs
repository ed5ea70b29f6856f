// Evaluates flags with the unmodified flagd-core of npm: a JSON document a line in, one a line out.
//
// In:  {"definition": {...}, "key": "f", "contexts": [{...}], "now": 1790000000}
// Out: [["variant", "reason", "errorCode"], ...], an entry a context
//
// With "whole": true each entry goes on with the value and the metadata.
import readline from "node:readline";
import { FlagdCore } from "@openfeature/flagd-core";

const silent = { error() {}, warn() {}, info() {}, debug() {} };
const clock = Date.now;
let last = "";
let core;

for await (const line of readline.createInterface({ input: process.stdin })) {
  const { definition, key, contexts, now, whole } = JSON.parse(line);
  const written = JSON.stringify(definition);
  if (written !== last) {
    core = new FlagdCore(undefined, silent);
    core.setConfigurations(written);
    last = written;
  }
  Date.now = now === undefined ? clock : () => now * 1000;
  const value = Object.values((core.getFlag(key) ?? { variants: new Map() }).variants.values().next())[0];
  const type = { boolean: "Boolean", string: "String", number: "Number" }[typeof value] ?? "Object";
  const answers = contexts.map((context) => {
    const found = core[`resolve${type}Evaluation`](key, undefined, context, silent);
    const told = [found.variant ?? null, found.reason, found.errorCode ?? null];
    return whole ? [...told, found.value ?? null, found.flagMetadata ?? null] : told;
  });
  process.stdout.write(JSON.stringify(answers) + "\n");
}
