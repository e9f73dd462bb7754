// A real OpenID provider on loopback. People, groups and the client come as JSON; it prints its
// issuer once it listens. Logging in is one form with the field `login`; consent is given.
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

const input = JSON.parse(process.argv[2]);
const server = createServer();
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const account = (id) => input.people[id] && {
    accountId: id,
    claims: () => ({ sub: `subject-${id}`, ...input.people[id] }),
  };
  const provider = new Provider(issuer, {
    clients: [{
      client_id: input.client,
      client_secret: input.secret,
      redirect_uris: [input.redirect],
      response_types: ['code'],
      grant_types: ['authorization_code'],
    }],
    claims: { openid: ['sub'], profile: ['name', 'preferred_username', 'groups'] },
    // The claims stand in the ID token, as the company providers have it.
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    features: { devInteractions: { enabled: false }, rpInitiatedLogout: { enabled: true } },
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    cookies: { keys: ['only for tests'] },
    findAccount: (_, id) => account(id),
    async loadExistingGrant(ctx) {
      const grant = new ctx.oidc.provider.Grant({
        clientId: ctx.oidc.client.clientId,
        accountId: ctx.oidc.session.accountId,
      });
      grant.addOIDCScope('openid profile email');
      await grant.save();
      return grant;
    },
  });
  const answer = provider.callback();
  server.on('request', async (req, res) => {
    if (!req.url.startsWith('/interaction/')) return answer(req, res);
    const login = new URL(req.url, issuer).searchParams.get('login');
    if (!login) return res.end('login?');
    // Whoever asks for this address is this person: the browser of the test.
    await provider.interactionFinished(req, res, { login: { accountId: login } });
  });
  console.log(issuer);
});
