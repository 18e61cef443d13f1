import type { Address } from '../core/address.js'
import type { AdminConfig } from '../core/config/config.js'
import type { Sluice } from '../sluice.js'

/** Placeholder signature until the endpoint itself lands in this file. */
export class AdminServer {
  readonly address: Address = { host: '', port: 0 }
  static async listen(_config: AdminConfig, _sluice: Sluice): Promise<AdminServer> {
    return await Promise.resolve(new AdminServer())
  }
  async close(): Promise<void> {}
}
