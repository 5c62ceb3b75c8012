// How a test talks to a charge point: {"call": ACTION, "payload": {…}} or {"answer": ACTION, "payload": {…}} in;
// {"result": …}, {"error": …}, {"order": ACTION, "payload": …}, {"violation": …} out.
const readline = require('node:readline');

const answers = JSON.parse(process.env.PEER_ANSWERS || '{}');
const say = (one) => process.stdout.write(`${JSON.stringify(one)}\n`);

function commands(call, close) {
  const input = readline.createInterface({ input: process.stdin });
  input.on('line', async (line) => {
    const { call: action, answer, payload, id } = JSON.parse(line);
    if (answer) {
      answers[answer] = payload;
      say({ id, result: {} });
      return;
    }
    try {
      say({ id, result: await call(action, payload) });
    } catch (error) {
      say({ id, error: String(error.message || error), code: error.rpcErrorCode || error.code || '' });
    }
  });
  input.on('close', async () => {
    await close();
    process.exit(0);
  });
}

module.exports = { answers, commands, orders: Object.keys(answers), say };
