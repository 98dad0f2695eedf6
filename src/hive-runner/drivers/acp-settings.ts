/** What an ACP agent lets its client choose: of its settings, the model and the mode that it works in. */
import { type ClientContext, methods, RequestError } from "@agentclientprotocol/sdk";
import { z } from "zod";
import { Refusal } from "../../contract/refusal.ts";

type Category = "model" | "mode";

export type Setting = {
  category: Category;
  /** null: in the protocol's older form, which has a call for each category */
  id: string | null;
  current: string | null;
  choices: string[];
};

const Choice = z.object({ value: z.string() });
const Options = z.object({
  configOptions: z.array(
    z.object({
      id: z.string(),
      category: z.unknown().optional(),
      currentValue: z.unknown().optional(),
      /** choices, or groups of them */
      options: z.array(z.union([Choice, z.object({ options: z.array(Choice) })])).catch([]),
    }),
  ),
});
/** Gemini CLI has no others (0.61.0). */
const OlderModels = z.object({
  models: z.object({
    currentModelId: z.unknown().optional(),
    availableModels: z.array(z.object({ modelId: z.string() })),
  }),
});
const OlderModes = z.object({
  modes: z.object({ currentModeId: z.unknown().optional(), availableModes: z.array(z.object({ id: z.string() })) }),
});

/** What an agent says of its settings; undefined when it says nothing of them. */
export function settingsIn(said: unknown): Setting[] | undefined {
  const options = Options.safeParse(said).data?.configOptions;
  if (options)
    return options.flatMap(({ id, category, currentValue, options: choices }) => {
      if (category !== "model" && category !== "mode") return [];
      const all = choices.flatMap((choice) => ("value" in choice ? [choice] : choice.options));
      return [{ category, id, current: textOf(currentValue), choices: all.map(({ value }) => value) }];
    });
  const models = OlderModels.safeParse(said).data?.models;
  const modes = OlderModes.safeParse(said).data?.modes;
  if (!models && !modes) return undefined;
  const older = (category: Category, current: unknown, choices: string[]) => [
    { category, id: null, current: textOf(current), choices },
  ];
  return [
    ...(models
      ? older(
          "model",
          models.currentModelId,
          models.availableModels.map(({ modelId }) => modelId),
        )
      : []),
    ...(modes
      ? older(
          "mode",
          modes.currentModeId,
          modes.availableModes.map(({ id }) => id),
        )
      : []),
  ];
}

const textOf = (value: unknown): string | null => (typeof value === "string" ? value.slice(0, 200) : null);

/** The model that the agent says it uses. */
export const modelAmong = (settings: readonly Setting[]): string | null => find(settings, "model")?.current ?? null;

const find = (settings: readonly Setting[], wanted: Category) => settings.find(({ category }) => category === wanted);

type Chosen = { agent: ClientContext; session: string; settings: Setting[] };

/**
 * Has the agent use another of its models.
 * @returns its settings from then on
 * @throws Refusal where it has no such model, or with its own words when it does not want to
 */
export async function chooseModel({ agent, session, settings }: Chosen, model: string): Promise<Setting[]> {
  const setting = find(settings, "model");
  if (!setting) throw noChoice();
  if (!setting.choices.includes(model)) throw unknownModel(model, setting.choices);
  try {
    return await choose({ agent, session, settings }, setting, model);
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    const problem = `Its coding agent does not take that model: ${error.message}`;
    throw new Refusal("model_refused", problem, "Choose another.");
  }
}

/** Has the agent work in a mode of its own, where it has that one. @returns its settings from then on */
export async function chooseMode(chosen: Chosen, mode: string | null): Promise<Setting[]> {
  const setting = find(chosen.settings, "mode");
  if (mode === null || !setting?.choices.includes(mode) || setting.current === mode) return chosen.settings;
  return choose(chosen, setting, mode);
}

async function choose({ agent, session, settings }: Chosen, setting: Setting, value: string): Promise<Setting[]> {
  const after = settings.map((each) => (each === setting ? { ...each, current: value } : each));
  const { category, id } = setting;
  const [method, choice] =
    id !== null
      ? [methods.agent.session.setConfigOption, { configId: id, value }]
      : category === "mode"
        ? [methods.agent.session.setMode, { modeId: value }]
        : ["session/set_model", { modelId: value }];
  const answer = await agent.request<unknown>(method as string, { sessionId: session, ...choice });
  return settingsIn(answer) ?? after;
}

const noChoice = () =>
  new Refusal("no_models", "Its coding agent offers no choice of models.", "It goes on with the one that it has.");
const unknownModel = (model: string, choices: readonly string[]) =>
  new Refusal("unknown_model", `Its coding agent has no model "${model}".`, `Choose one of: ${choices.join(", ")}.`);
