// Subscribes, publishes to itself and prints what arrives:   node nats.mjs ADDRESS TEXT
import { connect, StringCodec } from 'nats'

const [servers, text] = process.argv.slice(2)
const codec = StringCodec()
const connection = await connect({ servers, timeout: 5_000, reconnect: false })
const subscription = connection.subscribe('hello', { max: 1 })
connection.publish('hello', codec.encode(text))
for await (const message of subscription) console.log(codec.decode(message.data))
await connection.close()
