/** UNKNOWN: what a client takes a call without a status for (gRPC, "Status codes and their use"). */
export const GRPC_UNKNOWN = 2
/** UNAUTHENTICATED, the last that there is. */
export const MAX_GRPC_STATUS = 16

/** "HTTP to gRPC Status Code Mapping": of a response without a gRPC status, as what is between client and server writes it. */
const BY_HTTP_STATUS: ReadonlyMap<number, number> = new Map([
  [400, 13],
  [401, 16],
  [403, 7],
  [404, 12],
  [429, 14],
  [502, 14],
  [503, 14],
  [504, 14],
])

/** The status that a client takes a response for that ended without one. */
export function grpcStatusOfHttp(status: number): number {
  return BY_HTTP_STATUS.get(status) ?? GRPC_UNKNOWN
}
