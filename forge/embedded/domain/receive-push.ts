/**
 * What a git push may do, and what follows from it. One session per push; git's hooks call its three steps in turn:
 * pre-receive decides everything while the objects are still apart, proc-receive writes the heads of pull requests,
 * post-receive follows the refs that git has moved.
 */
import { type Forge, repoDir } from "../forge.ts";
import type { HookAnswer, HookCall } from "../git/hooks.ts";
import { NO_COMMIT, objectType } from "../git/objects.ts";
import type { RefMove } from "../git/refs.ts";
import { isAtLeast } from "./access-level.ts";
import { AGIT, type AgitPlan, type AgitResult, applyAgit, planAgit } from "./agit.ts";
import { followRefs } from "./follow-refs.ts";
import { isRef, printable } from "./names.ts";
import { accessOf } from "./permissions.ts";
import { openPullsFrom } from "./pulls.ts";
import { objectionToMove } from "./push-rules.ts";
import { Refusal } from "./refusal.ts";
import { type Repo, requireRepo } from "./repos.ts";
import type { User } from "./users.ts";

interface PushSession {
  forge: Forge;
  repoId: number;
  user: User;
  plans: AgitPlan[];
  results: AgitResult[];
}

export const newPushSession = (forge: Forge, repo: Repo, user: User): PushSession => ({
  forge,
  repoId: repo.id,
  user,
  plans: [],
  results: [],
});

const BRANCHES = "refs/heads/";
const TAGS = "refs/tags/";
const MAX_OPTIONS = 50;
const refuse = (text: string): Refusal => new Refusal(403, text);

/** Answers pre-receive and post-receive. */
export async function answerPush(session: PushSession, call: HookCall): Promise<HookAnswer> {
  try {
    if (call.name === "pre-receive") {
      await decide(session, call);
      return { isAllowed: true, say: [] };
    }
    return { isAllowed: true, say: await follow(session, call) };
  } catch (error) {
    return { isAllowed: false, say: ["", `Forgejo: ${reasonOf(session.forge, error)}`] };
  }
}

/** A refusal's own words; anything else is a bug, which is logged and not told. */
function reasonOf(forge: Forge, error: unknown): string {
  if (error instanceof Refusal) return printable(error.message);
  forge.log.error({ err: error }, "a push failed");
  return "internal error";
}

async function decide(session: PushSession, call: HookCall): Promise<void> {
  const { forge, user } = session;
  const repo = requireRepo(forge.db, session.repoId);
  const moves = call.lines.map(parsedMove);
  const proposals = moves.filter(({ ref }) => ref.startsWith(AGIT));
  // git writes proposals before the other refs, so that an atomic push of both could not hold
  if (proposals.length > 0 && proposals.length < moves.length) throw refuse(`push ${AGIT} on its own`);
  const env = quarantine(call.env);
  try {
    for (const move of moves) await decideRef(forge, repo, user, move, env);
    if (proposals.length === 0) return;
    if (!isAtLeast(accessOf(forge.db, user, repo).pulls, "read"))
      throw refuse("User permission denied for creating pull-request.");
    const options = pushOptions(call.env);
    for (const { ref, after } of proposals)
      session.plans.push(await planAgit(forge, repo, user, { ref, after, options, env }));
  } finally {
    forge.git.objects.forget(repoDir(forge, repo), env);
  }
}

/** Names come as the client wrote them; a line break in one cannot pass for a line of its own. */
function parsedMove(line: string): RefMove {
  const [, before, after, ref] = /^([0-9a-f]{40}) ([0-9a-f]{40}) (.*)$/.exec(line) ?? [];
  if (before === undefined || after === undefined || ref === undefined || !isRef(ref))
    throw refuse("Malformed ref name");
  return { before, after, ref };
}

async function decideRef(
  forge: Forge,
  repo: Repo,
  user: User,
  move: RefMove,
  env: Record<string, string>,
): Promise<void> {
  const { ref, before, after } = move;
  if (ref.startsWith(AGIT)) return;
  if (!isAtLeast(accessOf(forge.db, user, repo).code, "write")) throw refuse("User permission denied for writing.");
  if (ref.startsWith(TAGS)) return;
  if (!ref.startsWith(BRANCHES)) throw refuse(`${ref} cannot be pushed to`);
  const branch = ref.slice(BRANCHES.length);
  const isCommit = after === NO_COMMIT || (await objectType(forge.git, repoDir(forge, repo), after, env)) === "commit";
  if (!isCommit) throw refuse(`branch ${branch} can only point to a commit`);
  const objection = await objectionToMove(forge, repo, user, { branch, before, after }, env);
  if (objection !== undefined) throw refuse(objection);
}

const QUARANTINE = ["GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_QUARANTINE_PATH"];
const quarantine = (env: Record<string, string>): Record<string, string> =>
  Object.fromEntries(QUARANTINE.flatMap((key) => (env[key] === undefined ? [] : [[key, env[key]]])));

function pushOptions(env: Record<string, string>): Map<string, string> {
  const options = new Map<string, string>();
  const count = Math.min(Number(env["GIT_PUSH_OPTION_COUNT"]) || 0, MAX_OPTIONS);
  for (let index = 0; index < count; index += 1) {
    const [name = "", ...value] = (env[`GIT_PUSH_OPTION_${index}`] ?? "").split("=");
    if (!options.has(name)) options.set(name, value.join("="));
  }
  return options;
}

/** Answers proc-receive: nothing is written but what pre-receive has decided. */
export async function reportProposals(session: PushSession, lines: readonly string[]): Promise<string[]> {
  const { forge, user, plans } = session;
  const refs = lines.map((line) => line.split(" ").slice(2).join(" "));
  try {
    const wanted = lines.map((line) => plans.find((plan) => line === `${NO_COMMIT} ${plan.after} ${plan.ref}`));
    const known = wanted.filter((plan) => plan !== undefined);
    if (known.length < lines.length) throw refuse("not decided by pre-receive");
    session.results = await forge.locks.run(session.repoId, () =>
      applyAgit(forge, requireRepo(forge.db, session.repoId), user, known),
    );
    return session.results.flatMap(report);
  } catch (error) {
    const reason = reasonOf(forge, error);
    return refs.map((ref) => `ng ${printable(ref)} ${reason}`);
  }
}

const report = ({ plan, before, isForcedUpdate, request }: AgitResult): string[] => [
  `ok ${plan.ref}`,
  `option refname refs/pull/${request.issue.number}/head`,
  `option old-oid ${before}`,
  `option new-oid ${plan.after}`,
  ...(isForcedUpdate ? ["option forced-update"] : []),
];

/** The refs are written, come what may: a failure here is logged, and repaired at the next start. */
async function follow(session: PushSession, call: HookCall): Promise<string[]> {
  const { forge, user } = session;
  const moves = call.lines.map(parsedMove);
  const repo = await forge.locks.run(session.repoId, () =>
    followRefs(forge, requireRepo(forge.db, session.repoId), user, moves),
  );
  const proposed = session.results.flatMap(({ request }) =>
    link(forge, repo, "Visit the existing pull request:", `pulls/${request.issue.number}`),
  );
  return [...proposed, ...moves.flatMap((move) => hint(forge, repo, move))];
}

/** After the push of a branch: its pull request, or where to open one. */
function hint(forge: Forge, repo: Repo, { ref, after }: RefMove): string[] {
  const branch = ref.slice(BRANCHES.length);
  if (!ref.startsWith(BRANCHES) || after === NO_COMMIT || branch === repo.default_branch) return [];
  const [open] = openPullsFrom(forge.db, repo, branch);
  if (open) return link(forge, repo, "Visit the existing pull request:", `pulls/${open.issue.number}`);
  return link(forge, repo, `Create a new pull request for '${branch}':`, `compare/${repo.default_branch}...${branch}`);
}

const link = (forge: Forge, repo: Repo, text: string, path: string): string[] => [
  "",
  text,
  `  ${forge.url}/${repo.owner_name}/${repo.name}/${path}`,
  "",
];
