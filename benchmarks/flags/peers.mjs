// Evaluations a second of the unmodified flagd-core of npm: node peers.mjs FOLDER < {"definition", "key", "users"}
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const { FlagdCore } = createRequire(process.argv[2] + "/")("@openfeature/flagd-core");
const { definition, key, users } = JSON.parse(readFileSync(0, "utf8"));
const silent = { error() {}, warn() {}, info() {}, debug() {} };
const core = new FlagdCore(undefined, silent);
core.setConfigurations(JSON.stringify(definition));
let best = 0;
let on = 0;
for (let turn = 0; turn < 10; turn += 1) {
  on = 0;
  const begun = process.cpuUsage();
  for (const user of users) {
    if (core.resolveBooleanEvaluation(key, false, user, silent).value) on += 1;
  }
  const used = process.cpuUsage(begun);
  if (turn) best = Math.max(best, users.length / ((used.user + used.system) / 1e6));
}
console.log(JSON.stringify([best, on / users.length]));
