/** Organizations, their members and labels. */
import { z } from "zod";
import { changeLabel, createLabel, deleteLabel, labelOf, labelsOf } from "../domain/labels.ts";
import { changeOrg, createOrg, deleteOrg, membersOfOrg, orgsOf, removeOrgMember, visibleOrgs } from "../domain/orgs.ts";
import { notFound } from "../domain/refusal.ts";
import { findUser, isMemberOfOrg, isOwnerVisible } from "../domain/users.ts";
import { labelJson } from "../shapes/repo.ts";
import { orgJson, userJson } from "../shapes/user.ts";
import { created, type Endpoint, endpoint, NO_CONTENT, ok } from "./endpoint.ts";
import { flag, given, id, maybe, orgPath, text, userPath } from "./fields.ts";
import { LabelBody } from "./labels.ts";
import { pagedFrom, pageOf, pagingQuery } from "./paging.ts";
import { isInside, memberOrgOf, namedOrgOf, orgOf, ownedOrgOf, userOf } from "./places.ts";

const OrgFields = z.object({
  full_name: text,
  email: text,
  description: text,
  website: text,
  location: text,
  visibility: maybe(z.enum(["public", "limited", "private"])),
  repo_admin_change_team_access: flag,
});
/** As the domain wants it: only what was given, the name under `name`. */
export const OrgBody = OrgFields.extend({ username: z.string() }).transform(({ username, ...fields }) => ({
  ...given(fields),
  name: username,
}));

const memberPath = orgPath.extend({ username: z.string() });
const labelPath = orgPath.extend({ id });

export const orgEndpoints: Endpoint[] = [
  endpoint("GET", "/orgs", { scopes: ["organization"], query: pagingQuery }, (call) =>
    pagedFrom(call, pageOf(call.query), visibleOrgs(call.forge.db, call.user), (org) => orgJson(call.forge, org)),
  ),
  endpoint("POST", "/orgs", { scopes: ["organization"], body: OrgBody }, (call) =>
    created(orgJson(call.forge, createOrg(call.forge, call.user, call.body))),
  ),
  endpoint("GET", "/orgs/:org", { scopes: ["organization"], params: orgPath }, (call) =>
    ok(orgJson(call.forge, orgOf(call))),
  ),
  endpoint("PATCH", "/orgs/:org", { scopes: ["organization"], params: orgPath, body: OrgFields }, (call) =>
    ok(orgJson(call.forge, changeOrg(call.forge, ownedOrgOf(call), given(call.body)))),
  ),
  endpoint("DELETE", "/orgs/:org", { scopes: ["organization"], params: orgPath }, (call) => {
    deleteOrg(call.forge, ownedOrgOf(call));
    return NO_CONTENT;
  }),

  endpoint("GET", "/user/orgs", { scopes: ["user", "organization"], query: pagingQuery }, (call) =>
    pagedFrom(call, pageOf(call.query), orgsOf(call.forge.db, call.user), (org) => orgJson(call.forge, org)),
  ),
  endpoint(
    "GET",
    "/users/:username/orgs",
    { scopes: ["user", "organization"], params: userPath, query: pagingQuery },
    (call) => {
      const orgs = orgsOf(call.forge.db, userOf(call)).filter((org) => isOwnerVisible(call.forge.db, call.user, org));
      return pagedFrom(call, pageOf(call.query), orgs, (org) => orgJson(call.forge, org));
    },
  ),

  endpoint("GET", "/orgs/:org/members", { scopes: ["organization"], params: orgPath, query: pagingQuery }, (call) => {
    const org = namedOrgOf(call);
    // nobody's membership is shown to those outside
    const members = isInside(call, org) ? membersOfOrg(call.forge.db, org) : [];
    return pagedFrom(call, pageOf(call.query), members, (user) => userJson(call.forge, user, call.user));
  }),
  endpoint("GET", "/orgs/:org/members/:username", { scopes: ["organization"], params: memberPath }, (call) => {
    const org = memberOrgOf(call);
    if (!isMemberOfOrg(call.forge.db, findUser(call.forge.db, call.params.username), org)) throw notFound();
    return NO_CONTENT;
  }),
  endpoint("DELETE", "/orgs/:org/members/:username", { scopes: ["organization"], params: memberPath }, (call) => {
    removeOrgMember(call.forge, ownedOrgOf(call), findUser(call.forge.db, call.params.username));
    return NO_CONTENT;
  }),

  endpoint("GET", "/orgs/:org/labels", { scopes: ["organization"], params: orgPath, query: pagingQuery }, (call) => {
    const org = orgOf(call);
    const labels = labelsOf(call.forge.db, { org });
    return pagedFrom(call, pageOf(call.query), labels, (label) => labelJson(call.forge, label, `orgs/${org.name}`));
  }),
  endpoint("POST", "/orgs/:org/labels", { scopes: ["organization"], params: orgPath, body: LabelBody }, (call) => {
    const org = ownedOrgOf(call);
    return created(labelJson(call.forge, createLabel(call.forge.db, { org }, call.body), `orgs/${org.name}`));
  }),
  endpoint("GET", "/orgs/:org/labels/:id", { scopes: ["organization"], params: labelPath }, (call) => {
    const org = orgOf(call);
    return ok(labelJson(call.forge, labelOf(call.forge.db, { org }, call.params.id), `orgs/${org.name}`));
  }),
  endpoint(
    "PATCH",
    "/orgs/:org/labels/:id",
    { scopes: ["organization"], params: labelPath, body: LabelBody },
    (call) => {
      const org = ownedOrgOf(call);
      const label = labelOf(call.forge.db, { org }, call.params.id);
      return ok(labelJson(call.forge, changeLabel(call.forge.db, { org }, label, call.body), `orgs/${org.name}`));
    },
  ),
  endpoint("DELETE", "/orgs/:org/labels/:id", { scopes: ["organization"], params: labelPath }, (call) => {
    const org = ownedOrgOf(call);
    deleteLabel(call.forge.db, labelOf(call.forge.db, { org }, call.params.id));
    return NO_CONTENT;
  }),
];
