/** A person's browser before a forge's pages, without scripts: cookies, links and forms. */
export interface Shown {
  status: number;
  url: string;
  html: string;
  /** where a redirect leads that was not followed: to another site */
  location: string | undefined;
}

export class WebVisitor {
  private readonly origin: string;
  private readonly cookies = new Map<string, string>();

  constructor(origin: string) {
    this.origin = origin;
  }

  get = (url: string): Promise<Shown> => this.ask(url, {});

  /** Presses a button of a page's form, with the form's hidden fields. @param fields also the button's own */
  submit(page: Shown, action: string, fields: Record<string, string>): Promise<Shown> {
    const form = page.html.split("<form").find((part) => part.includes(`action="${action}"`));
    if (form === undefined) throw new Error(`${page.url} has no form for ${action}: ${page.html.slice(0, 2000)}`);
    const inputs = form.split("</form>")[0]?.match(/<input[^>]*type="hidden"[^>]*>/g) ?? [];
    const hidden = inputs.map((input) => [attribute(input, "name"), attribute(input, "value")]);
    const body = new URLSearchParams({ ...Object.fromEntries(hidden), ...fields });
    const headers = { origin: this.origin, "sec-fetch-site": "same-origin" };
    return this.ask(new URL(action, this.origin).href, { method: "POST", body, headers });
  }

  async signIn(name: string, password: string): Promise<void> {
    const page = await this.get(`${this.origin}/user/login`);
    const after = await this.submit(page, "/user/login", { user_name: name, password });
    if (after.status !== 200 || after.url.includes("/user/login")) throw new Error(`${name} cannot sign in`);
  }

  /** Follows redirects within the forge. */
  private async ask(url: string, options: RequestInit): Promise<Shown> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const headers = { ...(options.headers as Record<string, string>), cookie };
    const answer = await fetch(url, { ...options, headers, redirect: "manual" });
    for (const set of answer.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(set) ?? [];
      this.cookies.set(name, value);
    }
    const location = answer.headers.get("location");
    if (location === null) return { status: answer.status, url, html: await answer.text(), location: undefined };
    await answer.body?.cancel();
    const target = new URL(location, url);
    if (target.origin === this.origin) return this.get(target.href);
    return { status: answer.status, url, html: "", location: target.href };
  }
}

const attribute = (tag: string, name: string): string => decoded(new RegExp(` ${name}="([^"]*)"`).exec(tag)?.[1] ?? "");
const ENTITIES: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'", "#34": '"', "#43": "+" };
const decoded = (text: string): string => text.replace(/&(#?\w+);/g, (whole, name) => ENTITIES[name] ?? whole);
