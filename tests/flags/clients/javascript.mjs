// JavaScript itself, asked for what it says: a JSON document a line in, one a line out.
//
// In:  {"rule": ..., "data": ...} or {"ask": "Number" | "String" | "parseFloat", "of": ...}
// Out: the value, with what JSON does not have written as {"number": "NaN"} and the like; {"thrown": "..."}
//
// Each operator is written from its description on jsonlogic.com, with the language's own operators, so that
// truth, equality, order, conversion to numbers and to texts are those of the engine that runs this.
import readline from "node:readline";

const isOperation = (rule) =>
  typeof rule === "object" && rule !== null && !Array.isArray(rule) && Object.keys(rule).length === 1;
const truthy = (value) => (Array.isArray(value) ? value.length > 0 : Boolean(value));

function find(path, data, otherwise) {
  if (path === undefined || path === null || path === "") return data;
  for (const name of String(path).split(".")) {
    // Members of prototypes are no data.
    if (data === null || data === undefined) return otherwise;
    const own = typeof data === "string" ? Object.hasOwn(Object(data), name) : Object.hasOwn(data, name);
    if (!own) return otherwise;
    data = data[name];
  }
  return data;
}

function absent(keys, data) {
  return keys.filter((key) => {
    const found = find(key, data, null);
    return found === null || found === "";
  });
}

const array = (value) => (Array.isArray(value) ? value : []);

const lazy = {
  if(rules, data) {
    let index = 0;
    for (; index + 1 < rules.length; index += 2) {
      if (truthy(run(rules[index], data))) return run(rules[index + 1], data);
    }
    return index < rules.length ? run(rules[index], data) : null;
  },
  and(rules, data) {
    let current;
    for (const rule of rules) if (!truthy((current = run(rule, data)))) return current;
    return current;
  },
  or(rules, data) {
    let current;
    for (const rule of rules) if (truthy((current = run(rule, data)))) return current;
    return current;
  },
  map: ([items, rule], data) => array(run(items, data)).map((item) => run(rule, item) ?? null),
  filter: ([items, rule], data) => array(run(items, data)).filter((item) => truthy(run(rule, item))),
  reduce([items, rule, initial], data) {
    const found = run(items, data);
    const start = initial === undefined ? null : run(initial, data);
    return array(found).reduce((accumulator, current) => run(rule, { current, accumulator }), start);
  },
  all([items, rule], data) {
    const found = array(run(items, data));
    return found.length > 0 && found.every((item) => truthy(run(rule, item)));
  },
  some: ([items, rule], data) => array(run(items, data)).some((item) => truthy(run(rule, item))),
  none: ([items, rule], data) => !array(run(items, data)).some((item) => truthy(run(rule, item))),
};
lazy["?:"] = lazy.if;

const eager = {
  "==": ([a, b]) => a == b,
  "!=": ([a, b]) => a != b,
  "===": ([a, b]) => a === b,
  "!==": ([a, b]) => a !== b,
  "!": ([a]) => !truthy(a),
  "!!": ([a]) => truthy(a),
  "<": ([a, b, c]) => (c === undefined ? a < b : a < b && b < c),
  "<=": ([a, b, c]) => (c === undefined ? a <= b : a <= b && b <= c),
  ">": ([a, b]) => a > b,
  ">=": ([a, b]) => a >= b,
  "+": (values) => values.reduce((sum, value) => sum + parseFloat(value), 0),
  "*": (values) => (values.length === 1 ? values[0] : values.reduce((all, value) => all * parseFloat(value), 1)),
  "-": ([a, b]) => (b === undefined ? -a : a - b),
  "/": ([a, b]) => a / b,
  "%": ([a, b]) => a % b,
  min: (values) => Math.min(...values),
  max: (values) => Math.max(...values),
  merge: (values) => [].concat(...values.map((value) => value ?? null)),
  in: ([a, b]) => ((typeof b === "string" && b !== "") || Array.isArray(b) ? b.indexOf(a) !== -1 : false),
  cat: (values) => values.join(""),
  substr([source, start, end]) {
    if (!(end < 0)) return String(source).substr(start, end);
    const tail = String(source).substr(start);
    return tail.substr(0, tail.length + end);
  },
  var: ([path, otherwise], data) => find(path, data, otherwise === undefined ? null : otherwise),
  missing: (values, data) => absent(Array.isArray(values[0]) ? values[0] : values, data),
  missing_some([need, options], data) {
    const gone = absent(Array.isArray(options) ? options : [options], data);
    return (options?.length ?? NaN) - gone.length >= need ? [] : gone;
  },
  log: ([a]) => a,
};

function run(rule, data) {
  if (Array.isArray(rule)) return rule.map((item) => run(item, data) ?? null);
  if (!isOperation(rule)) return rule;
  const [[name, given]] = Object.entries(rule);
  const rules = Array.isArray(given) ? given : [given];
  if (Object.hasOwn(lazy, name)) return lazy[name](rules, data);
  return eager[name](rules.map((item) => run(item, data)), data);
}

function written(value) {
  if (value === undefined || value === null) return null;
  if (typeof value === "number" && !Number.isFinite(value)) return { number: String(value) };
  if (Array.isArray(value)) return value.map(written);
  if (typeof value === "object")
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, written(item)]));
  return value;
}

const asked = { Number, String, parseFloat };

for await (const line of readline.createInterface({ input: process.stdin })) {
  const { rule, data, ask, of } = JSON.parse(line);
  let answer;
  try {
    answer = written(ask === undefined ? run(rule, data ?? null) : asked[ask](of));
  } catch (error) {
    answer = { thrown: String(error) };
  }
  process.stdout.write(JSON.stringify(answer) + "\n");
}
