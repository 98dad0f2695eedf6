import type { Profile } from "./profile.ts";

/** Our own agent without a model: it asks for nothing, and has no provider that could fail. */
export const scriptProfile: Profile = { permissions: "allow", compactCommand: "/compact", errors: [] };
