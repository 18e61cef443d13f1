import { loadWithWrk, REQUEST_COLUMNS } from './small-requests.mjs'

/** Endpoints that the proxy chooses from, for each request anew. */
export const ENDPOINTS = 3

export const routedRequests = {
  name: 'routed-requests',
  title: `small HTTP/1 requests on 50 kept connections, each balanced over ${ENDPOINTS} endpoints`,
  needs: ['wrk', 'nginx'],
  columns: REQUEST_COLUMNS,

  async run(stand) {
    await stand.startProxy(...(await stand.startHttpOrigins(ENDPOINTS)))
    return (await loadWithWrk(stand, [])).round
  },
}
