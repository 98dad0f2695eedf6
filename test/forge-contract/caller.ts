/** Calls of a forge's API as one user, past every client of ours. */
export interface Answered {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: the tests read fields of answers of every kind
  body: any;
  headers: Headers;
}
type Body = object | string;
/** Told of each answer of the API's first version. @returns what is wrong with it */
export type Check = (method: string, path: string, status: number, body: unknown) => string | undefined;

export class Caller {
  private readonly url: string;
  private readonly authorization: string | undefined;
  private readonly check: Check | undefined;

  /** @param authorization the header's value */
  constructor(url: string, authorization: string | undefined, check?: Check) {
    this.url = url;
    this.authorization = authorization;
    this.check = check;
  }

  get = (path: string, headers: Record<string, string> = {}) => this.call("GET", path, undefined, headers);
  post = (path: string, body?: Body, headers: Record<string, string> = {}) => this.call("POST", path, body, headers);
  put = (path: string, body?: Body) => this.call("PUT", path, body);
  patch = (path: string, body: Body) => this.call("PATCH", path, body);
  delete = (path: string, body?: Body) => this.call("DELETE", path, body);

  /**
   * Paths without a leading `/api` are of the API's first version; a body that is text is sent as it stands.
   * @throws Error when the answer is not as the API describes it
   */
  async call(method: string, path: string, body?: Body, headers: Record<string, string> = {}): Promise<Answered> {
    const isFirstVersion = !path.startsWith("/api");
    const response = await fetch(`${this.url}${isFirstVersion ? "/api/v1" : ""}${path}`, {
      method,
      redirect: "manual",
      headers: {
        ...(this.authorization === undefined ? {} : { authorization: this.authorization }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = !isFirstVersion || response.headers.get("content-type")?.startsWith("application/json");
    const answered = {
      status: response.status,
      body: isJson && text !== "" ? JSON.parse(text) : text,
      headers: response.headers,
    };
    const fault = isFirstVersion ? this.check?.(method, path, answered.status, answered.body) : undefined;
    if (fault !== undefined) throw new Error(`${method} ${path} is not answered as Forgejo describes it: ${fault}`);
    return answered;
  }
}

export const basic = (name: string, secret: string): string =>
  `Basic ${Buffer.from(`${name}:${secret}`).toString("base64")}`;

/** @throws Error that shows the answer, when it has another status */
export async function expectStatus(status: number, call: Promise<Answered>): Promise<Answered> {
  const answer = await call;
  if (answer.status !== status)
    throw new Error(`${answer.status} instead of ${status}: ${JSON.stringify(answer.body)}`);
  return answer;
}
