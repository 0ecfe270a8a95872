/** A bill of materials: the program, and the runtime in it. Source: CycloneDX 1.6. */

interface Described {
  readonly version: string;
  readonly bunVersion: string;
  readonly timeS: number;
}

const MIT = [{ license: { id: "MIT" } }];

/** The text of a document of CycloneDX in JSON. */
export function billOfMaterials({ version, bunVersion, timeS }: Described): string {
  const kg = `kilogram@${version}`;
  const bun = `bun@${bunVersion}`;
  const document = {
    $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: {
      timestamp: new Date(timeS * 1_000).toISOString(),
      component: {
        type: "application",
        "bom-ref": kg,
        name: "kilogram",
        version,
        description: "An encrypted in-memory key-value store: the program kg.",
        licenses: MIT,
      },
    },
    components: [{
      type: "platform",
      "bom-ref": bun,
      name: "bun",
      version: bunVersion,
      description: "The runtime in kg. Its LICENSE.md names the libraries that are part of it, " +
        "among them JavaScriptCore under LGPL-2.",
      licenses: MIT,
      purl: `pkg:npm/${bun}`,
      externalReferences: [
        { type: "website", url: "https://bun.com" },
        { type: "vcs", url: "https://github.com/oven-sh/bun" },
      ],
    }],
    dependencies: [{ ref: kg, dependsOn: [bun] }, { ref: bun }],
    compositions: [
      { aggregate: "complete", dependencies: [kg] },
      { aggregate: "unknown", dependencies: [bun] },
    ],
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}
