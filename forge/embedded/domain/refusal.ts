/** A caller's mistake, with the HTTP status and the words that Forgejo would answer. The API and the pages show it as it is. */
export class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = "Refusal";
    this.status = status;
  }
}

/** Also the answer for what exists but may not be seen. */
export function notFound(message = "The target couldn't be found."): Refusal {
  return new Refusal(404, message);
}
