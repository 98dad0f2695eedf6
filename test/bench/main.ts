/**
 * `npm run bench -- [area[:part,…] …] [--json] [--full]`: a line per figure: name | ours | floor | ratio | goal | verdict.
 * Exits with 1 when a figure fails; one that is noisy, or whose peer is not installed, neither passes nor fails. `--full`
 * measures also what takes minutes.
 */
import { broker } from "./broker.ts";
import { drivers } from "./drivers.ts";
import { type Figure, toLine } from "./figure.ts";
import { forge } from "./forge.ts";
import { git } from "./git.ts";
import { intake } from "./intake.ts";
import { mcp } from "./mcp.ts";
import { start } from "./start.ts";
import { threads } from "./threads.ts";

const areas: Record<string, (isFull: boolean, parts: readonly string[]) => AsyncIterable<Figure>> = {
  broker,
  drivers,
  forge,
  git,
  intake,
  mcp,
  start,
  threads,
};

const words = process.argv.slice(2);
const asJson = words.includes("--json");
const isFull = words.includes("--full");
const wanted = new Map(
  words
    .filter((word) => !word.startsWith("--"))
    .map((word) => {
      const [area = "", parts] = word.split(":");
      return [area, parts?.split(",") ?? []];
    }),
);
const unknown = [...wanted.keys()].filter((name) => !(name in areas));
if (unknown.length > 0) {
  console.error(`There is no area ${unknown.join(", ")}. Choose from: ${Object.keys(areas).join(", ")}.`);
  process.exit(2);
}
let hasFailed = false;
for (const [name, area] of Object.entries(areas)) {
  if (wanted.size > 0 && !wanted.has(name)) continue;
  for await (const figure of area(isFull, wanted.get(name) ?? [])) {
    console.log(asJson ? JSON.stringify({ area: name, ...figure }) : toLine(figure));
    hasFailed ||= figure.pass === false;
  }
}
process.exit(hasFailed ? 1 : 0);
