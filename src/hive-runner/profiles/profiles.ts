/** The coding agents that are known, by the name that agent.yaml gives them. */
import type { DriverSpec } from "../../contract/launch.ts";
import type { Profile } from "./profile.ts";
import { scriptProfile } from "./script.ts";

export const profiles: Record<DriverSpec["profile"], Profile> = { script: scriptProfile };
