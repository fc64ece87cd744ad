/** nginx with nchan, as Debian has them: events come in over HTTP, and leave through C. */
import { execFileSync, spawn } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { Agent, request } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { freePort } from "../../../reliability/src/Processes.ts"
import { attend, event, published } from "./Peer.ts"

const directory = mkdtempSync(join(tmpdir(), "mithrandir-bench-"))
const port = await freePort()

writeFileSync(
  join(directory, "nginx.conf"),
  `load_module /usr/lib/nginx/modules/ngx_nchan_module.so;
daemon off; worker_processes 1; worker_rlimit_nofile 40000; pid ${directory}/pid; error_log ${directory}/error.log;
user root;
events { worker_connections 20000; }
http {
  access_log off;
  client_body_temp_path ${directory}/body;
  server {
    listen 127.0.0.1:${port};
    location /publish { nchan_publisher; nchan_channel_id events; nchan_message_buffer_length 1000; }
    location /listen { nchan_subscriber eventsource; nchan_eventsource_ping_interval 15; nchan_channel_id events; nchan_subscriber_first_message newest; }
  }
}
`
)
const nginx = spawn("nginx", ["-p", directory, "-c", join(directory, "nginx.conf")], { stdio: "inherit" })
process.on("exit", () => {
  nginx.kill("SIGTERM")
  rmSync(directory, { recursive: true, force: true })
})

const agent = new Agent({ keepAlive: true, maxSockets: 1 })
const post = (text: string) =>
  new Promise<void>((resolve, reject) => {
    const headers = { "x-eventsource-event": "reconciliation.update", "content-length": Buffer.byteLength(text) }
    const sent = request({ port, host: "127.0.0.1", path: "/publish", method: "POST", agent, headers }, (answer) => {
      answer.resume().on("end", resolve)
    })
    sent.on("error", reject).end(text)
  })

/** Of all its workers, what `of` says of one. */
const sum = (of: (pid: string) => number): number =>
  execFileSync("pgrep", ["-P", String(nginx.pid)], { encoding: "utf8" })
    .trim()
    .split("\n")
    .reduce((total, pid) => total + of(pid), 0)

/** User and system: ticks of a hundredth of a second. */
const cpuOf = (pid: string): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? []
  return (Number(fields[11]) + Number(fields[12])) / 100
}

const memoryOf = (pid: string): number => {
  const [, kb = "0"] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? []
  return Number(kb) * 1024
}

for (let tries = 0; tries < 100; tries++) {
  const isUp = await post("{}").then(
    () => true,
    () => false
  )
  if (isUp) break
  await new Promise((resolve) => setTimeout(resolve, 20))
}

let seq = 0
attend(
  { port, headers: {}, path: "/listen" },
  async (count) => {
    for (let n = 0; n < count; n++) {
      seq += 1
      published(seq)
      await post(event(seq))
    }
  },
  () => ({ cpu: sum(cpuOf), heap: sum(memoryOf) })
)
