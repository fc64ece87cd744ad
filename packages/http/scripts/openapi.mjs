// Writes openapi.json from the routes as they were last built.
import { writeFileSync } from "node:fs"
import { Api, Document } from "../dist/index.js"

writeFileSync(new URL("../openapi.json", import.meta.url), Document.render(Document.make(Api.Api)))
