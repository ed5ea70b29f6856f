// The unmodified OFREP provider of npm for servers, behind the OpenFeature SDK: a JSON question a line in, an
// answer a line out.
//
// node server_client.mjs URL HEADERS, where HEADERS is an object as JSON
// In:  {"type": "Boolean", "key": "f", "default": false, "context": {...}}
// Out: the evaluation's details
import readline from "node:readline";
import { OpenFeature } from "@openfeature/server-sdk";
import { OFREPProvider } from "@openfeature/ofrep-provider";

const [url, headers] = process.argv.slice(2);
OpenFeature.setLogger({ error() {}, warn() {}, info() {}, debug() {} });
await OpenFeature.setProviderAndWait(
  new OFREPProvider({ baseUrl: url, headers: Object.entries(JSON.parse(headers)) }),
);
const client = OpenFeature.getClient();

for await (const line of readline.createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line);
  const found = await client[`get${asked.type}Details`](asked.key, asked.default, asked.context);
  process.stdout.write(JSON.stringify(found) + "\n");
}
