// Opens the system's Chromium, headless; what every script of the tests begins with.
import { chromium } from 'playwright-core';
import { existsSync } from 'node:fs';

const PLACES = [process.env.BALEFIRE_CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

export async function open() {
  const executablePath = PLACES.find((place) => place && existsSync(place));
  if (!executablePath) throw new Error('no Chromium; install it, or name it in BALEFIRE_CHROMIUM');
  // Root in a container has no user namespaces for the sandbox; only our own pages are opened.
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
}

// Opens every page in every look (language, colour scheme, width), logged in but for the pages of
// visitors; `made` is told of the page before it goes anywhere, `look` of what answered.
export async function eachPage(browser, looks, { base, cookie, pages, visitors }, made, look) {
  const [name, value] = cookie.split('=');
  for (const { lang, scheme, width } of looks) {
    const context = await browser.newContext({ colorScheme: scheme, viewport: { width, height: 800 } });
    const cookies = [{ name, value, url: base }, { name: 'balefire_lang', value: lang, url: base }];
    for (const path of pages) {
      await context.clearCookies();
      await context.addCookies(visitors.includes(path) ? cookies.slice(1) : cookies);
      const page = await context.newPage();
      await made(page);
      const answer = await page.goto(base + path, { waitUntil: 'load' });
      await look(page, answer, { path, width, shown: `${lang} ${scheme} ${width} ${path}` });
      await page.close();
    }
    await context.close();
  }
}
