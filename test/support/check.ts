/** `npm run check`: all that a reviewer's machine can say about a change; each finding names the file. */
import { run } from "./steps.ts";

const steps: { name: string; argv: string[] }[] = [
  { name: "types", argv: ["tsc", "--noEmit"] },
  { name: "lint and format", argv: ["biome", "ci", "--error-on-warnings", "."] },
  {
    name: "import arrows",
    argv: [
      "node",
      "node_modules/dependency-cruiser/bin/dependency-cruiser.mjs",
      "--config",
      "test/support/arrows.cjs",
      "src",
      "forge",
    ],
  },
  { name: "unused code", argv: ["knip", "--config", "test/support/knip.json", "--no-progress"] },
  {
    name: "fast tests",
    argv: ["vitest", "run", "--project", "fast", "--reporter", "dot"],
  },
];

const only = process.argv.slice(2);
let failed = 0;
for (const { name, argv } of steps.filter(
  (step) => only.length === 0 || only.some((word) => step.name.includes(word)),
)) {
  const { code, seconds } = await run(argv);
  if (code !== 0) failed += 1;
  console.log(`${code === 0 ? "ok    " : "FAILED"} ${name} (${seconds.toFixed(1)} s)`);
}
process.exit(failed > 0 ? 1 : 0);
