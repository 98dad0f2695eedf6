/** Users: the caller itself, the others, and what site admins do with them. */
import { z } from "zod";
import { createOrg } from "../domain/orgs.ts";
import { Refusal } from "../domain/refusal.ts";
import { deleteRepo } from "../domain/repo-life.ts";
import { reposOfOwner } from "../domain/repos.ts";
import { allUsers, changeUser, createUser, deleteUser, isOwnerVisible, type User } from "../domain/users.ts";
import { orgJson, userJson } from "../shapes/user.ts";
import { type Call, created, type Endpoint, endpoint, NO_CONTENT, ok } from "./endpoint.ts";
import { count, flag, given, id, maybe, queryFlag, text, userPath } from "./fields.ts";
import { OrgBody } from "./orgs.ts";
import { pagedFrom, pageOf, paging, pagingQuery } from "./paging.ts";
import { demandSiteAdmin, userOf } from "./places.ts";

const Visibility = maybe(z.enum(["public", "limited", "private"]));

const NewUser = z.object({
  username: z.string(),
  email: z.string(),
  password: text,
  full_name: text,
  must_change_password: flag,
  restricted: flag,
  visibility: Visibility,
});
const UserChange = z.object({
  email: text,
  password: text,
  full_name: text,
  description: text,
  website: text,
  location: text,
  visibility: Visibility,
  admin: flag,
  active: flag,
  restricted: flag,
  prohibit_login: flag,
  must_change_password: flag,
  allow_create_organization: flag,
  max_repo_creation: count,
});

const fitsSearch = (user: User, query: { q?: string | undefined; uid?: number | undefined }): boolean => {
  if (query.uid !== undefined) return user.id === query.uid;
  const text = (query.q ?? "").toLowerCase();
  return user.lower_name.includes(text) || user.full_name.toLowerCase().includes(text);
};

const show = (call: Call, user: User) => userJson(call.forge, user, call.user);

export const userEndpoints: Endpoint[] = [
  endpoint("GET", "/user", { scopes: ["user"] }, (call) => ok(show(call, call.user))),

  endpoint("GET", "/users/:username", { scopes: ["user"], params: userPath }, (call) => ok(show(call, userOf(call)))),

  endpoint(
    "GET",
    "/users/search",
    { scopes: ["user"], query: z.object({ ...paging, q: z.string().optional(), uid: id.optional() }) },
    (call) => {
      const found = allUsers(call.forge.db).filter(
        (user) => fitsSearch(user, call.query) && isOwnerVisible(call.forge.db, call.user, user),
      );
      const answer = pagedFrom(call, pageOf(call.query), found, (user) => show(call, user));
      return { ...answer, body: { data: answer.body, ok: true } };
    },
  ),

  endpoint("GET", "/admin/users", { scopes: ["admin"], query: pagingQuery }, (call) => {
    demandSiteAdmin(call);
    return pagedFrom(call, pageOf(call.query), allUsers(call.forge.db), (user) => show(call, user));
  }),

  endpoint("POST", "/admin/users", { scopes: ["admin"], body: NewUser }, async (call) => {
    demandSiteAdmin(call);
    const { username, password, full_name, must_change_password, restricted, visibility, email } = call.body;
    if (!password) throw new Refusal(400, "PasswordIsRequired");
    const user = await createUser(call.forge, {
      name: username,
      email,
      password,
      must_change_password: must_change_password ?? true,
      ...given({ full_name, visibility, is_restricted: restricted }),
    });
    return created(show(call, user));
  }),

  endpoint(
    "PATCH",
    "/admin/users/:username",
    { scopes: ["admin"], params: userPath, body: UserChange },
    async (call) => {
      demandSiteAdmin(call);
      const { admin, active, restricted, visibility, email, password, ...others } = call.body;
      // what is empty, and public visibility, are zero values in Go: they change nothing
      const change = given({
        ...others,
        email: email || undefined,
        password: password || undefined,
        visibility: visibility === "public" ? undefined : visibility,
        is_admin: admin,
        is_active: active,
        is_restricted: restricted,
      });
      return ok(show(call, await changeUser(call.forge, userOf(call), change)));
    },
  ),

  endpoint(
    "DELETE",
    "/admin/users/:username",
    { scopes: ["admin"], params: userPath, query: z.object({ purge: queryFlag }) },
    async (call) => {
      demandSiteAdmin(call);
      const user = userOf(call);
      if (user.id === call.user.id) throw new Refusal(422, "you cannot delete yourself");
      for (const repo of call.query.purge ? reposOfOwner(call.forge.db, user) : [])
        await deleteRepo(call.forge, call.user, repo);
      deleteUser(call.forge, user);
      return NO_CONTENT;
    },
  ),

  endpoint("POST", "/admin/users/:username/orgs", { scopes: ["admin"], params: userPath, body: OrgBody }, (call) => {
    demandSiteAdmin(call);
    return created(orgJson(call.forge, createOrg(call.forge, userOf(call), call.body)));
  }),
];
