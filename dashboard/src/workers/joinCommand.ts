/** The command lines with which a render machine installs Tablao and joins the farm. */

import type { Schemas } from '@/api/client'

/** The secret is no argument: those are seen by other users. */
export function joinCommand(secret: string, manager: string, pin: string, program = 'tablao-worker'): string {
  return `TABLAO_JOIN_TOKEN=${secret} ${program} --manager ${manager}${pin && ` --pin ${pin}`}`
}

/** Where the line installs Tablao, in the home of the user who calls it. */
const PLACE = '~/tablao-worker'

/**
 * For Linux and macOS, where uv is installed. uv checks the digest, so the package may come over plain HTTP, and from a
 * manager whose certificate is the farm's own.
 */
export function installCommand(wheel: Schemas['WorkerPackage'], secret: string, manager: string, pin: string): string {
  const trust = pin && ` --allow-insecure-host ${new URL(manager).host}`
  return [
    `uv venv --allow-existing --python '>=3.11,<3.14' ${PLACE}`,
    `uv pip install --python ${PLACE}${trust} 'tablao @ ${manager}${wheel.path}#sha256=${wheel.sha256}'`,
    joinCommand(secret, manager, pin, `${PLACE}/bin/tablao-worker`),
  ].join(' && ')
}
