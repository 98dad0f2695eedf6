/** A browser without a window: cookies, forms, and the headers that a browser adds to them. */
import { request } from "node:http";
import { passwordOf, type TestForge } from "./test-forge.ts";

export interface Shown {
  status: number;
  headers: Headers;
  html: string;
  /** where a redirect leads */
  location: string | undefined;
}

export class Visitor {
  cookie = "";
  private readonly url: string;

  constructor(forge: TestForge) {
    this.url = forge.url;
  }

  get = (path: string, headers: Record<string, string> = {}): Promise<Shown> => this.ask(path, { headers });

  /** @param headers in place of those that a page of the forge itself would send */
  post(path: string, fields: Record<string, string>, headers?: Record<string, string>): Promise<Shown> {
    const own = { origin: this.url, "sec-fetch-site": "same-origin" };
    return this.ask(path, { method: "POST", body: new URLSearchParams(fields), headers: headers ?? own });
  }

  /** Sends the form of a page with its hidden fields, as pressing one of its buttons does. */
  send(page: Shown, action: string, fields: Record<string, string>): Promise<Shown> {
    return this.post(action, { ...hiddenFields(page.html, action), ...fields });
  }

  private async ask(path: string, options: RequestInit & { headers: Record<string, string> }): Promise<Shown> {
    const headers = { ...options.headers, ...(this.cookie && { cookie: this.cookie }) };
    const response = await fetch(`${this.url}${path}`, { ...options, headers, redirect: "manual" });
    const [set] = response.headers.getSetCookie();
    if (set !== undefined) this.cookie = set.split(";")[0] ?? "";
    const location = response.headers.get("location") ?? undefined;
    return { status: response.status, headers: response.headers, html: await response.text(), location };
  }
}

export async function signedIn(forge: TestForge, name: string): Promise<Visitor> {
  const visitor = new Visitor(forge);
  const answer = await visitor.post("/user/login", { user_name: name, password: passwordOf(name) });
  if (answer.status !== 303) throw new Error(`${name} cannot sign in: ${answer.status}`);
  return visitor;
}

/** @throws Error when the page has no form that is sent there */
export function hiddenFields(html: string, action: string): Record<string, string> {
  const form = html.split("<form").find((part) => part.includes(`action="${action}"`));
  if (form === undefined) throw new Error(`there is no form for ${action}`);
  const inputs = form.split("</form>")[0]?.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g) ?? [];
  return Object.fromEntries([...inputs].map(([, name = "", value = ""]) => [name, value]));
}

/** The page's text as it is read, without tags. */
export const textOf = (html: string): string => html.replace(/<[^>]*>/g, "").replace(/\s+/g, " ");

/** The status of a plain GET with this Host, which fetch would not let us choose. */
export function statusForHost(forge: TestForge, path: string, host: string): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const asked = request(`${forge.url}${path}`, { headers: { host } }, (response) => {
    response.resume();
    resolve(response.statusCode ?? 0);
  });
  asked.on("error", reject);
  asked.end();
  return promise;
}
