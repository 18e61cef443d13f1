import { join } from 'node:path'
import { runProgram } from './run-program.js'

/** Makes `certificate.pem` and `key.pem` in a folder, good for these server names for a day. Needs openssl. */
export async function selfSignedCertificate(folder: string, serverNames: readonly string[]): Promise<void> {
  const { code, stderr } = await runProgram('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1'],
    ...['-subj', `/CN=${serverNames[0] ?? 'localhost'}`],
    ...['-addext', `subjectAltName=${serverNames.map((name) => `DNS:${name}`).join(',')}`],
    ...['-keyout', join(folder, 'key.pem'), '-out', join(folder, 'certificate.pem')],
  ])
  if (code !== 0) throw new Error(`openssl req: ${stderr}`)
}
