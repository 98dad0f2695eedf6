/** The drivers that there are, by the kind of spec that they are for. */
import type { DriverSpec } from "../../contract/launch.ts";
import { Refusal } from "../../contract/refusal.ts";
import { acpDriver } from "./acp.ts";
import type { Driver } from "./driver.ts";

const drivers: { [Kind in DriverSpec["kind"]]: Driver<Extract<DriverSpec, { kind: Kind }>> } = {
  acp: acpDriver,
  claude: {
    argumentsFor: () => [],
    open: () =>
      Promise.reject(
        new Refusal("no_driver", "Claude Code can't be driven natively yet.", "Use driver acp with profile claude."),
      ),
  },
};

/** The driver for a spec. */
export const driverFor = ({ kind }: DriverSpec): Driver => drivers[kind] as Driver;
