/** Times that stay true by themselves: each is drawn anew when its text changes, and only then. */
import { useEffect, useState } from "preact/hooks";
import type { EpochMs } from "../../contract/names.ts";
import { everySecond } from "./ticker.ts";
import { agoText, spanText, untilText } from "./time-text.ts";

type At = { at: EpochMs };

export const Ago = ({ at }: At) => <Ticking at={at} text={agoText} />;
export const Until = ({ at }: At) => <Ticking at={at} text={untilText} />;

/** How long something has been going on. */
export const Since = ({ at }: At) => <Ticking at={at} text={(from, now) => spanText(now - from)} />;

function Ticking({ at, text }: At & { text: (at: EpochMs, now: EpochMs) => string }) {
  const read = () => text(at, Date.now() as EpochMs);
  const [, setText] = useState(read);
  useEffect(() => everySecond(() => setText(read())), [at]);
  const moment = new Date(at);
  return (
    <time dateTime={moment.toISOString()} title={moment.toLocaleString()}>
      {read()}
    </time>
  );
}
