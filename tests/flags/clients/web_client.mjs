// The unmodified OFREP web provider of npm behind the OpenFeature web SDK, in Node with what a browser has:
// EventSource of the package `eventsource`, and a local storage in memory.
//
// node web_client.mjs URL HEADERS CONTEXT
// In:  {"type": "Boolean", "key": "f", "default": false} or {"context": {...}}
// Out: {"event": "PROVIDER_READY", ...} as it happens, and {"details": ...} or {"context": ...} for each line in
import readline from "node:readline";
import { EventSource } from "eventsource";
import { OpenFeature, ProviderEvents } from "@openfeature/web-sdk";
import { OFREPWebProvider } from "@openfeature/ofrep-web-provider";

const stored = new Map();
globalThis.localStorage = {
  getItem: (name) => stored.get(name) ?? null,
  setItem: (name, value) => void stored.set(name, String(value)),
  removeItem: (name) => void stored.delete(name),
};
globalThis.EventSource = EventSource;

const [url, headers, context] = process.argv.slice(2);
const say = (what) => process.stdout.write(JSON.stringify(what) + "\n");
OpenFeature.setLogger({ error() {}, warn() {}, info() {}, debug() {} });
for (const event of Object.values(ProviderEvents)) {
  OpenFeature.addHandler(event, (details) => say({ event, flags: details?.flagsChanged, message: details?.message }));
}
await OpenFeature.setContext(JSON.parse(context));
const provider = new OFREPWebProvider({ baseUrl: url, headers: Object.entries(JSON.parse(headers)) });
await OpenFeature.setProviderAndWait(provider).catch((error) => say({ failed: error.code ?? error.message }));
const client = OpenFeature.getClient();

for await (const line of readline.createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line);
  if (asked.context) {
    await OpenFeature.setContext(asked.context);
    say({ context: asked.context });
  } else {
    say({ details: client[`get${asked.type}Details`](asked.key, asked.default) });
  }
}
await OpenFeature.close();
