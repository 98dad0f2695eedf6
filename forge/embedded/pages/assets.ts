/** The style sheet and the icon: the only files that pages load. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { FastifyInstance } from "fastify";

/** One file is served; in this order, for a later rule wins over an earlier one. */
const SHEETS = ["base", "parts", "repository", "threads", "diffs", "text", "narrow"];
const style = SHEETS.map((name) => readFileSync(new URL(`./style/${name}.css`, import.meta.url), "utf8")).join("\n");
const hash = createHash("sha256").update(style).digest("hex").slice(0, 16);

/** Changes with the content, so that it may be kept for ever. */
export const styleHref = `/assets/style-${hash}.css`;

const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><path d="M12 1.6 21 6.8v10.4l-9 5.2-9-5.2V6.8z" fill="#e8a317"/><path d="M12 6.6l4.7 2.7v5.4L12 17.4l-4.7-2.7V9.3z" fill="#fff6df"/></svg>`;

export function registerAssets(app: FastifyInstance): void {
  const keep = "public, max-age=31536000, immutable";
  app.get(styleHref, (_request, reply) =>
    reply.header("cache-control", keep).type("text/css; charset=utf-8").send(style),
  );
  app.get("/assets/icon.svg", (_request, reply) =>
    reply.header("cache-control", "public, max-age=86400").type("image/svg+xml").send(icon),
  );
}
