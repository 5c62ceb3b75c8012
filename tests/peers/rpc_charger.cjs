// A charge point on the package ocpp-rpc, which checks every message of both sides against its own schemas.
// node rpc_charger.cjs URL IDENTITY [PASSWORD]; one JSON object a line on standard input and output (lines.cjs).
const { RPCClient, createRPCError } = require('ocpp-rpc');
const { commands, say, answers } = require('./lines.cjs');

const [endpoint, identity, password] = process.argv.slice(2);
const client = new RPCClient({
  endpoint, identity, password, protocols: ['ocpp1.6'], strictMode: true, reconnect: false, callTimeoutMs: 20000,
});
client.on('strictValidationFailure', ({ error, isCall, messageId, method }) => {
  say({ violation: String(error.message), method, isCall, messageId, details: error.details });
});
client.on('close', () => say({ closed: true }));
client.handle(({ method, params }) => {
  say({ order: method, payload: params });
  if (!(method in answers)) throw createRPCError('NotSupported');
  return answers[method];
});
client.connect().then(() => {
  say({ connected: true, protocol: client.protocol });
  commands(async (action, payload) => client.call(action, payload), async () => client.close());
}, (error) => say({ failed: String(error.message) }));
