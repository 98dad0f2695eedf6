/**
 * `npm run bench -- [area …] [--json]`: a line per figure: name | ours | floor | ratio | goal | verdict. Exits with 1 when
 * a figure fails; one that is noisy neither passes nor fails.
 */
import { type Figure, toLine } from "./figure.ts";
import { forge } from "./forge.ts";
import { git } from "./git.ts";
import { intake } from "./intake.ts";
import { start } from "./start.ts";

const areas: Record<string, () => AsyncIterable<Figure>> = { forge, git, intake, start };

const words = process.argv.slice(2);
const asJson = words.includes("--json");
const wanted = words.filter((word) => !word.startsWith("--"));
const unknown = wanted.filter((name) => !(name in areas));
if (unknown.length > 0) {
  console.error(`There is no area ${unknown.join(", ")}. Choose from: ${Object.keys(areas).join(", ")}.`);
  process.exit(2);
}
let hasFailed = false;
for (const [name, area] of Object.entries(areas)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  for await (const figure of area()) {
    console.log(asJson ? JSON.stringify({ area: name, ...figure }) : toLine(figure));
    hasFailed ||= figure.pass === false;
  }
}
process.exit(hasFailed ? 1 : 0);
