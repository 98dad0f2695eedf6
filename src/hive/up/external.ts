/** A forge that somebody else runs: asked before each start whether it is there and will do. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { z } from "zod";
import { Refusal } from "../../contract/refusal.ts";
import type { ForgeSource } from "./forge.ts";
import { isAtLeast } from "./requirements.ts";

export const oldestForgejo = "7.0";
const answerWithinMs = 10_000;

export type ExternalForge = { url: string; adminTokenFile: string };

/** Brings what the operator typed into the form that is stored. @throws Refusal `bad_forge_url`. */
export function externalForgeOf(url: string, adminTokenFile: string): ExternalForge {
  const parsed = URL.parse(url);
  if (!parsed || !/^https?:$/.test(parsed.protocol) || parsed.username || parsed.search || parsed.hash)
    throw new Refusal("bad_forge_url", `${url} is not a forge's address.`, "Give one such as https://forge.example.");
  return { url: parsed.href.replace(/\/+$/, ""), adminTokenFile: resolve(adminTokenFile) };
}

export function externalForge({ url, adminTokenFile }: ExternalForge): ForgeSource {
  return {
    forge: { kind: "external", url, adminTokenFile },
    title: `the forge at ${url}`,
    note: null,
    spec: null,
    async prepare(step) {
      const token = readToken(adminTokenFile);
      step.say(`asking ${url}`);
      const { version } = await ask(url, token, "version", z.object({ version: z.string() }));
      const { is_admin: isAdmin } = await ask(url, token, "user", z.object({ is_admin: z.boolean() }));
      const plain = version.split("+")[0] ?? version;
      if (!isAtLeast(plain, oldestForgejo))
        throw new Refusal(
          "forge_too_old",
          `The forge is version ${version}.`,
          `Update it to ${oldestForgejo} or later.`,
        );
      if (!isAdmin) throw badToken(adminTokenFile, "is no site administrator's");
      step.say(`version ${plain}`);
    },
  };
}

function readToken(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw badToken(path, `cannot be read (${code})`);
  }
}

const badToken = (path: string, what: string) =>
  new Refusal(
    "bad_admin_token",
    `The forge's admin token in ${path} ${what}.`,
    "Make a token with all scopes as a site administrator, and put it into a file that only you can read.",
  );

async function ask<Schema extends z.ZodType>(
  url: string,
  token: string,
  call: string,
  schema: Schema,
): Promise<z.output<Schema>> {
  const headers = { authorization: `token ${token}`, accept: "application/json" };
  const signal = AbortSignal.timeout(answerWithinMs);
  const answer = await fetch(`${url}/api/v1/${call}`, { headers, signal, redirect: "error" }).catch((error: Error) => {
    throw unreachable(url, error.cause instanceof Error ? error.cause.message : error.message);
  });
  const text = await answer.text();
  if (answer.status === 401 || answer.status === 403)
    throw new Refusal(
      "bad_admin_token",
      `The forge at ${url} refuses the admin token.`,
      "Make a new one with all scopes.",
    );
  if (answer.status !== 200) throw unreachable(url, `it answered ${answer.status}`);
  return parseAnswer(url, text, schema);
}

function parseAnswer<Schema extends z.ZodType>(url: string, text: string, schema: Schema): z.output<Schema> {
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof z.ZodError)) throw error;
    throw unreachable(url, "what answers there is no forge");
  }
}

const unreachable = (url: string, why: string) =>
  new Refusal(
    "forge_unreachable",
    `The forge at ${url} does not answer (${why}).`,
    "Check the address, and that the forge runs; then start again.",
  );
