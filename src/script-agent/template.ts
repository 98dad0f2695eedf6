/**
 * Fills in templates: `{{name}}` is a variable, `{{NAME}}` one of the environment, `{{told}}` what the agent was
 * told at the start of its session, `{{file path}}` the content of a file beside the script, which is taken as it stands.
 */
import { readFileSync } from "node:fs";
import { join, normalize } from "node:path";

type Variables = Record<string, string>;
export type Fill = { variables: Variables; directory: string; told: string };

/** @throws an error that names what is not there */
export function fillIn(template: string, fill: Fill, quote = (text: string) => text): string {
  return template.replace(/\{\{\s*(file\s+)?([^\s{}]+)\s*\}\}/g, (_, isFile: string | undefined, name: string) =>
    quote(isFile ? readBeside(fill.directory, name) : lookUp(fill, name)),
  );
}

/** Fills in every text of a JSON value; one that is `{{number name}}` becomes a number. */
export function fillInAll(value: unknown, fill: Fill): unknown {
  if (typeof value === "string") {
    const [, number] = /^\{\{\s*number\s+([^\s{}]+)\s*\}\}$/.exec(value) ?? [];
    return number === undefined ? fillIn(value, fill) : Number(lookUp(fill, number));
  }
  if (Array.isArray(value)) return value.map((item) => fillInAll(item, fill));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fillInAll(item, fill)]));
}

/** A pattern; what is filled into it stands for itself. */
export const patternOf = (template: string, fill: Fill): RegExp =>
  new RegExp(fillIn(template, fill, (text) => text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&")));

function lookUp({ variables, told }: Fill, name: string): string {
  const value = name === "told" ? told : (variables[name] ?? process.env[name]);
  if (value === undefined) throw new Error(`there is nothing called ${name} to fill in`);
  return value;
}

function readBeside(directory: string, name: string): string {
  const path = normalize(name);
  if (path.startsWith("..") || path.startsWith("/")) throw new Error(`${name} does not lie beside the script`);
  return readFileSync(join(directory, path), "utf8");
}
