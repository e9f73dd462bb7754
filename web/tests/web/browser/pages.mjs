// Opens every page in both languages, both colour schemes and two widths, and tells: what axe
// finds against WCAG 2.2 A and AA, what the page's own policy blocked, what the script threw, and
// whether a page scrolls sideways, and whether the war room stands on one screen.
import axe from 'axe-core';
import { eachPage, open } from './open.mjs';

const input = JSON.parse(process.argv[2]);
const { pages, langs, oneScreen } = input;
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
// Each language and scheme once in each width would be four times the work for little: texts and
// colours are the same, so languages and schemes are crossed and widths alternate.
const LOOKS = [
  { lang: langs[0], scheme: 'light', width: 1280 },
  { lang: langs[0], scheme: 'dark', width: 360 },
  { lang: langs[1], scheme: 'dark', width: 1280 },
  { lang: langs[1], scheme: 'light', width: 360 },
];

const browser = await open();
let faults = 0;
let looked = 0;
let told;
const made = (page) => {
  told = [];
  page.on('console', (line) => line.type() === 'error' && told.push(line.text()));
  page.on('pageerror', (error) => told.push(String(error)));
};
await eachPage(browser, LOOKS, input, made, async (page, answer, { path, width, shown }) => {
  if (answer.status() !== 200) told.push(`status ${answer.status()}`);
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate((tags) => axe.run(document, { runOnly: { type: 'tag', values: tags } }), RULES);
  for (const violation of violations) {
    const where = violation.nodes.slice(0, 3).map((node) => `${node.target.join(' ')} ${node.failureSummary.split('\n').slice(1, 2)}`);
    told.push(`${violation.id} (${violation.impact}) x${violation.nodes.length}: ${where.join(' | ')}`);
  }
  const sideways = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  if (sideways > 0) told.push(`scrolls sideways by ${sideways} px`);
  if (width >= 1280 && oneScreen.includes(path)) {
    const hidden = await page.evaluate(() => {
      const below = (part) => !part || part.getBoundingClientRect().height < 40 || part.getBoundingClientRect().bottom > innerHeight;
      return ['.war-top', '.war > .left', '.war > .centre', '.war > .right-side', '.war-bottom'].filter((part) => below(document.querySelector(part)));
    });
    if (hidden.length) told.push(`not on the first screen: ${hidden.join(' ')}`);
  }
  looked += 1;
  faults += told.length;
  for (const line of told) console.log(`${shown}: ${line}`);
});
await browser.close();
console.log(`looked at ${looked} pages, ${faults} faults`);
process.exit(faults === 0 && looked === LOOKS.length * pages.length ? 0 : 1);
