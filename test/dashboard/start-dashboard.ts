/** The dashboard as a browser gets it: built by Vite, behind hive-web, before a fake hived whose events a test writes. */
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { build } from "vite";
import { afterAll, beforeAll } from "vitest";
import { goodSecret, startWeb } from "../hive-web/start-web.ts";
import { complaintsOf, launchBrowser } from "../support/browser.ts";
import { freePort } from "../support/free-port.ts";

const top = join(import.meta.dirname, "../..");

/** Builds the front end into a directory of its own. */
async function buildDashboard(): Promise<{ assets: string; remove(): void }> {
  const assets = mkdtempSync("/tmp/hive-dist-");
  const outDir = assets;
  await build({
    configFile: join(top, "vite.config.ts"),
    root: join(top, "src/dashboard"),
    build: { outDir },
    logLevel: "warn",
  });
  return { assets, remove: () => rmSync(assets, { recursive: true }) };
}

async function startDashboard(browser: Browser, assets: string) {
  const port = await freePort(); // chosen before, as hive-web checks the one in a request's `Host`
  const url = `http://hive.localhost:${port}/`;
  const web = await startWeb({ assets, port, dashboardUrl: url });
  const pages: Page[] = [];
  const complaints: string[] = [];
  const link = `${url}#sign-in=${goodSecret}`;
  /** Opens an address in a browser that knows nothing of the others. */
  const visit = async (address: string, width = 1280): Promise<Page> => {
    const context = await browser.newContext({ viewport: { width, height: 800 } });
    const page = await context.newPage();
    pages.push(page);
    complaintsOf(page, complaints);
    await page.goto(address);
    return page;
  };
  return {
    hived: web.hived,
    breakConnections: web.breakConnections,
    url,
    link,
    visit,
    /** what the browser had to say against the pages: errors, and violations of their policy */
    complaints,
    /** a page of the signed-in operator, which has its state and its stream */
    async open(width?: number): Promise<Page> {
      const page = await visit(link, width);
      await page.getByText("Live", { exact: true }).waitFor();
      return page;
    },
    async [Symbol.asyncDispose]() {
      for (const page of pages) await page.context().close();
      await web[Symbol.asyncDispose]();
    },
  };
}

/** Builds the front end and opens a browser for the tests of a file. @returns what starts a dashboard for one of them */
export function dashboards(): () => ReturnType<typeof startDashboard> {
  let browser: Browser;
  let built: Awaited<ReturnType<typeof buildDashboard>>;
  beforeAll(async () => {
    built = await buildDashboard();
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser.close();
    built.remove();
  });
  return () => startDashboard(browser, built.assets);
}
