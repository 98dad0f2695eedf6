/** The webhook that rings for us, and its secret. */
import { createHash, randomBytes } from "node:crypto";
import type { Tokens } from "../agents/tokens.ts";
import type { Core } from "../core.ts";
import { readMeta, writeMeta } from "../database/meta.ts";
import type { ForgeVerbs } from "./client.ts";
import { difference, type Piece } from "./difference.ts";
import { isRefused } from "./errors.ts";
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
 * Exactly one hook of ours at a place. One that differs is replaced, since neither its secret can be read nor its events
 * be edited in part; which hook carries our secret is remembered.
 * @param as whose hooks these are
 */
export const hookPiece = (parts: Parts, as: ForgeVerbs, place: HookPlace, key: string): Piece => ({
  async look() {
    const { core, hookUrl: url } = parts;
    const what = place.kind === "system" ? "webhook of the forge" : `webhook of ${key}`;
    const secret = hookSecret(parts.secrets);
    const mark = (id: number) => `${id} ${createHash("sha256").update(secret).digest("hex").slice(0, 16)}`;
    const remembered = core.db.read((reader) => readMeta(reader, `hook:${key}`));
    const isOurs = ({ id, config }: Hook) => id === Number(remembered?.split(" ")[0]) || config.url === url;
    const there = await listHooks(as, place);
    if (there === null) return [];
    const ours = there.filter(isOurs);
    const right = ours.find((hook) => mark(hook.id) === remembered && fits(hook, url));
    if (right && ours.length === 1) return [];
    const replace = async () => {
      if (!right) {
        const id = await as.createHook(place, { url, secret, events: hookEvents.asked });
        await core.db.write((tx) => writeMeta(tx, `hook:${key}`, mark(id)));
      }
      for (const hook of ours) if (hook !== right) await as.deleteHook(place, hook.id);
    };
    const found = ours.map((hook) => hookText(hook, url, mark(hook.id) === remembered)).join(" and ");
    return [difference(what, `one that tells ${url} all that is needed`, found || null, replace)];
  },
});

/** Null on a forge of somebody else's that has webhooks switched off: that is found out, and told, when they are tried. */
async function listHooks(as: ForgeVerbs, place: HookPlace): Promise<Hook[] | null> {
  try {
    return await as.listHooks(place);
  } catch (error) {
    if (place.kind === "system" || !isRefused(error, 403)) throw error;
    return null;
  }
}

function hookText(hook: Hook, url: string, isMarked: boolean): string {
  if (hook.config.url !== url) return `one to ${hook.config.url}`;
  if (!hook.active) return "one that is switched off";
  if (!fits(hook, url)) return "one that tells other events, or in another form";
  return isMarked ? "one" : "one with another secret";
}

const fits = (hook: Hook, url: string): boolean =>
  hook.active &&
  hook.type === "gitea" &&
  hook.config.url === url &&
  hook.config.content_type === "json" &&
  hookEvents.told.every((event) => hook.events.includes(event));
