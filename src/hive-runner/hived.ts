/** The way to hived: over whichever link is up. What must be heard is said again over the next one. */
import type { z } from "zod";
import { Fault } from "../contract/fault.ts";
import type { hivedCalls } from "../contract/link.ts";
import type { BootId } from "../contract/names.ts";
import type { Clock } from "../daemon/clock.ts";
import { backoffMs } from "../daemon/fault.ts";
import { stopped } from "../daemon/stop.ts";
import type { Peer } from "../rpc/link.ts";

type Calls = typeof hivedCalls;
/** The calls that carry an identity; `hold` alone makes the connection. */
type Name = Exclude<keyof Calls, "hold">;
type Request<Call extends Name> = Omit<z.input<Calls[Call]["request"]>, "boot">;
type Response<Call extends Name> = z.output<Calls[Call]["response"]>;

export type Hived = {
  /** @throws Refusal as hived said it; Fault when there is no link, or it breaks */
  call<Call extends Name>(name: Call, request: Request<Call>): Promise<Response<Call>>;
  /**
   * Calls until hived has answered, over as many links as it takes; undefined when the signal is aborted before.
   * @throws Refusal as hived said it
   */
  callUntilHeard<Call extends Name>(
    name: Call,
    request: Request<Call>,
    signal: AbortSignal,
  ): Promise<Response<Call> | undefined>;
};

export type HivedLink = Hived & {
  /** hived has said what may be kept: from now on calls go over this link, with its boot. */
  connect(peer: Peer<Calls>, boot: BootId): void;
  disconnect(): void;
};

const longestPauseMs = 1_000;

export function openHived(clock: Clock): HivedLink {
  let link: { peer: Peer<Calls>; boot: BootId } | undefined;
  let connected = Promise.withResolvers<void>();
  const call: Hived["call"] = async (name, request) => {
    if (!link) throw new Fault("there is no link to hived");
    const { peer, boot } = link;
    return (await peer.call(name, { ...request, boot } as z.input<Calls[typeof name]["request"]>)) as Response<
      typeof name
    >;
  };
  return {
    call,
    async callUntilHeard(name, request, signal) {
      const heard = new AbortController(); // ends the listener with the call: the signal lives as long as the launch
      const aborted = stopped(AbortSignal.any([signal, heard.signal]));
      try {
        for (let failures = 1; !signal.aborted; failures += 1) {
          await Promise.race([connected.promise, aborted]);
          if (signal.aborted) return undefined;
          try {
            return await call(name, request);
          } catch (error) {
            if (!(error instanceof Fault)) throw error;
            await clock.wait(backoffMs(failures, longestPauseMs), signal);
          }
        }
        return undefined;
      } finally {
        heard.abort();
      }
    },
    connect(peer, boot) {
      link = { peer, boot };
      connected.resolve();
    },
    disconnect() {
      if (link) connected = Promise.withResolvers();
      link = undefined;
    },
  };
}
