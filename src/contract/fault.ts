/**
 * The world's failure, not the caller's and not ours: the forge is silent, a process is restarting, the disk is full.
 * Whoever meets one tries again with backoff and loses nothing. `message` is a sentence that a person may see.
 */
export class Fault extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "Fault";
  }
}
