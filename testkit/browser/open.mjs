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
