// Reads {"file name": "HCL"} as JSON from standard input, writes {"file name": parsed} as JSON.
const { parse } = require("@cdktn/hcl2json");

let input = "";
process.stdin.on("data", (part) => (input += part));
process.stdin.on("end", async () => {
  const parsed = {};
  for (const [name, text] of Object.entries(JSON.parse(input))) {
    parsed[name] = await parse(name, text);
  }
  process.stdout.write(JSON.stringify(parsed), () => process.exit(0));
});
