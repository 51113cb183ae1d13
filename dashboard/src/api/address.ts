/** Where the manager is: at the root of a site, or below a path of a larger one. */

// The page is in the manager's folder `app`, and its <base> says so.
const manager = new URL('..', document.baseURI)

/** The path from the site's root to one of the manager's, `/api/v3/swagger-ui/` for example. */
export function addressOf(path: string): string {
  return new URL(`.${path}`, manager).pathname
}

/** The manager's address as programs on other machines use it, without a slash at its end. */
export function managerAddress(): string {
  return window.location.origin + addressOf('/').replace(/\/$/, '')
}
