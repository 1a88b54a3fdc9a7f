// Writes JSON Schemas of Grafana's own types into schemas/, one file a type.
// dashboard.Dashboard.json, dashboard.Panel.json, dashboard.RowPanel.json, and for each kind of
// panel KIND.Options.json and, where it has one, KIND.FieldConfig.json.
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import ts from "typescript";
import { createFormatter, createParser, DEFAULT_CONFIG, SchemaGenerator } from "ts-json-schema-generator";

const raw = resolve("node_modules/@grafana/schema/dist/types/raw");
const types = "x/types.gen.d.ts";
const roots = new Map([[join(raw, "dashboard", types), { kind: "dashboard", names: ["Dashboard", "Panel", "RowPanel"] }]]);
for (const kind of readdirSync(join(raw, "composable"))) {
  const file = join(raw, "composable", kind, "panelcfg", types);
  if (existsSync(file)) roots.set(file, { kind, names: ["Options", "FieldConfig"] });
}

// One program for all roots: loading TypeScript's library is most of the work.
const program = ts.createProgram([...roots.keys()], {
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  target: ts.ScriptTarget.ES2022,
  strict: true, // or "null" would be left out of "number | null"
  skipLibCheck: true,
  noEmit: true,
  types: [],
});
const config = { ...DEFAULT_CONFIG, skipTypeCheck: true };
// A generator a type: one schema must not hold two definitions of one name.
const schemaOf = (node) =>
  new SchemaGenerator(program, createParser(program, config), createFormatter(config), config).createSchemaFromNodes([node]);

mkdirSync("schemas", { recursive: true });
for (const [file, { kind, names }] of roots) {
  for (const node of program.getSourceFile(file).statements) {
    if (!ts.isInterfaceDeclaration(node) || !names.includes(node.name.text)) continue;
    try {
      writeFileSync(join("schemas", `${kind}.${node.name.text}.json`), JSON.stringify(schemaOf(node)));
    } catch (error) {
      // geomap names two types MapLayerOptions; obskit.ascode.check.structure knows which kinds have no schema.
      process.stderr.write(`${kind}.${node.name.text}: ${error.message}\n`);
      if (kind === "dashboard") throw error;
    }
  }
}
