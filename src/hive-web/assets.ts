/** The built front end, read once at the start: no file is opened by a request. */
import { readdirSync, readFileSync } from "node:fs";
import { extname, join, relative } from "node:path";

type Asset = { body: Buffer; type: string; cache: string };
export type Assets = {
  /** The file of that path, or the front page for a path that only the front end knows; undefined when there is none. */
  find(path: string): Asset | undefined;
};

const types: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
  ".webmanifest": "application/manifest+json",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".woff2": "font/woff2",
};

/** @throws Error when there is no front page, or a file of a kind that we would not know how to serve. */
export function readAssets(directory: string): Assets {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const assets = new Map<string, Asset>(
    files.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return [`/${relative(directory, path)}`, readAsset(path)] as const;
    }),
  );
  const front = assets.get("/index.html");
  if (!front) throw new Error(`${directory} holds no index.html`);
  return { find: (path) => assets.get(path) ?? (isPage(path) ? front : undefined) };
}

function readAsset(path: string): Asset {
  const type = types[extname(path)];
  if (!type) throw new Error(`${path}: files of this kind are not served`);
  // The build names the files under assets/ after their content.
  const cache = path.includes("/assets/") ? "public, max-age=31536000, immutable" : "no-cache";
  return { body: readFileSync(path), type, cache };
}

const isPage = (path: string) => extname(path) === "" && !path.startsWith("/api/");
