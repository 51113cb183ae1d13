// An OpenID provider (oidc-provider, which is certified) with its own pages for login and logout.
//
// node provider.mjs '{"port": …, "clients": […], "groups": {"lola": ["artists"]}}'
//
// Any password is right. A person's groups are those of `groups`; others have none.
import Provider from 'oidc-provider'

const { port, clients, groups } = JSON.parse(process.argv[2])

const provider = new Provider(`http://localhost:${port}`, {
  clients,
  claims: { openid: ['sub'], profile: ['preferred_username'], email: ['email'], groups: ['groups'] },
  cookies: { keys: ['of a test'] },
  features: { backchannelLogout: { enabled: true } },
  // Its guard refuses addresses of this machine, where the farm of a test is.
  fetch: (url, { dispatcher, ...options }) => fetch(url, options),
  findAccount: (_, sub) => ({
    accountId: sub,
    claims: () => ({ sub, preferred_username: sub, email: `${sub}@studio.example`, groups: groups[sub] ?? [] }),
  }),
})

for (const event of ['server_error', 'authorization.error', 'grant.error', 'backchannel.error', 'backchannel.success']) {
  provider.on(event, (...found) => console.log(event, ...found.filter((each) => each instanceof Error)))
}
provider.listen(port, 'localhost', () => console.log('listening'))
