/**
 * What Forgejo 15 says that its API answers (swagger.json, see cut-swagger.ts), as a check of one answer. A description in
 * swagger knows no null, but Go writes one for a list, an object or a moment that is not there: those may be null here.
 * Beyond that an answer has no field that is not described, and only a status of success that is.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv, type ValidateFunction } from "ajv";

type Schema = Record<string, unknown>;
type Description = {
  routes: Record<string, Record<string, Schema | null>>;
  definitions: Record<string, Schema>;
};
const described = JSON.parse(readFileSync(join(import.meta.dirname, "swagger.json"), "utf8")) as Description;

/** Forgejo answers it and does not describe it (modules/structs/user.go, MarshalJSON). */
Object.assign(described.definitions["User"]?.["properties"] ?? {}, { username: { type: "string" } });

/** A deleted file has nothing to tell in the list of what was changed (routers/api/v1/repo/file.go). */
Object.assign(described.definitions["FilesResponse"]?.["properties"] ?? {}, {
  files: { type: "array", items: { anyOf: [{ $ref: "#/definitions/ContentsResponse" }, { type: "null" }] } },
});
/** A directory is answered as a list, which the description knows of the top alone. */
Object.assign(described.routes["GET /repos/{owner}/{repo}/contents/{filepath}"] ?? {}, {
  "200": {
    anyOf: [
      { $ref: "#/definitions/ContentsResponse" },
      { type: "array", items: { $ref: "#/definitions/ContentsResponse" } },
    ],
  },
});
/** Texts that Forgejo leaves out by null: of a directory's entry, and of what is not merged. */
const NULL_TEXTS = new Set(["content", "encoding", "target", "submodule_git_url", "download_url", "merge_commit_sha"]);

const formats = { "date-time": /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/ };
/** Of the formats that Go's types have names for only the moment is a rule about text. */
const ajv = new Ajv({ strict: false, formats, logger: false, verbose: true });
ajv.addSchema({
  $id: "forgejo",
  definitions: Object.fromEntries(
    Object.entries(described.definitions).map(([name, schema]) => [name, closed(schema)]),
  ),
});

/** The names of what is below a path's fixed part, slashes included. */
const REST = /\{(filepath|archive|basehead|branch|tag|name)\}$/;
const routes = Object.entries(described.routes)
  .map(([route, answers]) => {
    const [method = "", path = ""] = route.split(" ");
    const pattern = path
      .replaceAll(".", "\\.")
      .replace(REST, ".+")
      .replaceAll(/\{(index|id)\}/g, "\\d+")
      .replaceAll(/\{\w+\}/g, "[^/]+");
    const parameters = path.match(/\{/g)?.length ?? 0;
    return { method, path: new RegExp(`^${pattern}$`), parameters, answers, route };
  })
  .sort((one, other) => one.parameters - other.parameters);

const compiled = new Map<string, ValidateFunction>();

/**
 * @param path of the API's first version, with or without a query
 * @param body parsed JSON, or the text of what is none
 * @returns what is wrong with this answer; undefined when nothing is
 */
export function faultOf(method: string, path: string, status: number, body: unknown): string | undefined {
  const place = path.split("?")[0] ?? "";
  const found = routes.find((route) => route.method === method && route.path.test(place));
  if (!found) return status === 404 || status === 405 ? undefined : `Forgejo has no route ${method} ${place}`;
  const schema = found.answers[String(status)];
  if (status >= 400) return mismatch(`${found.route} error`, schema ?? { $ref: "#/definitions/APIError" }, body);
  if (schema === undefined) return `${found.route} never answers ${status}`;
  if (schema === null) return body === "" || status === 200 ? undefined : `${found.route} ${status} has no body`;
  if (schema["type"] === "string" || schema["type"] === "file") return undefined;
  return mismatch(`${found.route} ${status}`, schema, body);
}

function mismatch(key: string, schema: Schema, body: unknown): string | undefined {
  const validate = compiled.get(key) ?? ajv.compile(absolute(closed(schema)));
  compiled.set(key, validate);
  if (validate(body)) return undefined;
  const [error] = validate.errors ?? [];
  return `${key}: ${error?.instancePath} ${error?.message} ${JSON.stringify(error?.params)} but is ${JSON.stringify(error?.data)?.slice(0, 200)}`;
}

const absolute = (schema: Schema): Schema =>
  JSON.parse(JSON.stringify(schema).replaceAll('"#/definitions/', '"forgejo#/definitions/')) as Schema;

/** A schema whose objects have no other fields, and whose fields may be null where Go's may. */
function closed(schema: Schema): Schema {
  const { properties, items, additionalProperties, ...rest } = schema;
  return {
    ...rest,
    ...(items ? { items: closed(items as Schema) } : {}),
    ...(additionalProperties ? { additionalProperties: closed(additionalProperties as Schema) } : {}),
    ...(properties ? { properties: orNull(properties as Record<string, Schema>) } : {}),
    ...(properties && !additionalProperties ? { additionalProperties: false } : {}),
  };
}

function orNull(properties: Record<string, Schema>): Record<string, Schema> {
  const fields = Object.entries(properties).map(([name, schema]) => [
    name,
    isNullable(schema) || NULL_TEXTS.has(name) ? { anyOf: [closed(schema), { type: "null" }] } : closed(schema),
  ]);
  return Object.fromEntries(fields) as Record<string, Schema>;
}

function isNullable(schema: Schema): boolean {
  const ref = schema["$ref"];
  const target = typeof ref === "string" ? described.definitions[ref.split("/").at(-1) ?? ""] : schema;
  return ["array", "object", undefined].includes(target?.["type"] as string) || target?.["format"] === "date-time";
}
