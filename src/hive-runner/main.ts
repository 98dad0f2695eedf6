/** The program `hive-runner`: started with one JSON argument, see contract/programs.ts. */
import { RunnerConfig } from "../contract/programs.ts";
import { systemClock } from "../daemon/clock.ts";
import { openLog } from "../daemon/log.ts";
import { runProgram } from "../daemon/stop.ts";
import { startRunner } from "./runner.ts";

const config = RunnerConfig.parse(JSON.parse(process.argv[2] ?? ""));
const log = openLog("hive-runner");

await runProgram(async () => {
  const runner = await startRunner(config, { log, clock: systemClock });
  const { bubblewrap } = runner.place.missing;
  if (bubblewrap === undefined) return { stop: runner.stop };
  const note = `Agents are not isolated: any of them could act as you. Runtime bubblewrap does not work here: ${bubblewrap}.`;
  log.warn(note);
  return { stop: runner.stop, note };
});
