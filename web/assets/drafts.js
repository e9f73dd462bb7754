// What is typed into a form stays on this device until the server has it: a broken connection, a
// closed window or a reload loses nothing, and what is sent again is recorded once.
// A form with data-draft is sent without leaving the page; without this script it is a plain form.
'use strict';
(() => {
  const PREFIX = 'balefire-draft:', MOST_BYTES = 200000, WITHIN_MS = 15000;
  const who = document.body.dataset.account || '';
  const store = (() => { try { localStorage.getItem('x'); return localStorage; } catch { return null; } })();
  const pathOf = (form) => new URL(form.getAttribute('action') || '', location.href).pathname;
  // Whoever logs out, or another person on the same device, leaves no words behind.
  const drop = (mine) => {
    if (!store) return;
    for (const key of Object.keys(store)) if (key.startsWith(PREFIX) && !(mine && key.startsWith(PREFIX + who + ':'))) store.removeItem(key);
  };
  // A page without a person may be one whose session ended while they typed: their words wait.
  if (who) drop(true);
  let leaving = false;
  document.addEventListener('submit', (event) => { if (pathOf(event.target) === '/logout') { leaving = true; drop(false); } });

  const name = (form) => form.dataset.draft || form.querySelector('textarea').id || '';
  const key = (form) => PREFIX + who + ':' + pathOf(form) + ':' + name(form);
  const fields = (form) => [...form.elements].filter((f) => f.name && f.type !== 'hidden' && f.type !== 'password' && f.type !== 'file' && f.matches('input, textarea, select'));
  const tell = (form, text) => {
    const place = form.querySelector('.draft-told');
    if (place) { place.textContent = text; place.hidden = !text; }
  };
  const typed = (form) => fields(form).some((f) => (f.matches('textarea') || f.type === 'text') && f.value !== f.defaultValue);
  const keep = (form, sent) => {
    if (!store || leaving) return;
    if (!typed(form)) { store.removeItem(key(form)); return; }
    const values = fields(form).filter((f) => (f.type !== 'radio' && f.type !== 'checkbox') || f.checked).map((f) => [f.name, f.value]);
    const text = JSON.stringify({ values, sent: sent || '' });
    if (text.length > MOST_BYTES) return;
    try { store.setItem(key(form), text); } catch { tell(form, form.dataset.unsent || ''); }
  };
  const forget = (form) => { if (store) store.removeItem(key(form)); };
  // The number under which it was sent: sent again unchanged it is the same act, changed it is another.
  const request = (form) => form.querySelector('input[name="request"]');

  const another = () => [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, '0')).join('');

  // Puts kept words back where they were typed, under the number that they were sent as.
  const restore = (form, kept) => {
    for (const [name, value] of kept.values) {
      for (const field of fields(form).filter((f) => f.name === name)) {
        if (field.type === 'radio' || field.type === 'checkbox') field.checked = field.value === value; else field.value = value;
        const folded = field.closest('details');
        if (folded && value && field.type !== 'radio') folded.open = true;
      }
    }
    if (kept.sent && request(form)) request(form).value = kept.sent;
  };
  const read = (at) => {
    try {
      const kept = store && JSON.parse(store.getItem(at) || 'null');
      return kept && Array.isArray(kept.values) ? kept : null;
    } catch { return null; }
  };
  // Puts back what was kept and keeps what is typed from now on. Gives a state with the number under
  // which it was last sent, and `sending`, to be called before it goes.
  const watch = (form, say) => {
    const state = { timer: 0, sentAs: '' };
    const kept = read(key(form));
    if (kept && !typed(form)) {
      restore(form, kept);
      state.sentAs = kept.sent || '';
      say(kept);
    }
    form.addEventListener('input', () => {
      if (state.sentAs && request(form)) request(form).value = another();
      state.sentAs = '';
      clearTimeout(state.timer);
      state.timer = setTimeout(() => keep(form, ''), 200);
    });
    addEventListener('pagehide', () => { if (typed(form)) keep(form, state.sentAs); });
    state.sending = () => {
      clearTimeout(state.timer);
      state.sentAs = request(form) ? request(form).value : '';
      keep(form, state.sentAs);
    };
    return state;
  };

  const begin = (form) => {
    const state = watch(form, (kept) => tell(form, (kept.sent ? form.dataset.unsent : form.dataset.restored) || ''));
    form.addEventListener('submit', (event) => {
      if (event.defaultPrevented) return;
      event.preventDefault();
      if (form.dataset.sending) return;
      state.sending();
      if (navigator.onLine === false) { tell(form, form.dataset.offline || ''); return; }
      form.dataset.sending = '1';
      const failed = () => { delete form.dataset.sending; tell(form, form.dataset.unsent || ''); };
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
        const said = post.response && post.response.querySelector('[data-message]');
        state.sentAs = '';
        keep(form, '');
        tell(form, said ? said.textContent : form.dataset.unsent || '');
      };
      post.send(new URLSearchParams(new FormData(form)).toString());
    });
  };
  for (const form of document.querySelectorAll('form[data-draft]')) begin(form);

  // Every other act on an incident that takes a text keeps it too, but is sent as a plain form: its
  // words go when the page that follows says that the act is done. Not within live parts, which
  // would stand still for as long as they hold kept words.
  const done = new URL(location.href).searchParams.get('done');
  if (store && done) for (const at of Object.keys(store)) if (at.startsWith(PREFIX + who + ':') && at.includes('/do/' + done + ':') && (read(at) || {}).sent) store.removeItem(at);
  const told = (document.getElementById('broken') || document.body).dataset.restored || '';
  const plain = new Map();
  for (const form of document.querySelectorAll('main form[method="post"]:not([data-draft])')) {
    if (!form.querySelector('textarea') || form.closest('[data-live]') || !/^\/incidents\/[^/]+\/do\//.test(pathOf(form))) continue;
    plain.set(form, watch(form, () => {
      const place = document.createElement('p');
      place.className = 'draft-told state warn small';
      place.setAttribute('role', 'status');
      place.textContent = told;
      form.prepend(place);
    }));
  }
  // At the document, after the question whether one is sure.
  document.addEventListener('submit', (event) => {
    const state = plain.get(event.target);
    if (state && !event.defaultPrevented) state.sending();
  });
})();
