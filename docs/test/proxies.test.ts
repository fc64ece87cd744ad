import { execFileSync, spawn, spawnSync } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"
import { request } from "node:https"
import { join } from "node:path"
import { afterAll, describe, expect, it } from "vitest"
import { freePort } from "../../packages/core/test/support/redis.ts"
import { Page } from "./support/Page.ts"
import { Shell } from "./support/Shell.ts"

const page = new Page("docs/proxies.md")
const token = page.take("sh")
const serve = page.take("sh")
const nginx = page.take("nginx")
const follow = page.take("sh")

it("proxies: no snippet is left over", () => page.end())

const isThere = (program: string, ...args: ReadonlyArray<string>) => spawnSync(program, args).status === 0

describe("proxies: nginx", () => {
  const name = "ops.example.com"
  const shell = new Shell({ env: { MITHRANDIR_PORT: "0" } })
  const file = (name: string) => join(shell.directory, name)
  const leave: Array<() => void> = []
  afterAll(async () => {
    for (const one of leave) one()
    await shell.close()
  })

  /** The server block of the page, with what it needs to run as a program of this test. */
  const configOf = (block: string) => `
    daemon off; master_process off; pid ${file("nginx.pid")}; error_log stderr;
    events {}
    http {
      access_log off;
      ${["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((one) => `${one}_temp_path ${file(one)};`).join(" ")}
      ${block}
    }`

  it.skipIf(!isThere("nginx", "-v") || !isThere("openssl", "version") || !isThere("curl", "--version"))(
    "events come through it as they happen, with its default buffering (needs nginx, openssl, curl)",
    { timeout: 120_000 },
    async () => {
      const port = await freePort()
      const [certificate, key] = [file("cert.pem"), file("key.pem")]
      execFileSync(
        "openssl",
        [
          ...["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", `/CN=${name}`],
          ...["-addext", `subjectAltName=DNS:${name}`, "-out", certificate, "-keyout", key]
        ],
        { stdio: "ignore" }
      )
      expect(await shell.run(token.text)).toMatchObject({ code: 0 })
      const server = shell.start(`${serve.text} --sandbox`)
      const [, url = ""] = await server.line(/listens on (\S+)$/)
      const block = nginx.text
        .replace("listen 443 ssl", `listen 127.0.0.1:${port} ssl`)
        .replace("/etc/ssl/ops.example.com.pem", certificate)
        .replace("/etc/ssl/private/ops.example.com.key", key)
        .replace("http://127.0.0.1:4410", url)
      writeFileSync(file("nginx.conf"), configOf(block))
      const proxy = spawn("nginx", ["-p", shell.directory, "-c", file("nginx.conf")], { stdio: "ignore" })
      leave.push(() => proxy.kill("SIGKILL"))

      const at = `--cacert ${certificate} --connect-to ${name}:443:127.0.0.1:${port} --retry 20 --retry-connrefused --retry-delay 1`
      // Of commands alone: what passes tell would in the end push everything through a proxy that holds it back.
      const commands = follow.text.replace("/reconciliation/stream", "/reconciliation/stream?event=command.status")
      const stream = shell.start(commands.replace("curl -N", `curl -sN ${at}`))
      await stream.line(/^event: stream\.ready/)
      const answered = await new Promise<number>((resolve, reject) => {
        const body = JSON.stringify({
          commandId: "behind",
          service: "palantir",
          actionType: "delete-job",
          target: "none"
        })
        const asked = request(
          {
            ...{ host: "127.0.0.1", port, servername: name, ca: readFileSync(certificate), method: "POST" },
            path: "/commands/run",
            headers: {
              ...{ host: name, origin: `https://${name}`, "content-type": "application/json" },
              authorization: `Bearer ${readFileSync(file("oncall.token"), "utf8").trim()}`
            }
          },
          (answer) => {
            answer.resume()
            resolve(answer.statusCode ?? 0)
          }
        )
        asked.on("error", reject)
        asked.end(body)
      })
      expect(answered).toBe(202)
      await stream.line(/^data: .*"commandId":"behind".*"phase":"success"/)
      expect(proxy.exitCode).toBeNull()
    }
  )
})
