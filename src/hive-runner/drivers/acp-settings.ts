/** What an ACP agent lets its client choose: its settings, of which the model is one. */
import { type ClientContext, methods, RequestError } from "@agentclientprotocol/sdk";
import { z } from "zod";
import { Refusal } from "../../contract/refusal.ts";

const Choice = z.object({ value: z.string() });
const Settings = z.object({
  configOptions: z.array(
    z.object({
      id: z.string(),
      category: z.unknown(),
      currentValue: z.unknown(),
      /** choices, or groups of them */
      options: z.array(z.union([Choice, z.object({ options: z.array(Choice) })])).catch([]),
    }),
  ),
});
export type Setting = z.infer<typeof Settings>["configOptions"][number];

/** What an agent says of its settings; undefined when it says nothing of them. */
export const settingsIn = (said: unknown): Setting[] | undefined => Settings.safeParse(said).data?.configOptions;

/** The choice of the model among an agent's settings, as far as it offers one. */
export function modelAmong(
  settings: readonly Setting[],
): { id: string; current: string | null; choices: string[] } | undefined {
  const setting = settings.find(({ category }) => category === "model");
  if (!setting) return undefined;
  const { id, currentValue, options } = setting;
  const choices = options
    .flatMap((option) => ("value" in option ? [option] : option.options))
    .map(({ value }) => value);
  return { id, current: typeof currentValue === "string" ? currentValue.slice(0, 200) : null, choices };
}

/**
 * Has the agent use another of its models.
 * @returns its settings from then on, as far as it tells
 * @throws Refusal where it has no such model, or with its own words when it does not want to
 */
export async function chooseModel(
  agent: ClientContext,
  session: string,
  settings: readonly Setting[],
  model: string,
): Promise<Setting[] | undefined> {
  const setting = modelAmong(settings);
  if (!setting) throw noChoice();
  if (!setting.choices.includes(model)) throw unknownModel(model, setting.choices);
  try {
    const choice = { sessionId: session, configId: setting.id, value: model };
    return settingsIn(await agent.request(methods.agent.session.setConfigOption, choice));
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    throw new Refusal(
      "model_refused",
      `Its coding agent does not take that model: ${error.message}`,
      "Choose another.",
    );
  }
}

const noChoice = () =>
  new Refusal("no_models", "Its coding agent offers no choice of models.", "It goes on with the one that it has.");
const unknownModel = (model: string, choices: readonly string[]) =>
  new Refusal("unknown_model", `Its coding agent has no model "${model}".`, `Choose one of: ${choices.join(", ")}.`);
