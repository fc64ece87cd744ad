/** For a server to require (`node --expose-gc --require`): says over IPC how it is, after a collection of garbage. */
const { monitorEventLoopDelay } = require("node:perf_hooks")

const delay = monitorEventLoopDelay({ resolution: 10 })
delay.enable()

process.on("message", () => {
  const [p99, longest] = [delay.percentile(99), delay.max].map((nanos) => nanos / 1e6)
  global.gc()
  const { heapUsed, rss } = process.memoryUsage()
  // What the collection itself has held up is not the program's.
  delay.reset()
  const cpu = process.cpuUsage()
  process.send({
    heapMb: heapUsed / 2 ** 20,
    rssMb: rss / 2 ** 20,
    handles: process.getActiveResourcesInfo().length,
    delayP99Ms: p99,
    delayMaxMs: longest,
    cpuS: (cpu.user + cpu.system) / 1e6
  })
})
// Whoever watches it may be killed, and leaves nothing behind.
process.on("disconnect", () => process.kill(process.pid, "SIGKILL"))
process.channel.unref()
