// A charge point on the package ocpp-ts.
// node ts_charger.cjs URL IDENTITY; one JSON object a line on standard input and output (lines.cjs).
const { OcppClient } = require('ocpp-ts');
const { commands, say, answers, orders } = require('./lines.cjs');

const [endpoint, identity] = process.argv.slice(2);
const client = new OcppClient(identity);
client.on('error', (error) => say({ failed: String(error.message) }));
client.on('close', () => say({ closed: true }));
for (const action of orders) {
  client.on(action, (payload, answer) => {
    say({ order: action, payload });
    answer(answers[action]);
  });
}
client.on('connect', () => {
  say({ connected: true });
  commands(async (action, payload) => client.callRequest(action, payload), async () => undefined /* the socket goes with the process, without a close frame */);
});
client.connect(endpoint.endsWith('/') ? endpoint : `${endpoint}/`);
