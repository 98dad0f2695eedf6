/** The webhook that rings for us, and its secret. */
import { createHash, randomBytes } from "node:crypto";
import type { Tokens } from "../agents/tokens.ts";
import type { Core } from "../core.ts";
import { readMeta, writeMeta } from "../database/meta.ts";
import type { ForgeVerbs } from "./client.ts";
import { hookEvents } from "./plan.ts";
import type { Hook, HookPlace } from "./verbs/layout.ts";

const secretName = "hook-secret";

/** 256 bits, made once. */
export function hookSecret(secrets: Pick<Tokens, "read" | "write">): string {
  const secret = secrets.read(secretName) ?? randomBytes(32).toString("hex");
  if (secrets.read(secretName) === undefined) secrets.write(secretName, secret);
  return secret;
}

type Parts = { core: Core; secrets: Pick<Tokens, "read" | "write">; hookUrl: string };

/**
 * Has exactly one hook of ours at a place. One that differs is replaced, since neither its secret can be read nor its
 * events be edited in part; which hook carries our secret is remembered.
 * @param as whose hooks these are
 */
export async function keepHook(parts: Parts, as: ForgeVerbs, place: HookPlace, key: string): Promise<void> {
  const { core, hookUrl } = parts;
  const secret = hookSecret(parts.secrets);
  const mark = (id: number) => `${id} ${createHash("sha256").update(secret).digest("hex").slice(0, 16)}`;
  const remembered = core.db.read((reader) => readMeta(reader, `hook:${key}`));
  const hooks = await as.listHooks(place);
  const right = hooks.find((hook) => mark(hook.id) === remembered && fits(hook, hookUrl));
  if (!right) {
    const id = await as.createHook(place, { url: hookUrl, secret, events: hookEvents.asked });
    await core.db.write((tx) => writeMeta(tx, `hook:${key}`, mark(id)));
  }
  const isOld = ({ id, config }: Hook) => id === Number(remembered?.split(" ")[0]) || config.url === hookUrl;
  for (const hook of hooks) if (hook !== right && isOld(hook)) await as.deleteHook(place, hook.id);
}

const fits = (hook: Hook, url: string): boolean =>
  hook.active &&
  hook.type === "gitea" &&
  hook.config.url === url &&
  hook.config.content_type === "json" &&
  hookEvents.told.every((event) => hook.events.includes(event));
