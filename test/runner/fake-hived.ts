/** hived as a runner sees it: one link after the other on a real socket, inboxes in memory, and all that it is told kept. */
import { randomBytes } from "node:crypto";
import { Fault } from "../../src/contract/fault.ts";
import type { Place } from "../../src/contract/launch.ts";
import { hivedCalls, type LeasedEntry, runnerCalls, type TurnEnd } from "../../src/contract/link.ts";
import type {
  AgentName,
  BootId,
  CanaryId,
  EntryId,
  EpochMs,
  LaunchId,
  MessageId,
  TurnId,
} from "../../src/contract/names.ts";
import { Refusal } from "../../src/contract/refusal.ts";
import type { RequestOf } from "../../src/contract/table.ts";
import type { LiveEvent } from "../../src/contract/turn-log.ts";
import { acceptLinks, type Peer, speak } from "../../src/rpc/link.ts";
import { openQueue, type Queue } from "../support/queue.ts";

type Hold = RequestOf<typeof hivedCalls.hold>;
type RunnerPeer = Peer<typeof runnerCalls>;

export type FakeHived = {
  readonly holds: Queue<Hold>;
  readonly leases: Queue<TurnId>;
  readonly ends: Queue<TurnEnd>;
  readonly lost: Queue<RequestOf<typeof hivedCalls.launchEnded>>;
  readonly live: Queue<LiveEvent>;
  /** canaries that loops have answered */
  readonly canaries: Queue<CanaryId>;
  /** handed out with the next answer to `lease` */
  canary: CanaryId | null;
  /** launches that the next `hold` may keep; all that are held when it is not set */
  adopt: readonly LaunchId[] | null;
  /** when set, the next answer to this call is lost with the link */
  loseAnswerTo: "lease" | "endTurn" | null;
  /** when set, the next `hold` fails, and its connection is left open */
  failHold: boolean;
  /** connections that are open */
  readonly connections: number;
  readonly runner: RunnerPeer["call"];
  place(): Place;
  /** Puts a message into an agent's inbox and wakes it. */
  mail(agent: string, body: string, change?: { from?: string; sentAt?: number }): void;
  disconnect(): void;
  close(): Promise<void>;
};

/** Listens at the socket. @param boot counts up with each of its lives */
export async function openFakeHived(socketPath: string, boot = 1): Promise<FakeHived> {
  const inbox = new Map<AgentName, LeasedEntry[]>();
  const leased = new Map<TurnId, LeasedEntry[]>();
  let peer: RunnerPeer | undefined;
  let place: Place | undefined;
  let messages = 0;
  const open = new Set<RunnerPeer>();
  const require_ = () => {
    if (!peer) throw new Error("no runner is connected");
    return peer;
  };
  const answerOrLose = <Answer>(name: "lease" | "endTurn", answer: Answer): Answer => {
    if (hived.loseAnswerTo === name) {
      hived.loseAnswerTo = null;
      require_().close();
    }
    return answer;
  };
  const check = (request: { boot: BootId }) => {
    if (request.boot !== boot) throw new Refusal("stale_boot", "That was an earlier life.", "Connect again.");
  };
  const hived: FakeHived = {
    holds: openQueue(),
    leases: openQueue(),
    ends: openQueue(),
    lost: openQueue(),
    live: openQueue(),
    canaries: openQueue(),
    canary: null,
    adopt: null,
    loseAnswerTo: null,
    failHold: false,
    get connections() {
      return open.size;
    },
    runner: (name, request) => require_().call(name, request),
    place() {
      if (!place) throw new Error("no runner has said what it offers");
      return place;
    },
    mail(agent, body, { from = "bob", sentAt = 1_700_000_000_000 } = {}) {
      messages += 1;
      const entry: LeasedEntry = {
        entry: messages as EntryId,
        message: messages as MessageId,
        from: from as AgentName,
        body,
        sentAt: sentAt as EpochMs,
        inReplyTo: null,
        redelivered: false,
        broadcast: false,
      };
      inbox.set(agent as AgentName, [...(inbox.get(agent as AgentName) ?? []), entry]);
      void peer?.call("wake", { agents: [agent as AgentName] });
    },
    disconnect: () => peer?.close(),
    close: () => server.close(),
  };
  const server = await acceptLinks(socketPath, (socket) => {
    const mine = speak(
      socket,
      hivedCalls,
      {
        async hold(request) {
          if (hived.failHold) {
            hived.failHold = false;
            throw new Fault("the disk is full");
          }
          place = request.place;
          peer = mine;
          setImmediate(() => hived.holds.put(request)); // after its answer
          const held = request.launches.map(({ launch }) => launch);
          return { boot: boot as BootId, adopted: [...(hived.adopt ?? held)] };
        },
        async lease(request) {
          check(request);
          const entries = leased.get(request.turn) ?? inbox.get(request.agent)?.splice(0) ?? [];
          leased.set(request.turn, entries);
          if (entries.length > 0) hived.leases.put(request.turn);
          const canary = hived.canary;
          hived.canary = null;
          return answerOrLose("lease", { entries, more: 0, ...(canary && { canary }) });
        },
        async endTurn(request) {
          check(request);
          hived.ends.put(request);
          return answerOrLose("endTurn", {});
        },
        async launchEnded(request) {
          check(request);
          hived.lost.put(request);
          return {};
        },
        async answerCanary({ canary }) {
          hived.canaries.put(canary);
          return {};
        },
        async reportLive({ batch }) {
          for (const event of batch.events) hived.live.put(event);
          return {};
        },
      },
      runnerCalls,
      (error) => console.error(error),
    );
    open.add(mine);
    void mine.closed.then(() => open.delete(mine));
  });
  return hived;
}

export const newLaunchId = (): LaunchId => `launch-${randomBytes(16).toString("hex")}` as LaunchId;
