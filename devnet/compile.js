// Reads the standard JSON input of the Solidity compiler from stdin, writes its output to stdout.
const solc = require("solc");
const chunks = [];
process.stdin.on("data", (chunk) => chunks.push(chunk));
process.stdin.on("end", () => process.stdout.write(solc.compile(Buffer.concat(chunks).toString())));
