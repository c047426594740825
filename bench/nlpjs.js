// NLP.js as its readme trains it, in Portuguese. The first line of stdin is {examples: [[text, intent], …], options};
// after it every line is a text, answered by a line with the intent and its score.
const { NeuralNetwork } = require("@nlpjs/neural");
const { NlpManager } = require("node-nlp");
const readline = require("readline");

async function main() {
  const log = console.log;
  console.log = () => {};
  const manager = new NlpManager({ languages: ["pt"], forceNER: false, autoSave: false, nlu: { log: false } });
  let trained = false;
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const asked = JSON.parse(line);
    if (trained) {
      const answer = await manager.process("pt", asked);
      log(JSON.stringify({ intent: answer.intent, score: answer.score }));
      continue;
    }
    const train = NeuralNetwork.prototype.train;
    NeuralNetwork.prototype.train = function (corpus) {
      Object.assign(this.settings, asked.options); // NlpManager hands none on
      return train.call(this, corpus);
    };
    for (const [text, intent] of asked.examples) manager.addDocument("pt", text, intent);
    await manager.train();
    trained = true;
    log(JSON.stringify({ megabytes: require("zlib").gzipSync(manager.export(false)).length / 1e6 }));
  }
}

main();
