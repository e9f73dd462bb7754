// A line to the server that can be cut: what is open is reset, and what is new refused.
import net from 'node:net';

export async function line(server) {
  const at = new URL(server), ends = new Set();
  let cut = false;
  const relay = net.createServer((near) => {
    if (cut) { near.resetAndDestroy(); return; }
    const far = net.connect(Number(at.port), at.hostname);
    for (const end of [near, far]) { ends.add(end); end.on('error', () => {}); end.on('close', () => { ends.delete(end); near.destroy(); far.destroy(); }); }
    near.pipe(far); far.pipe(near);
  });
  await new Promise((ready) => relay.listen(0, '127.0.0.1', ready));
  return {
    base: `http://127.0.0.1:${relay.address().port}`,
    cut: () => { cut = true; for (const end of ends) end.resetAndDestroy(); },
    mend: () => { cut = false; },
    close: () => relay.close(),
  };
}
