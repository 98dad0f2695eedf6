/** Serves the dashboard and takes the forge's deliveries, on a listener that it inherits; holds no privilege and no secret. */
import { WebConfig } from "../contract/programs.ts";
import { openLog } from "../daemon/log.ts";
import { runProgram } from "../daemon/stop.ts";
import { readAssets } from "./assets.ts";
import { siteOf } from "./headers.ts";
import { findOpenings } from "./probe.ts";
import { openWeb } from "./serve.ts";

await runProgram(async () => {
  const config = WebConfig.parse(JSON.parse(process.argv[2] ?? ""));
  const log = openLog("hive-web");
  const site = siteOf(config.dashboardUrl, config.hookUrl);
  const web = openWeb({ site, assets: readAssets(config.assets), webSocket: config.webSocket, log });
  await new Promise<void>((resolve, reject) => {
    web.server.once("error", reject);
    web.server.listen({ fd: config.listenerDescriptor }, resolve);
  });
  const { adminSocket, forgeUrl, directories } = config.probes;
  const openings = await findOpenings({ adminSocket, urls: [config.hookUrl, forgeUrl], directories });
  const note =
    openings.length === 0
      ? "isolated: no network, no files, no admin socket"
      : `not isolated: it can ${openings.join(", ")}`;
  log[openings.length === 0 ? "info" : "warn"]({ openings }, note);
  return { stop: web.stop, note };
});
