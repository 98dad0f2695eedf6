/** Where the forge comes from: what is common to the three ways. */
import type { HivedConfig } from "../../contract/programs.ts";
import type { ChildSpec } from "./child.ts";
import type { Home } from "./home.ts";
import type { Step } from "./steps.ts";

export type ForgeSource = {
  forge: HivedConfig["forge"];
  /** which one it is and why, as a part of a sentence */
  title: string;
  /** what the operator should know of it; a sentence */
  note: string | null;
  /** what has to be there before its program starts; repeatable. An external forge is asked whether it will do */
  prepare: ((step: Pick<Step, "say">) => Promise<void>) | null;
  /** our child, unless it is an external one */
  spec: ChildSpec | null;
};

/** A forge that we run ourselves. */
export type OwnForge = { home: Home; program: string; port: number };

/** Programs name the loopback address: not every resolver knows `*.localhost`. */
export const forgeUrlOf = (port: number): string => `http://127.0.0.1:${port}`;
