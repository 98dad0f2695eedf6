/** Users and organizations: who is on this forge, and a page for each. */
import { searchIssues } from "../domain/issue-search.ts";
import { orgsOf, visibleOrgs } from "../domain/orgs.ts";
import { visibleRepos } from "../domain/permissions.ts";
import { notFound } from "../domain/refusal.ts";
import { membersOf, teamsOfOrg } from "../domain/teams.ts";
import { allUsers, isMemberOfOrg, isOwnerVisible, ownerByName, type User } from "../domain/users.ts";
import { repoList } from "./home.ts";
import { type Html, html, type Part } from "./html.ts";
import { issueRows, readableIn } from "./issue-rows.ts";
import { ago, avatar, person } from "./parts.ts";
import { webUrl } from "./paths.ts";
import { TOKENS_PATH } from "./tokens.ts";
import type { Page, Visit } from "./visit.ts";

const RECENT = 10;

/** A user's or an organization's page. @throws Refusal 404 also for what the visitor may not see */
export function ownerPage(visit: Visit): Page {
  const { forge, user, params } = visit;
  const owner = ownerByName(forge.db, params["owner"] ?? "");
  if (!owner || owner.id < 0 || !isOwnerVisible(forge.db, user, owner)) throw notFound();
  const repos = visibleRepos(forge.db, user).filter((repo) => repo.owner_id === owner.id);
  const content = html`<header class="profile">${avatar(owner.name, 56)}
<div><h1>${owner.full_name || owner.name}</h1><p class="dim">${facts(visit, owner)}</p>${owner.description && html`<p>${owner.description}</p>`}</div>${owner.id === user.id && html`<a class="button" href="${TOKENS_PATH}">Access tokens</a>`}</header>
<div class="columns">
<div class="main-column">
<section class="card"><h2>Repositories</h2>
${repoList(visit, repos)}
</section>
${owner.kind === "user" && recentThreads(visit, owner)}
</div>
<aside class="side-column" aria-label="People">${owner.kind === "org" ? teams(visit, owner) : organizations(visit, owner)}</aside>
</div>`;
  return { title: owner.name, content };
}

function facts({ forge, user }: Visit, owner: User): Html {
  const website = webUrl(owner.website);
  const all: Part[] = [
    owner.kind === "org" ? "Organization" : "User",
    owner.full_name && owner.name,
    owner.location,
    website && html`<a href="${website}" rel="noopener noreferrer nofollow">${website}</a>`,
    html`since ${ago(owner.created_at, forge.now())}`,
  ];
  const shown = all.filter(Boolean).map((fact, index) => html`${index > 0 && " · "}${fact}`);
  return html`${shown} ${tags(user, owner)}`;
}

/** Who is what: told to the site admin, and of themselves to everybody. */
function tags(visitor: User, owner: User): Html[] {
  const isTold = visitor.is_admin === 1 || visitor.id === owner.id;
  const all = [
    owner.is_admin === 1 && "Site admin",
    owner.is_restricted === 1 && "Restricted",
    (owner.is_active === 0 || owner.prohibit_login === 1) && "May not sign in",
  ];
  return isTold ? all.flatMap((tag) => (tag ? [html`<span class="tag">${tag}</span> `] : [])) : [];
}

/** What somebody opened of late, as far as the visitor may see it. */
function recentThreads({ forge, user }: Visit, owner: User): Html {
  const filter = { repos: readableIn(forge, user), author: owner.id, state: "all", sort: "recentupdate" } as const;
  const { rows } = searchIssues(forge.db, filter, { page: 1, limit: RECENT });
  return html`<section class="card"><h2>Issues and pull requests</h2>
${rows.length === 0 ? html`<p class="empty">There is none that you may see.</p>` : issueRows(forge, rows, { withRepo: true })}
</section>`;
}

/** Only members, and the site admin, learn who the others are. */
function teams({ forge, user }: Visit, org: User): Html | false {
  if (!user.is_admin && !isMemberOfOrg(forge.db, user, org)) return false;
  return html`${teamsOfOrg(forge.db, org).map(
    (team) => html`<section><h2>Team ${team.name}</h2>${people(membersOf(forge.db, team))}</section>
`,
  )}`;
}

function organizations({ forge, user }: Visit, owner: User): Html {
  const orgs = orgsOf(forge.db, owner).filter((org) => isOwnerVisible(forge.db, user, org));
  return html`<section><h2>Organizations</h2>${people(orgs)}</section>`;
}

const people = (users: readonly User[]): Html =>
  users.length === 0
    ? html`<p class="dim">None</p>`
    : html`<ul class="plain">${users.map((user) => html`<li>${avatar(user.name, 20)} ${person(user.name)}</li>`)}</ul>`;

/** Everybody whom the visitor may see. */
export function peoplePage(visit: Visit): Page {
  const { forge, user } = visit;
  const users = allUsers(forge.db).filter((one) => isOwnerVisible(forge.db, user, one));
  const content = html`<h1>People</h1>
<section class="card people" aria-label="Users"><h2>Users <span class="count">${users.length}</span></h2>
<ul class="rows">${users.map((one) => userRow(visit, one))}</ul></section>
<section class="card people" aria-label="Organizations"><h2>Organizations</h2>
<ul class="rows">${visibleOrgs(forge.db, user).map(orgRow)}</ul></section>`;
  return { title: "People", content };
}

const userRow = ({ forge, user }: Visit, one: User): Html => html`<li class="row">${avatar(one.name, 32)}
<div class="row-text"><p class="row-title">${person(one.name)} ${one.full_name !== "" && html`<span class="dim">${one.full_name}</span>`} ${tags(user, one)}</p>
<p class="row-hint">${user.is_admin === 1 && one.email !== "" && `${one.email} · `}since ${ago(one.created_at, forge.now())}${user.is_admin === 1 && html` · ${one.last_login_at === null ? "never signed in" : html`signed in ${ago(one.last_login_at, forge.now())}`}`}</p></div></li>
`;

const orgRow = (org: User): Html => html`<li class="row">${avatar(org.name, 32)}
<div class="row-text"><p class="row-title">${person(org.name)}</p>${org.description !== "" && html`<p class="row-hint">${org.description}</p>`}</div></li>
`;
