// What is typed into a form stays on this device until the server has it: a broken connection, a
// closed window or a reload loses nothing, and what is sent again is recorded once.
// A form with data-draft is sent without leaving the page; without this script it is a plain form.
'use strict';
(() => {
  const PREFIX = 'balefire-draft:', MOST_BYTES = 200000, WITHIN_MS = 15000, MOST_MS = 7 * 86400000;
  const said = document.body.dataset;
  const who = said.account || '';
  // Whoever reports without a name may do so on a device of others: kept for this window only.
  const store = (() => { try { const s = who ? localStorage : sessionStorage; s.getItem('x'); return s; } catch { return null; } })();
  const pathOf = (form) => new URL(form.getAttribute('action') || '', location.href).pathname;
  const read = (at) => {
    try {
      const kept = store && JSON.parse(store.getItem(at) || 'null');
      return kept && Array.isArray(kept.values) ? kept : null;
    } catch { return null; }
  };
  const keys = () => (store ? Object.keys(store).filter((key) => key.startsWith(PREFIX)) : []);
  // Whoever logs out, or another person on the same device, leaves no words behind.
  const drop = (mine) => { for (const key of keys()) if (!(mine && key.startsWith(PREFIX + who + ':'))) store.removeItem(key); };
  // A page without a person may be one whose session ended while they typed: their words wait.
  if (who) drop(true);
  let leaving = false;
  document.addEventListener('submit', (event) => { if (pathOf(event.target) === '/logout') { leaving = true; drop(false); } });
  // The server says which form it carried out; its words, and those of long ago, go.
  const done = (/(?:^|; )balefire_sent=([\w-]+)/.exec(document.cookie) || [])[1];
  for (const key of keys()) {
    const kept = read(key);
    if (!kept || (done && kept.sent === done) || Date.now() - kept.at > MOST_MS) store.removeItem(key);
  }

  const TEXT = ['textarea', 'text', 'search', 'url', 'email', 'tel', 'number', 'date', 'time', 'datetime-local'];
  const fields = (form) => [...form.elements].filter((f) => f.name && f.type !== 'hidden' && f.type !== 'password' && f.type !== 'file' && f.dataset.unkept === undefined && f.matches('input, textarea, select'));
  const texts = (form) => fields(form).filter((f) => TEXT.includes(f.type));
  const name = (form) => form.dataset.draft || [(texts(form)[0] || {}).id, ...[...form.querySelectorAll('input[type=hidden][name=no]')].map((f) => f.value)].join(':');
  const key = (form) => PREFIX + who + ':' + pathOf(form) + ':' + name(form);
  const tell = (form, text) => {
    const line = form.querySelector('.draft-told');
    if (line) { line.textContent = text; line.hidden = !text; }
  };
  const isChoice = (f) => f.type === 'radio' || f.type === 'checkbox';
  // Which of the fields of one name it is: a choice by its value, another by its number.
  const place = (form, f) => (isChoice(f) ? f.value : fields(form).filter((o) => o.name === f.name).indexOf(f));
  const changed = (f) => {
    if (isChoice(f)) return f.checked !== f.defaultChecked;
    if (f.options) return f.selectedIndex !== Math.max(0, [...f.options].findIndex((o) => o.defaultSelected));
    return f.value !== f.defaultValue;
  };
  const typed = (form) => texts(form).some((f) => f.value !== f.defaultValue);
  const keep = (form, sent) => {
    if (!store || leaving) return;
    // An answer that shows what was typed before holds it as if it stood so.
    const before = form.dataset.typed === undefined ? [] : (read(key(form)) || { values: [] }).values;
    if (!typed(form) && !before.length) { store.removeItem(key(form)); return; }
    // Only what the person changed: what they left as it stood may stand otherwise by now.
    const now = fields(form).filter(changed).map((f) => [f.name, place(form, f), isChoice(f) ? f.checked : f.value]);
    const values = before.filter(([name, at]) => !now.some((v) => v[0] === name && v[1] === at)).concat(now);
    const text = JSON.stringify({ values, sent: sent || '', at: Date.now() });
    if (text.length > MOST_BYTES) return;
    try { store.setItem(key(form), text); } catch { tell(form, said.unsent || ''); }
  };
  const forget = (form) => { if (store) store.removeItem(key(form)); };
  // The number under which it was sent: sent again unchanged it is the same act, changed it is another.
  const request = (form) => form.querySelector('input[name="request"]');

  const another = () => [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, '0')).join('');

  // Puts kept words back where they were typed, under the number that they were sent as.
  const restore = (form, kept) => {
    for (const [name, at, value] of kept.values) {
      const field = fields(form).find((f) => f.name === name && place(form, f) === at);
      if (!field || (isChoice(field) ? field.checked : field.value) === value) continue;
      if (isChoice(field)) field.checked = value; else field.value = value;
      for (let folded = field.closest('details'); folded; folded = folded.parentElement.closest('details')) folded.open = true;
    }
    if (kept.sent && request(form)) request(form).value = kept.sent;
  };
  // Puts back what was kept and keeps what is typed from now on. Gives a state with the number under
  // which it was last sent, and `sending`, to be called before it goes.
  const watch = (form, say) => {
    const state = { timer: 0, sentAs: '' };
    const kept = read(key(form));
    if (kept && !typed(form)) {
      restore(form, kept);
      state.sentAs = kept.sent || '';
      if (typed(form)) say(kept);
    }
    form.addEventListener('input', () => {
      if (state.sentAs && request(form)) request(form).value = another();
      state.sentAs = '';
      clearTimeout(state.timer);
      state.timer = setTimeout(() => keep(form, ''), 200);
    });
    addEventListener('pagehide', () => { if (form.isConnected && typed(form)) keep(form, state.sentAs); });
    state.sending = () => {
      clearTimeout(state.timer);
      state.sentAs = request(form) ? request(form).value : '';
      keep(form, state.sentAs);
    };
    return state;
  };

  const begin = (form) => {
    const state = watch(form, (kept) => tell(form, (kept.sent ? said.unsent : said.restored) || ''));
    form.addEventListener('submit', (event) => {
      if (event.defaultPrevented) return;
      event.preventDefault();
      if (form.dataset.sending) return;
      state.sending();
      if (navigator.onLine === false) { tell(form, said.offline || ''); return; }
      form.dataset.sending = '1';
      const failed = () => { delete form.dataset.sending; tell(form, said.unsent || ''); };
      const post = new XMLHttpRequest();
      post.open('POST', form.action);
      post.responseType = 'document';
      post.timeout = WITHIN_MS;
      post.setRequestHeader('Content-Type', 'application/x-www-form-urlencoded');
      post.onerror = failed; post.ontimeout = failed; post.onabort = failed;
      post.onload = () => {
        delete form.dataset.sending;
        const at = new URL(post.responseURL || location.href);
        if (post.status >= 200 && post.status < 300 && at.pathname !== '/login') {
          forget(form);
          form.reset();
          location.assign(post.responseURL || location.href);
          return;
        }
        // Refused: the words stay where they are, with what the server says of them.
        const message = post.response && post.response.querySelector('[data-message]');
        state.sentAs = '';
        keep(form, '');
        tell(form, message ? message.textContent : said.unsent || '');
      };
      post.send(new URLSearchParams(new FormData(form)).toString());
    });
  };
  for (const form of document.querySelectorAll('form[data-draft]')) begin(form);

  // Every other form that takes a text keeps it too, but is sent as a plain form. Never what is
  // secret: no form with a password or a code of a second factor, and no field with data-unkept.
  const SECRET = 'input[type=password], [autocomplete="one-time-code"]';
  const keeps = (form) => form && form.method === 'post' && form.dataset.draft === undefined && form.closest('main') && !form.querySelector(SECRET) && texts(form).length > 0;
  const states = new WeakMap();
  const told = (form, text) => {
    let line = form.querySelector('.draft-told');
    if (!line) {
      line = document.createElement('p');
      line.className = 'draft-told state warn small';
      line.setAttribute('role', 'status');
      form.prepend(line);
    }
    const drop = document.createElement('button');
    drop.type = 'button';
    drop.className = 'quiet small';
    drop.textContent = said.discard || '';
    drop.addEventListener('click', () => { forget(form); form.reset(); line.remove(); if (request(form)) request(form).value = another(); marks(); });
    line.hidden = false;
    line.replaceChildren(text + ' ', drop);
  };
  const state = (form) => {
    if (!states.has(form)) states.set(form, watch(form, () => told(form, said.restored || '')));
    return states.get(form);
  };
  const plain = () => [...document.querySelectorAll('main form')].filter(keeps);
  // A live part would stand still for as long as it holds kept words: there they come when the
  // form is opened, and until then its heading says that there are some.
  const marks = () => {
    for (const form of plain()) {
      const heading = form.closest('details')?.querySelector(':scope > summary');
      if (!heading || !form.closest('[data-live]')) continue;
      const waits = !states.has(form) && read(key(form));
      if (waits) heading.dataset.kept = said.kept || ''; else if (![...heading.parentElement.querySelectorAll('form')].some((f) => f !== form && keeps(f) && read(key(f)))) delete heading.dataset.kept;
    }
  };
  const begun = () => {
    for (const form of plain()) if (!form.closest('[data-live]') || !form.closest('details')) state(form);
    marks();
  };
  begun();
  document.addEventListener('balefire-fresh', begun);
  document.addEventListener('input', (event) => { if (keeps(event.target.form)) state(event.target.form); }, true);
  document.addEventListener('toggle', (event) => {
    if (!event.target.open || !event.target.matches('main details')) return;
    for (const form of event.target.querySelectorAll('form')) if (keeps(form)) state(form);
    marks();
  }, true);
  document.addEventListener('focusin', (event) => { if (keeps(event.target.form)) { state(event.target.form); marks(); } });
  // Before anything else is done about it: nothing leaves while there is no line.
  document.addEventListener('submit', (event) => {
    if (navigator.onLine !== false || !keeps(event.target)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    keep(event.target, state(event.target).sentAs);
    told(event.target, said.offline || '');
  }, true);
  // After the question whether one is sure.
  document.addEventListener('submit', (event) => {
    if (!event.defaultPrevented && keeps(event.target)) state(event.target).sending();
  });
})();
