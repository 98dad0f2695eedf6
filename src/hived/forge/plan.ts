/** What the forge is to look like: data alone, made so by provision.ts and its neighbours. */
import type { AgentRole } from "../../contract/agent.ts";
import type { AgentName } from "../../contract/names.ts";
import { agentSchemaText } from "../agents/agent-yaml.ts";
import type { Protection, RepoSettings } from "./verbs/layout.ts";
import type { TeamPlan } from "./verbs/people.ts";

/** The repository that says what is wanted, the one of the questions, and the one that every agent can read. */
export const agentsRepo = "hive/agents";
export const questionsRepo = "hive/questions";
export const docsRepo = "org-shared/docs";

/** In hive/agents, where the first line of each agent.yaml of the seeds finds it. */
export const agentSchemaFile = "agent.schema.json";

export const bot = "hive-bot";
export const operator = "operator";

/** The least that each needs (Forgejo 15.0.3, routers/api/v1/api.go); `read:user` to ask whether the token is good. */
export const scopes = {
  bot: ["write:repository", "write:issue", "read:user"],
  operator: ["write:repository", "write:issue", "read:user"],
  /** `write:user` is what making a repository or a webhook of one's own costs; it changes no password and makes no token */
  agent: ["write:repository", "write:issue", "write:user"],
} as const;

/** A user of ours: `isRestricted` sees only what a team or a collaboration gives. */
export type Account = {
  name: typeof bot | typeof operator | AgentName;
  isRestricted: boolean;
  scopes: readonly string[];
};

export const botAccount: Account = { name: bot, isRestricted: false, scopes: scopes.bot };
export const agentAccount = (name: AgentName): Account => ({ name, isRestricted: true, scopes: scopes.agent });

/** Who is in a team; the agents join one by one, as they come. */
export type Member = typeof bot | typeof operator | "each agent" | "the manager";

export type Organization = {
  name: string;
  /** `description` and all that is not here is the operator's, once the repository is made */
  repos: { repo: string; description: string; settings: RepoSettings }[];
  teams: (TeamPlan & { members: readonly Member[] })[];
};

const settings: RepoSettings = {
  private: true,
  archived: false,
  default_branch: "main",
  has_issues: true,
  has_pull_requests: true,
  allow_merge_commits: true,
};

export const organizations: Organization[] = [
  {
    name: "hive",
    repos: [
      {
        repo: agentsRepo,
        description: "The swarm as it should be: one directory per agent, changed by pull requests.",
        settings,
      },
      {
        repo: questionsRepo,
        description: "Questions of agents, as issues. A comment that begins with /answer answers.",
        settings, // with pull requests, though nobody makes any: without, Forgejo lets no reader be assigned an issue
      },
    ],
    teams: [
      { name: "bots", permission: "write", members: [bot] },
      // An approval counts only from somebody with access of his own: a rule drops other names without a word.
      { name: "operators", permission: "write", members: [operator] },
      { name: "readers", permission: "read", members: ["each agent"] },
    ],
  },
  {
    name: "org-shared",
    repos: [{ repo: docsRepo, description: "What every agent should know. In each sandbox at /docs.", settings }],
    teams: [
      { name: "bots", permission: "write", members: [bot] },
      { name: "maintainers", permission: "write", members: [operator, "the manager"] },
      { name: "readers", permission: "read", members: ["each agent"] },
    ],
  },
];

/** Teams of an agent: those that it is in, and those that it would be in with another role. */
export const agentTeams = (role: AgentRole): { org: string; team: string; isMember: boolean }[] =>
  organizations.flatMap(({ name: org, teams }) =>
    teams.flatMap(({ name: team, members }) => {
      if (members.includes("each agent")) return [{ org, team, isMember: true }];
      return members.includes("the manager") ? [{ org, team, isMember: role === "manager" }] : [];
    }),
  );

/** `main` of hive/agents: nothing is merged without the operator's approval, and nobody but the operator pushes. */
export const protectedBranch = "main";
export const protection: Protection = {
  enable_push: true,
  enable_push_whitelist: true,
  push_whitelist_usernames: [operator],
  push_whitelist_teams: [],
  enable_merge_whitelist: true,
  merge_whitelist_usernames: [bot, operator],
  merge_whitelist_teams: [],
  required_approvals: 1,
  enable_approvals_whitelist: true,
  approvals_whitelist_username: [operator],
  approvals_whitelist_teams: [],
  block_on_rejected_reviews: true,
  dismiss_stale_approvals: true,
  apply_to_admins: true,
  unprotected_file_patterns: "",
};

/** First content of the repositories: directories of this program, forms with their places, and what the code itself says. */
export type Seed = {
  repo: string;
  directory: string;
  forms: { from: string; to: string }[];
  made?: { to: string; text: () => string }[];
};
export const seeds: Seed[] = [
  {
    repo: docsRepo,
    directory: "seeds/org-shared/docs",
    forms: [
      { from: "templates/agent.yaml", to: "new-agent/agent.yaml" },
      { from: "templates/AGENTS.md", to: "new-agent/AGENTS.md" },
    ],
  },
  {
    repo: agentsRepo,
    directory: "seeds/hive/agents",
    forms: [{ from: "templates/pull-request.md", to: ".forgejo/pull_request_template.md" }],
    made: [{ to: agentSchemaFile, text: agentSchemaText }],
  },
  {
    repo: questionsRepo,
    directory: "seeds/hive/questions",
    forms: [{ from: "templates/question-form.yaml", to: ".forgejo/issue_template/question.yaml" }],
  },
];

/**
 * What a webhook is asked to tell, and what the forge then says that it tells: umbrella names come back as their families.
 * Reviews that only comment are told under `pull_request_comment` (7.0 and 15.0.3, models/webhook/webhook.go).
 */
export const hookEvents = {
  asked: [
    ..."push issues issue_comment pull_request pull_request_comment pull_request_review pull_request_sync".split(" "),
    "pull_request_review_request",
  ],
  told: [
    ..."push issues issue_assign issue_comment pull_request pull_request_assign pull_request_comment".split(" "),
    ..."pull_request_review_approved pull_request_review_rejected pull_request_sync".split(" "),
    "pull_request_review_request",
  ],
};
