// Says where LogQL queries stop being LogQL.
// stdin: a JSON list of queries. stdout: a JSON list, for each query the place of its first
// error as [from, to] in Unicode code points (what Python counts in), or null.
import { readFileSync } from "node:fs";
import { parser } from "@grafana/lezer-logql";

const codePoints = (text, units) => [...text.slice(0, units)].length;

function firstError(text) {
  let found = null;
  parser.parse(text).iterate({
    enter: (node) => {
      if (node.type.isError && found === null) found = [codePoints(text, node.from), codePoints(text, node.to)];
    },
  });
  return found;
}

process.stdout.write(JSON.stringify(JSON.parse(readFileSync(0, "utf8")).map(firstError)));
