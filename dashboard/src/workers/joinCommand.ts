/** The command line with which a render machine joins the farm. The secret is no argument: those are seen by other users. */
export function joinCommand(secret: string, manager: string, pin: string): string {
  return `TABLAO_JOIN_TOKEN=${secret} tablao-worker --manager ${manager}${pin && ` --pin ${pin}`}`
}
