/** The drivers that there are, by the spec that they are for. */
import type { DriverSpec } from "../../contract/launch.ts";
import { acpDriver } from "./acp.ts";
import { claudeDriver } from "./claude.ts";
import type { Driver } from "./driver.ts";

/** The driver for a spec, which it is then to be used with. */
export const driverFor = (spec: DriverSpec): Driver =>
  (spec.kind === "acp" ? acpDriver(spec.profile) : claudeDriver) as Driver;
