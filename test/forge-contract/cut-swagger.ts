/**
 * `node test/forge-contract/cut-swagger.ts FILE` writes swagger.json anew: of Forgejo's own description of its API (FILE,
 * what a running 15.0.3 serves at /swagger.v1.json) the answers of every route that the embedded forge has, and the
 * definitions that those need. A route of ours that Forgejo lacks ends it.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { endpoints } from "../../forge/embedded/api/routes.ts";

type Json = { [name: string]: Json };
type Whole = {
  info: { version: string };
  paths: Record<string, Record<string, { responses: Record<string, { $ref: string }> }>>;
  responses: Record<string, { schema?: Json }>;
  definitions: Record<string, Json>;
};

/** A route without the names of its parameters; ours has the kinds of a difference in two rows. */
const shapeOf = (path: string): string =>
  path
    .replace(/\(.*\)/, "")
    .replace(/\.(diff|patch)$/, ".{}")
    .replaceAll(/:\w+|\*|\{\w+\}/g, "{}");

function refsIn(value: unknown): string[] {
  if (value === null || typeof value !== "object") return [];
  const own = "$ref" in value && typeof value.$ref === "string" ? [nameIn(value.$ref)] : [];
  return [...own, ...Object.values(value).flatMap(refsIn)];
}
const nameIn = (ref: string): string => ref.split("/").at(-1) ?? "";

/** Without what only readers and generators of code need. */
function bare(value: unknown, isNamed = false): unknown {
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map((item) => bare(item));
  const kept = Object.entries(value).filter(([name]) => isNamed || !/^x-|^(description|title|example)$/.test(name));
  return Object.fromEntries(kept.map(([name, item]) => [name, bare(item, name === "properties" && !isNamed)]));
}

const whole = JSON.parse(readFileSync(process.argv[2] ?? "", "utf8")) as Whole;
const served = new Set(endpoints.map(({ method, path }) => `${method} ${shapeOf(path)}`));
const routes: Record<string, Record<string, unknown>> = {};
const wanted: string[] = ["APIError"];
for (const [path, operations] of Object.entries(whole.paths)) {
  for (const [method, { responses }] of Object.entries(operations)) {
    const route = `${method.toUpperCase()} ${shapeOf(path)}`;
    if (!served.delete(route)) continue;
    const schemas = Object.entries(responses).map(([status, response]) => {
      const schema = ("$ref" in response ? whole.responses[nameIn(response.$ref)] : response)?.schema;
      wanted.push(...refsIn(schema));
      return [status, schema ? bare(schema) : null];
    });
    routes[`${method.toUpperCase()} ${path}`] = Object.fromEntries(schemas);
  }
}
if (served.size > 0) throw new Error(`Forgejo has no such routes:\n${[...served].join("\n")}`);

const definitions: Record<string, unknown> = {};
for (let name = wanted.pop(); name !== undefined; name = wanted.pop()) {
  if (name in definitions) continue;
  definitions[name] = bare(whole.definitions[name]);
  wanted.push(...refsIn(whole.definitions[name]));
}
const sorted = Object.fromEntries(Object.entries(definitions).sort(([one], [other]) => (one < other ? -1 : 1)));
writeFileSync(
  join(import.meta.dirname, "swagger.json"),
  `${JSON.stringify({ version: whole.info.version, routes, definitions: sorted }, null, 1)}\n`,
);
