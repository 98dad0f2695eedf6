/** The coordinator as a program: `node main.ts '<HivedConfig as JSON>'`. */
import { HivedConfig } from "../contract/programs.ts";
import { systemClock } from "../daemon/clock.ts";
import { openLog } from "../daemon/log.ts";
import { runProgram } from "../daemon/stop.ts";
import { startHived } from "./start.ts";

const log = openLog("hived");
const config = HivedConfig.parse(JSON.parse(process.argv[2] ?? ""));
await runProgram((signal) => startHived(config, { clock: systemClock, log, signal }));
