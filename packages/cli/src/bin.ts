#!/usr/bin/env node
import { version } from "./Version.ts"

// Asked by scripts and by people in a hurry: without loading the rest of the program.
const onlyVersion = process.argv.length === 3 && process.argv[2] === "--version"

if (onlyVersion) process.stdout.write(`${version}\n`)
else import("./Main.ts").then(({ main }) => main(process.argv))
