// Bundles the command line of this checkout from its sources, and writes its help and the licenses of what is in it.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { join } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { build } from "esbuild"

const packages = fileURLToPath(new URL("../packages/", import.meta.url))
const cli = join(packages, "cli")
const dist = join(cli, "dist")

/** The sources of our packages, by the names they are imported by: not the last build of them. */
export const sources = {
  "@mithrandir/core/BullMq": join(packages, "core/src/sources/BullMq.ts"),
  "@mithrandir/core/Event": join(packages, "core/src/model/Event.ts"),
  "@mithrandir/core/SqliteNode": join(packages, "core/src/drivers/SqliteNode.ts"),
  "@mithrandir/core/Timestamp": join(packages, "core/src/model/Timestamp.ts"),
  "@mithrandir/core": join(packages, "core/src/index.ts"),
  "@mithrandir/http": join(packages, "http/src/index.ts")
}

/** What is not in the bundle stays a dependency of the package: native modules, and what is loaded only where it is used. */
const external = Object.keys(createRequire(import.meta.url)(join(cli, "package.json")).dependencies)

/** Writes the bundle where it differs from what is there, so that programs that run from it are not disturbed. */
export const bundle = async () => {
  const { metafile, outputFiles } = await build({
    absWorkingDir: cli,
    entryPoints: ["src/bin.ts", "src/Main.ts", "src/HelpTexts.ts"],
    outdir: dist,
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node20.19",
    chunkNames: "chunk-[hash]",
    external,
    alias: sources,
    // For what is CommonJS within.
    banner: {
      js: 'import { createRequire as _createRequire } from "node:module"; const require = _createRequire(import.meta.url);'
    },
    sourcemap: "linked",
    sourcesContent: false,
    minify: true,
    legalComments: "none",
    metafile: true,
    write: false,
    logLevel: "warning"
  })
  mkdirSync(dist, { recursive: true })
  const kept = new Set(["help.json", "LICENSES.txt", "types"])
  for (const { contents, path } of outputFiles) {
    kept.add(path.slice(dist.length + 1))
    write(path, contents)
  }
  for (const name of readdirSync(dist)) if (!kept.has(name)) rmSync(join(dist, name), { recursive: true })
  const { helpTexts } = await import(`${pathToFileURL(join(dist, "HelpTexts.js"))}?${Date.now()}`)
  write(join(dist, "help.json"), Buffer.from(JSON.stringify(helpTexts, null, 2)))
  write(join(dist, "LICENSES.txt"), Buffer.from(licenses(contents(metafile))))
  return metafile
}

/** What proves that the program is reliable, and how quick: programs of this checkout alone, beside what is installed. */
const bundleProofs = (directory, entryPoints) =>
  build({
    absWorkingDir: fileURLToPath(new URL(`../${directory}/`, import.meta.url)),
    entryPoints,
    outdir: "dist",
    outbase: "src",
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20.19",
    packages: "external",
    logLevel: "warning"
  })

/** The files that something of is in the bundle. */
const contents = ({ outputs }) =>
  Object.values(outputs).flatMap(({ inputs }) => Object.keys(inputs).filter((input) => inputs[input].bytesInOutput > 0))

/** What the authors of what is in the bundle ask to be said with it. */
const licenses = (inputs) => {
  const directories = inputs.flatMap((input) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1] ?? [])
  const texts = [...new Set(directories)].map((directory) => {
    const at = join(cli, directory)
    const { license = "none", name, version } = JSON.parse(readFileSync(join(at, "package.json"), "utf8"))
    const file = readdirSync(at).find((file) => /^licen[cs]e/i.test(file))
    return `${name}@${version} (${license})\n\n${file === undefined ? "" : readFileSync(join(at, file), "utf8").trim()}\n`
  })
  return texts.sort().join("\n----\n\n")
}

const write = (path, contents) => {
  if (existsSync(path) && readFileSync(path).equals(contents)) return
  writeFileSync(path, contents, { mode: path.endsWith("bin.js") ? 0o755 : 0o644 })
}

/** Before tests that start the program: none runs an old bundle. */
export const setup = async () => {
  await bundle()
  await bundleProofs("reliability", ["src/Main.ts", "src/Upstream.ts"])
  const stream = ["Mithrandir", "MithrandirWeb", "BetterSse", "FastifySse", "Nchan", "Bare", "Clients"]
  const audit = ["Mithrandir", "Fastify", "Clients", "Works"]
  await bundleProofs("bench", [
    "src/Main.ts",
    ...stream.map((name) => `src/stream/${name}.ts`),
    ...audit.map((name) => `src/audit/${name}.ts`)
  ])
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await setup()
