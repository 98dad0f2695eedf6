/** The drivers that there are, by the kind of spec that they are for. */
import type { DriverSpec } from "../../contract/launch.ts";
import { acpDriver } from "./acp.ts";
import { claudeDriver } from "./claude.ts";
import type { Driver } from "./driver.ts";

const drivers: { [Kind in DriverSpec["kind"]]: Driver<Extract<DriverSpec, { kind: Kind }>> } = {
  acp: acpDriver,
  claude: claudeDriver,
};

/** The driver for a spec. */
export const driverFor = ({ kind }: DriverSpec): Driver => drivers[kind] as Driver;
