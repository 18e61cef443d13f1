// Calls the echo service once and prints what it says:   node grpc.mjs ADDRESS TEXT
import { credentials, makeGenericClientConstructor } from '@grpc/grpc-js'
import { echo } from './echo-service.mjs'

const [address, text] = process.argv.slice(2)
const Client = makeGenericClientConstructor(echo, 'Echo')
const client = new Client(address, credentials.createInsecure())
client.Say(Buffer.from(text), { deadline: Date.now() + 10_000 }, (error, reply) => {
  if (error) throw error
  console.log(reply.toString())
  client.close()
})
