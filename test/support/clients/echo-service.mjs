const asIs = (bytes) => bytes

/** A gRPC service with one method, without a schema: bytes in, bytes out. */
export const echo = {
  Say: {
    path: '/sluice.test.Echo/Say',
    requestStream: false,
    responseStream: false,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  },
}
