/** What a page is made from and what it answers, without the web framework: a page is a function of a visit. */

import type { User } from "../domain/users.ts";
import type { Forge } from "../forge.ts";
import type { Html } from "./html.ts";

interface Request {
  forge: Forge;
  /** path and query, as asked */
  url: string;
  /** of the route; `*` is the rest of the path */
  params: Record<string, string>;
  query: Record<string, string>;
}

/** A request by somebody who is signed in. */
export interface Visit extends Request {
  user: User;
}

/** @param Form the form's fields, not yet checked */
export interface Posted extends Visit {
  form: unknown;
}

export interface Page {
  title: string;
  content: Html;
  /** 200 unless it says otherwise: a refused form is shown again with the refusal's status */
  status?: number;
  /** another origin that a form of this page may end at */
  leadsTo?: string | undefined;
}

/** After a form has been carried out, the browser is sent to a page of ours, so that reloading repeats nothing. */
export interface GoTo {
  goTo: string;
}

/** A file as it is; never shown as a page of ours. */
export interface Download {
  bytes: Buffer;
  type: string;
}

/** What an answer did not carry out, and what had been typed: a refused form comes back with both. */
export interface RefusedForm {
  status: number;
  sentence: string;
  typed: Record<string, string>;
}
