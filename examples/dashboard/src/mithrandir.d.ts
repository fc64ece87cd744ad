// Made from @mithrandir/http/openapi.json by scripts/types.mjs.
export interface paths {
    "/reconciliation/status": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The latest pass of every service
         * @description Services that no pass has looked at yet are left out.
         */
        get: operations["getStatus"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/reconciliation/run": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * A pass now
         * @description Looks at one service, or at each, and answers when that is done. A source that gives no usable answer makes its pass `stale`, and no error of this route.
         */
        post: operations["reconcile"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/reconciliation/stream": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What happens, as it happens
         * @description Server-sent events: `reconciliation.update` for every pass, `command.status` for every phase of a command, and a `heartbeat` every 15 seconds.
         *
         *     Without `Last-Event-ID` it begins with a snapshot: the latest update of each service and the commands in flight, without ids; then `stream.ready`, whose id is where the log stood; then everything after it. With one it goes on exactly there, also over a restart of the server, without a gap or a repeat; `0` is everything that is kept. An id that it cannot go on from gets `stream.reset`, with the reason, and then a snapshot.
         */
        get: operations["openStream"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/reconciliation/discrepancies": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What differed, and when that changed
         * @description The append-only record of discrepancies, in pages, by time. A service has a new row when what is disputed changes, and when it turns `stale` or returns to `verified`; never one for each pass.
         */
        get: operations["listDiscrepancies"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/reconciliation/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Who did what, and how it ended
         * @description The append-only record of commands that have ended, in pages. Rows of one time keep their order. A page goes by an `ETag`, which is another one as soon as the record grows.
         */
        get: operations["listAudit"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/reconciliation/audit/export": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * All of the record
         * @description Every entry that was there at the beginning, in the order of insertion, as it is read: however long the record is, little of it is in memory. An answer that breaks off before its end is not whole; one that nobody reads for a minute does. In CSV an apostrophe stands before every cell that a spreadsheet would take for a formula, or that begins with one.
         */
        get: operations["exportAudit"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/reconciliation/audit/checkpoint": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The newest signed checkpoint
         * @description A C2SP signed note: how many entries there are, and the root of the tree over them. Whoever keeps copies of it elsewhere can tell for ever whether the record up to there is what it was: `mithrandir audit verify --checkpoint`.
         */
        get: operations["getAuditCheckpoint"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/reconciliation/audit/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What became of one command
         * @description One entry of the audit. A command has one as soon as it has ended.
         */
        get: operations["getAuditEntry"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/commands/run": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Has a command run, at most once
         * @description The command is on record when this answers, and runs by itself: leaving does not stop it. Its `commandId` is yours to choose; the same id with the same content never runs twice, and gives the stored state (`replayed`).
         *
         *     Actions are `retry-job` and `delete-job` (`target`: a job's id), `purge-queue` (a queue's name), `restart-service` (a worker service's name), and whatever the embedder added. With `dryRun: true` nothing is written and no id used up: the answer says what the command would find.
         */
        post: operations["runCommand"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/commands/{commandId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * How far a command is
         * @description The state of a command that was accepted here, whenever that was.
         */
        get: operations["getCommand"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/services/registered": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Every service, with its health
         * @description Services come from the configuration. One that left it is still listed, as `retired`.
         */
        get: operations["listServices"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/jobs/stuck": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What an upstream says of its stuck jobs
         * @description Passed through from the service's `/api/v1/jobs/stuck`: the query but for `service`, and its status, media type and body, whatever they are. Where it gives no answer, or none can be asked, that is a problem.
         */
        get: operations["listStuckJobs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/security/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Who tried what and was not let, and what became of tokens
         * @description Refusals at the doors, in pages, by time. What repeats within a few seconds is one event with its `count`; under attack a `suppressed` event counts those that there was no room for. Kept for 90 days, at most 100,000; what became of tokens is kept for ever.
         */
        get: operations["listSecurityEvents"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/security/tokens": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Every token there ever was
         * @description Whose they are, what they allow, and until when. The tokens themselves are kept nowhere.
         */
        get: operations["listTokens"];
        put?: never;
        /**
         * Makes a token
         * @description Its text, `token`, is in this answer and nowhere else. Once there is a token nobody is let in without one, also over loopback: the first is to be an admin's.
         */
        post: operations["createToken"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/security/tokens/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Has a token be worth nothing from now on
         * @description Its streams end within a minute. One that was revoked before stays as it is.
         */
        delete: operations["revokeToken"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/reconciliation/stream/ticket": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * A ticket to the event stream
         * @description For `EventSource`, which can send no headers: open `/reconciliation/stream?ticket=…` with it, once, within 30 seconds. When the stream breaks off get another, and go on by `lastEventId`.
         */
        post: operations["createStreamTicket"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/health/live": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Whether the process runs
         * @description Answers as soon as the server listens, and needs nothing else.
         */
        get: operations["getLive"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/health/ready": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Whether it can work
         * @description Ready is who can write, and whose passes come in time. An upstream that is down does not make the server unready. The `errors` of `not-ready` name what fails.
         */
        get: operations["getReady"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/openapi.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * This document
         * @description Every route, as OpenAPI 3.1, at the paths where it is mounted.
         */
        get: operations["getDocument"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        Acceptance: {
            actor: string;
            disputes: number;
        };
        Accepted: {
            commandId: components["schemas"]["CommandId"];
            service: components["schemas"]["ServiceId"];
            /** @enum {string} */
            phase: "queued" | "running" | "success" | "error" | "timeout";
            replayed: boolean;
        };
        AuditEntry: {
            id: components["schemas"]["CommandId"];
            timestamp: components["schemas"]["Timestamp"];
            actor: string;
            actionType: string;
            target: string;
            /** @enum {string} */
            outcome: "success" | "failure" | "timeout";
            beforeState: unknown;
            afterState: unknown;
            commandParams: unknown;
            logs: unknown;
        };
        AuditPage: {
            data: components["schemas"]["AuditEntry"][];
            meta: components["schemas"]["AuditPageMeta"];
        };
        AuditPageMeta: {
            /**
             * between(1, 1000000000)
             * @description a number between 1 and 1000000000
             */
            page: number;
            /**
             * between(1, 200)
             * @description a number between 1 and 200
             */
            limit: number;
            total: number;
            totalPages: number;
            nextCursor: string | null;
        };
        Bound: string;
        ChangedJob: {
            id: string;
            /** @enum {string} */
            expected: "waiting" | "active" | "delayed" | "completed" | "failed" | "absent";
            /** @enum {string} */
            actual: "waiting" | "active" | "delayed" | "completed" | "failed" | "absent";
        };
        CommandBody: {
            commandId: components["schemas"]["CommandId"];
            service: components["schemas"]["ServiceId"];
            actionType: string;
            target: components["schemas"]["Target"];
            params?: components["schemas"]["Params"];
            reason?: string;
            dryRun?: boolean;
        };
        CommandId: string;
        CommandState: {
            commandId: components["schemas"]["CommandId"];
            service: components["schemas"]["ServiceId"];
            actionType: string;
            target: string;
            /** @enum {string} */
            phase: "queued" | "running" | "success" | "error" | "timeout";
            /** @enum {string} */
            outcome?: "success" | "failure" | "timeout";
            verified?: boolean;
            logs: string[];
            createdAt: components["schemas"]["Timestamp"];
            endedAt?: components["schemas"]["Timestamp"];
        };
        CommandStatus: {
            commandId: components["schemas"]["CommandId"];
            service: components["schemas"]["ServiceId"];
            /** @enum {string} */
            phase: "queued" | "running" | "success" | "error" | "timeout";
            logs: string[];
            verified?: boolean;
        };
        Concluded: {
            commandId: components["schemas"]["CommandId"];
            service: components["schemas"]["ServiceId"];
            actionType: string;
            target: string;
            /** @enum {string} */
            phase: "queued" | "running" | "success" | "error" | "timeout";
            /** @enum {string} */
            outcome?: "success" | "failure" | "timeout";
            verified?: boolean;
            logs: string[];
            createdAt: components["schemas"]["Timestamp"];
            endedAt?: components["schemas"]["Timestamp"];
            replayed: boolean;
        };
        CreatedToken: {
            id: components["schemas"]["TokenId"];
            actor: string;
            role: components["schemas"]["Role"];
            createdAt: components["schemas"]["Timestamp"];
            createdBy: string;
            expiresAt: components["schemas"]["Timestamp"] | null;
            revokedAt: components["schemas"]["Timestamp"] | null;
            token: string;
        };
        Discrepancy: {
            id: string;
            timestamp: components["schemas"]["Timestamp"];
            service: components["schemas"]["ServiceId"];
            /** @enum {string} */
            status: "verified" | "stale" | "discrepancy";
            counts: components["schemas"]["KnownCounts"];
            checksum: string;
            latencyMs: number;
            discrepancyDetails: components["schemas"]["DiscrepancyDetails"] | null;
        };
        DiscrepancyDetails: {
            expected: components["schemas"]["KnownCounts"];
            actual: components["schemas"]["KnownCounts"];
            missingJobIds: string[];
            missingJobCount: number;
            unexpectedJobIds: string[];
            changedJobs: components["schemas"]["ChangedJob"][];
            changedCounts?: {
                /** @enum {string} */
                state: "waiting" | "active" | "delayed" | "completed" | "failed";
                expected: number;
                actual: number;
            }[];
            since: components["schemas"]["Timestamp"];
            accepted?: components["schemas"]["Acceptance"];
            ended?: components["schemas"]["EndedDispute"][];
        };
        DiscrepancyPage: {
            data: components["schemas"]["Discrepancy"][];
            meta: components["schemas"]["PageMeta"];
        };
        EndedDispute: {
            id: string;
            since: components["schemas"]["Timestamp"];
            /** @enum {string} */
            by: "agreement" | "explanation" | "command";
        };
        Health: {
            /** @enum {string} */
            status: "healthy" | "unhealthy" | "unknown";
            checkedAt: components["schemas"]["Timestamp"] | null;
            latencyMs: number | null;
            message?: string;
        };
        /** @description Every 15 seconds, so that silence is known for what it is. */
        Heartbeat: {
            time: components["schemas"]["Timestamp"];
            lastEventId: string;
        };
        JobCounts: {
            waiting: number;
            active: number;
            delayed: number;
            completed: number;
            failed: number;
        };
        KnownCounts: components["schemas"]["JobCounts"] | Record<string, never>;
        NewToken: {
            actor: components["schemas"]["TokenActor"];
            role: components["schemas"]["Role"];
            expiresAt?: components["schemas"]["Timestamp"];
        };
        PageMeta: {
            /**
             * between(1, 1000000000)
             * @description a number between 1 and 1000000000
             */
            page: number;
            /**
             * between(1, 200)
             * @description a number between 1 and 200
             */
            limit: number;
            total: number;
            totalPages: number;
        };
        Params: {
            [key: string]: unknown;
        };
        Preview: {
            commandId: components["schemas"]["CommandId"];
            service: components["schemas"]["ServiceId"];
            actionType: string;
            target: string;
            /** @enum {boolean} */
            dryRun: true;
            precondition: {
                met: boolean;
                problem?: string;
            };
            note?: string;
            beforeState: unknown;
        };
        /** @description RFC 9457. Some codes have members of their own beside these. */
        Problem: {
            /** @description `urn:mithrandir:problem:` and the code. Nothing is to be found there. */
            type: string;
            /** @description What the code means. */
            title: string;
            status: number;
            /** @description What it means here, in a sentence. */
            detail?: string;
            /** @description Stable: what programs go by. */
            code: string;
            /** @description Of a 5xx: what to look for in the server's log. Of an audit entry that is not there: the command's id. */
            id?: string;
            /** @description Of a 429, and of some 503s: after how many seconds it may be tried again. The same as `Retry-After`. */
            retryAfter?: number;
            /** @description What does not fit, and where: a path as `a.b.0`; empty, all of it. */
            errors?: {
                path: string;
                problem: string;
            }[];
        } & {
            [key: string]: unknown;
        };
        ReconciliationUpdate: {
            eventId: string;
            service: components["schemas"]["ServiceId"];
            /** @enum {string} */
            status: "verified" | "stale" | "discrepancy";
            counts: components["schemas"]["KnownCounts"];
            checksum: string;
            latencyMs: number;
            observedAt: components["schemas"]["Timestamp"];
            /** @enum {string} */
            basis?: "observed";
            /** @enum {boolean} */
            rebaselined?: true;
            ledgerAgeMs?: number;
            message?: string;
            discrepancyDetails?: components["schemas"]["DiscrepancyDetails"];
        };
        /** @enum {string} */
        Role: "viewer" | "operator" | "admin";
        /** @description `service`: absent, every service. `accept`: take what the source says for true, ending the open disputes. */
        RunRequest: {
            service?: components["schemas"]["ServiceId"];
            accept?: boolean;
        };
        SecurityEvent: {
            id: string;
            timestamp: components["schemas"]["Timestamp"];
            /** @enum {string} */
            kind: "unauthenticated" | "forbidden" | "not-local" | "misdirected-request" | "cross-origin" | "too-many-failures" | "too-many-commands" | "too-many-streams" | "too-many-tickets" | "refused" | "suppressed" | "token-created" | "token-revoked";
            actor: string | null;
            address: string | null;
            request: string | null;
            detail: string | null;
            /**
             * positive
             * @description a positive number
             */
            count: number;
        };
        SecurityPage: {
            data: components["schemas"]["SecurityEvent"][];
            meta: components["schemas"]["PageMeta"];
        };
        Service: {
            id: components["schemas"]["ServiceId"];
            name: string;
            type: string;
            healthEndpoint: string | null;
            registeredAt: components["schemas"]["Timestamp"];
            metadata: {
                [key: string]: unknown;
            };
            health: components["schemas"]["Health"];
            /** @enum {boolean} */
            retired?: true;
        };
        /** @description 1 to 64 of a-z 0-9 . _ -, starting with a letter or digit */
        ServiceId: string;
        Services: {
            data: components["schemas"]["Service"][];
        };
        /** @description One message of the event stream: its fields `id` and `event`, and `data` as the JSON that it is. */
        StreamMessage: {
            id?: string;
            /** @enum {string} */
            event: "reconciliation.update";
            data: components["schemas"]["ReconciliationUpdate"];
        } | {
            id?: string;
            /** @enum {string} */
            event: "command.status";
            data: components["schemas"]["CommandStatus"];
        } | {
            id?: string;
            /** @enum {string} */
            event: "heartbeat";
            data: components["schemas"]["Heartbeat"];
        } | {
            id?: string;
            /** @enum {string} */
            event: "stream.ready";
            data: components["schemas"]["StreamReady"];
        } | {
            id?: string;
            /** @enum {string} */
            event: "stream.reset";
            data: components["schemas"]["StreamReset"];
        };
        /** @description The snapshot is over. `newest`, also the message's id: where the log stood when it was read. */
        StreamReady: {
            newest: string;
        };
        /** @description It cannot go on from the id that was given, and begins anew: a snapshot follows. */
        StreamReset: {
            /** @enum {string} */
            reason: "malformed" | "foreign" | "future" | "pruned" | "behind";
            oldest: string | null;
            newest: string;
        };
        StreamTicket: {
            ticket: string;
            expiresAt: components["schemas"]["Timestamp"];
        };
        Target: string;
        /** Format: date-time */
        Timestamp: string;
        Token: {
            id: components["schemas"]["TokenId"];
            actor: string;
            role: components["schemas"]["Role"];
            createdAt: components["schemas"]["Timestamp"];
            createdBy: string;
            expiresAt: components["schemas"]["Timestamp"] | null;
            revokedAt: components["schemas"]["Timestamp"] | null;
        };
        TokenActor: string;
        TokenId: string;
        TokenList: {
            data: components["schemas"]["Token"][];
        };
        Updates: {
            data: components["schemas"]["ReconciliationUpdate"][];
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    getStatus: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The latest pass of each. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Updates"];
                };
            };
            /** @description `malformed-http`: This is not HTTP. `host-required`: A Host header is required. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "malformed-http" | "host-required";
                    };
                };
            };
            /** @description `unauthenticated`: Say who you are. */
            401: {
                headers: {
                    /** @description How to say who you are. */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "unauthenticated";
                    };
                };
            };
            /** @description `forbidden`: Not with this role. `not-local`: Not from this address. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "forbidden" | "not-local";
                    };
                };
            };
            /** @description `request-timeout`: The request took too long to arrive. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "request-timeout";
                    };
                };
            };
            /** @description `uri-too-long`: The URL is too long. */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "uri-too-long";
                    };
                };
            };
            /** @description `expectation-failed`: Nothing but 100-continue can be expected. */
            417: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "expectation-failed";
                    };
                };
            };
            /** @description `misdirected-request`: This server does not go by that name. */
            421: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "misdirected-request";
                    };
                };
            };
            /** @description `too-many-failures`: Too many requests that were not authenticated. */
            429: {
                headers: {
                    /** @description After how many seconds to come back. */
                    "Retry-After": number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "too-many-failures";
                    };
                };
            };
            /** @description `headers-too-large`: The headers are too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "headers-too-large";
                    };
                };
            };
            /** @description `internal-error`: Something went wrong here. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "internal-error";
                    };
                };
            };
            /** @description `store-unreadable`: The database could not be read. */
            503: {
                headers: {
                    /** @description After how many seconds to come back. */
                    "Retry-After": number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "store-unreadable";
                    };
                };
            };
        };
    };
    reconcile: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RunRequest"];
            };
        };
        responses: {
            /** @description How each pass ended. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Updates"];
                };
            };
            /** @description `invalid-request`: The request does not fit. `malformed-json`: The body is not JSON. `json-too-deep`: The body is nested too deep. `malformed-http`: This is not HTTP. `host-required`: A Host header is required. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "invalid-request" | "malformed-json" | "json-too-deep" | "malformed-http" | "host-required";
                    };
                };
            };
            /** @description `unauthenticated`: Say who you are. */
            401: {
                headers: {
                    /** @description How to say who you are. */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "unauthenticated";
                    };
                };
            };
            /** @description `cross-origin`: Not for pages of other origins. `forbidden`: Not with this role. `not-local`: Not from this address. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "cross-origin" | "forbidden" | "not-local";
                    };
                };
            };
            /** @description `request-timeout`: The request took too long to arrive. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "request-timeout";
                    };
                };
            };
            /** @description `body-too-large`: The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "body-too-large";
                    };
                };
            };
            /** @description `uri-too-long`: The URL is too long. */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "uri-too-long";
                    };
                };
            };
            /** @description `unsupported-media-type`: The body must be application/json. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "unsupported-media-type";
                    };
                };
            };
            /** @description `expectation-failed`: Nothing but 100-continue can be expected. */
            417: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "expectation-failed";
                    };
                };
            };
            /** @description `misdirected-request`: This server does not go by that name. */
            421: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "misdirected-request";
                    };
                };
            };
            /** @description `service-not-found`: No such service. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "service-not-found";
                    };
                };
            };
            /** @description `too-many-commands`: Too many commands. `too-many-failures`: Too many requests that were not authenticated. */
            429: {
                headers: {
                    /** @description After how many seconds to come back. */
                    "Retry-After": number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "too-many-commands" | "too-many-failures";
                    };
                };
            };
            /** @description `headers-too-large`: The headers are too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "headers-too-large";
                    };
                };
            };
            /** @description `internal-error`: Something went wrong here. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "internal-error";
                    };
                };
            };
            /** @description `store-unavailable`: Nothing can be written now. `store-unreadable`: The database could not be read. */
            503: {
                headers: {
                    /** @description After how many seconds to come back. */
                    "Retry-After": number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "store-unavailable" | "store-unreadable";
                    };
                };
            };
        };
    };
    openStream: {
        parameters: {
            query?: {
                /** @description Only of these services. One that was never registered is a 400. */
                service?: string[];
                /** @description Only events of these names. */
                event?: ("reconciliation.update" | "command.status")[];
                /** @description For who cannot send `Last-Event-ID`, which wins. */
                lastEventId?: string;
                /** @description In place of a token, for who cannot send one: of `POST /reconciliation/stream/ticket`. */
                ticket?: string;
            };
            header?: {
                /** @description The id of the last event that was seen. */
                "Last-Event-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Events, for as long as the connection lasts. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": string;
                };
            };
            /** @description `invalid-request`: The request does not fit. `malformed-http`: This is not HTTP. `host-required`: A Host header is required. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "invalid-request" | "malformed-http" | "host-required";
                    };
                };
            };
            /** @description `unauthenticated`: Say who you are. */
            401: {
                headers: {
                    /** @description How to say who you are. */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "unauthenticated";
                    };
                };
            };
            /** @description `forbidden`: Not with this role. `not-local`: Not from this address. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "forbidden" | "not-local";
                    };
                };
            };
            /** @description `request-timeout`: The request took too long to arrive. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "request-timeout";
                    };
                };
            };
            /** @description `uri-too-long`: The URL is too long. */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "uri-too-long";
                    };
                };
            };
            /** @description `expectation-failed`: Nothing but 100-continue can be expected. */
            417: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "expectation-failed";
                    };
                };
            };
            /** @description `misdirected-request`: This server does not go by that name. */
            421: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "misdirected-request";
                    };
                };
            };
            /** @description `too-many-streams`: Too many streams. `too-many-failures`: Too many requests that were not authenticated. */
            429: {
                headers: {
                    /** @description After how many seconds to come back. */
                    "Retry-After": number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "too-many-streams" | "too-many-failures";
                    };
                };
            };
            /** @description `headers-too-large`: The headers are too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "headers-too-large";
                    };
                };
            };
            /** @description `internal-error`: Something went wrong here. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "internal-error";
                    };
                };
            };
            /** @description `streams-exhausted`: No more streams can be open here. `store-unreadable`: The database could not be read. */
            503: {
                headers: {
                    /** @description After how many seconds to come back. */
                    "Retry-After": number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "streams-exhausted" | "store-unreadable";
                    };
                };
            };
        };
    };
    listDiscrepancies: {
        parameters: {
            query?: {
                /** @description Which page. Beyond the last one there are no rows. */
                page?: number;
                /** @description How many rows a page has. */
                limit?: number;
                /** @description Descending, unless told otherwise. */
                sortOrder?: "asc" | "desc";
                /**
                 * @description From this moment on: a date (its first moment, UTC), or a moment with `Z` or an offset.
                 * @example 2026-01-31T12:00:00Z
                 */
                startDate?: components["schemas"]["Bound"];
                /**
                 * @description Before this moment. A date includes that whole day, UTC.
                 * @example 2026-01-31
                 */
                endDate?: components["schemas"]["Bound"];
                /**
                 * @description Only this service. One that was never registered is a 400.
                 * @example palantir
                 */
                service?: components["schemas"]["ServiceId"];
                /** @description Only passes that ended so. */
                status?: "verified" | "stale" | "discrepancy";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page of the record. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DiscrepancyPage"];
                };
            };
            /** @description `invalid-request`: The request does not fit. `malformed-http`: This is not HTTP. `host-required`: A Host header is required. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "invalid-request" | "malformed-http" | "host-required";
                    };
                };
            };
            /** @description `unauthenticated`: Say who you are. */
            401: {
                headers: {
                    /** @description How to say who you are. */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "unauthenticated";
                    };
                };
            };
            /** @description `forbidden`: Not with this role. `not-local`: Not from this address. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "forbidden" | "not-local";
                    };
                };
            };
            /** @description `request-timeout`: The request took too long to arrive. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "request-timeout";
                    };
                };
            };
            /** @description `uri-too-long`: The URL is too long. */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "uri-too-long";
                    };
                };
            };
            /** @description `expectation-failed`: Nothing but 100-continue can be expected. */
            417: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "expectation-failed";
                    };
                };
            };
            /** @description `misdirected-request`: This server does not go by that name. */
            421: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "misdirected-request";
                    };
                };
            };
            /** @description `too-many-failures`: Too many requests that were not authenticated. */
            429: {
                headers: {
                    /** @description After how many seconds to come back. */
                    "Retry-After": number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "too-many-failures";
                    };
                };
            };
            /** @description `headers-too-large`: The headers are too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "headers-too-large";
                    };
                };
            };
            /** @description `internal-error`: Something went wrong here. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "internal-error";
                    };
                };
            };
            /** @description `store-unreadable`: The database could not be read. */
            503: {
                headers: {
                    /** @description After how many seconds to come back. */
                    "Retry-After": number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "store-unreadable";
                    };
                };
            };
        };
    };
    listAudit: {
        parameters: {
            query?: {
                /** @description Which page. Beyond the last one there are no rows. */
                page?: number;
                /** @description How many rows a page has. */
                limit?: number;
                /** @description Descending, unless told otherwise. */
                sortOrder?: "asc" | "desc";
                /**
                 * @description From this moment on: a date (its first moment, UTC), or a moment with `Z` or an offset.
                 * @example 2026-01-31T12:00:00Z
                 */
                startDate?: components["schemas"]["Bound"];
                /**
                 * @description Before this moment. A date includes that whole day, UTC.
                 * @example 2026-01-31
                 */
                endDate?: components["schemas"]["Bound"];
                /** @description `timestamp`, unless told otherwise. */
                sortBy?: "timestamp" | "actor" | "actionType" | "target" | "outcome";
                /**
                 * @description Only this action.
                 * @example retry-job
                 */
                actionType?: string;
                /** @description Only this target. */
                target?: string;
                /** @description Only what this actor did. */
                actor?: string;
                /** @description Only what ended so. */
                outcome?: "success" | "failure" | "timeout";
                /** @description The page after the one whose `nextCursor` this is, with the same sorting and filters, whatever `page` says. Who follows cursors sees no row twice and misses none that was there at the beginning, whatever is written. */
                cursor?: string;
            };
            header?: {
                /** @description `ETag`s of what you have. */
                "If-None-Match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page of the audit. */
            200: {
                headers: {
                    /** @description What the page goes by. */
                    ETag: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AuditPage"];
                };
            };
            /** @description It is what you have. */
            304: {
                headers: {
                    /** @description What the page goes by. */
                    ETag: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description `invalid-request`: The request does not fit. `audit-cursor-invalid`: The cursor does not fit. `malformed-http`: This is not HTTP. `host-required`: A Host header is required. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "invalid-request" | "audit-cursor-invalid" | "malformed-http" | "host-required";
                    };
                };
            };
            /** @description `unauthenticated`: Say who you are. */
            401: {
                headers: {
                    /** @description How to say who you are. */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "unauthenticated";
                    };
                };
            };
            /** @description `forbidden`: Not with this role. `not-local`: Not from this address. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "forbidden" | "not-local";
                    };
                };
            };
            /** @description `request-timeout`: The request took too long to arrive. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "request-timeout";
                    };
                };
            };
            /** @description `uri-too-long`: The URL is too long. */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "uri-too-long";
                    };
                };
            };
            /** @description `expectation-failed`: Nothing but 100-continue can be expected. */
            417: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "expectation-failed";
                    };
                };
            };
            /** @description `misdirected-request`: This server does not go by that name. */
            421: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "misdirected-request";
                    };
                };
            };
            /** @description `too-many-failures`: Too many requests that were not authenticated. */
            429: {
                headers: {
                    /** @description After how many seconds to come back. */
                    "Retry-After": number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "too-many-failures";
                    };
                };
            };
            /** @description `headers-too-large`: The headers are too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "headers-too-large";
                    };
                };
            };
            /** @description `internal-error`: Something went wrong here. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "internal-error";
                    };
                };
            };
            /** @description `store-unreadable`: The database could not be read. */
            503: {
                headers: {
                    /** @description After how many seconds to come back. */
                    "Retry-After": number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "store-unreadable";
                    };
                };
            };
        };
    };
    exportAudit: {
        parameters: {
            query?: {
                /** @description `ndjson`, an object a line, unless told otherwise. */
                format?: "ndjson" | "csv";
                /**
                 * @description Only this action.
                 * @example retry-job
                 */
                actionType?: string;
                /** @description Only this target. */
                target?: string;
                /** @description Only what this actor did. */
                actor?: string;
                /** @description Only what ended so. */
                outcome?: "success" | "failure" | "timeout";
                /**
                 * @description From this moment on: a date (its first moment, UTC), or a moment with `Z` or an offset.
                 * @example 2026-01-31T12:00:00Z
                 */
                startDate?: components["schemas"]["Bound"];
                /**
                 * @description Before this moment. A date includes that whole day, UTC.
                 * @example 2026-01-31
                 */
                endDate?: components["schemas"]["Bound"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The entries. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/x-ndjson": string;
                    "text/csv": string;
                };
            };
            /** @description `invalid-request`: The request does not fit. `malformed-http`: This is not HTTP. `host-required`: A Host header is required. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "invalid-request" | "malformed-http" | "host-required";
                    };
                };
            };
            /** @description `unauthenticated`: Say who you are. */
            401: {
                headers: {
                    /** @description How to say who you are. */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "unauthenticated";
                    };
                };
            };
            /** @description `forbidden`: Not with this role. `not-local`: Not from this address. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "forbidden" | "not-local";
                    };
                };
            };
            /** @description `request-timeout`: The request took too long to arrive. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "request-timeout";
                    };
                };
            };
            /** @description `uri-too-long`: The URL is too long. */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "uri-too-long";
                    };
                };
            };
            /** @description `expectation-failed`: Nothing but 100-continue can be expected. */
            417: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "expectation-failed";
                    };
                };
            };
            /** @description `misdirected-request`: This server does not go by that name. */
            421: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "misdirected-request";
                    };
                };
            };
            /** @description `too-many-failures`: Too many requests that were not authenticated. */
            429: {
                headers: {
                    /** @description After how many seconds to come back. */
                    "Retry-After": number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "too-many-failures";
                    };
                };
            };
            /** @description `headers-too-large`: The headers are too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "headers-too-large";
                    };
                };
            };
            /** @description `internal-error`: Something went wrong here. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "internal-error";
                    };
                };
            };
            /** @description `streams-exhausted`: No more streams can be open here. */
            503: {
                headers: {
                    /** @description After how many seconds to come back. */
                    "Retry-After": number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "streams-exhausted";
                    };
                };
            };
        };
    };
    getAuditCheckpoint: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The note, as it was signed. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain; charset=utf-8": string;
                };
            };
            /** @description `malformed-http`: This is not HTTP. `host-required`: A Host header is required. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "malformed-http" | "host-required";
                    };
                };
            };
            /** @description `unauthenticated`: Say who you are. */
            401: {
                headers: {
                    /** @description How to say who you are. */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "unauthenticated";
                    };
                };
            };
            /** @description `forbidden`: Not with this role. `not-local`: Not from this address. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "forbidden" | "not-local";
                    };
                };
            };
            /** @description `checkpoint-not-found`: Nothing was signed yet. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "checkpoint-not-found";
                    };
                };
            };
            /** @description `request-timeout`: The request took too long to arrive. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "request-timeout";
                    };
                };
            };
            /** @description `uri-too-long`: The URL is too long. */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "uri-too-long";
                    };
                };
            };
            /** @description `expectation-failed`: Nothing but 100-continue can be expected. */
            417: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "expectation-failed";
                    };
                };
            };
            /** @description `misdirected-request`: This server does not go by that name. */
            421: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "misdirected-request";
                    };
                };
            };
            /** @description `too-many-failures`: Too many requests that were not authenticated. */
            429: {
                headers: {
                    /** @description After how many seconds to come back. */
                    "Retry-After": number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "too-many-failures";
                    };
                };
            };
            /** @description `headers-too-large`: The headers are too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "headers-too-large";
                    };
                };
            };
            /** @description `internal-error`: Something went wrong here. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "internal-error";
                    };
                };
            };
        };
    };
    getAuditEntry: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The `commandId`.
                 * @example retry-4711
                 */
                id: components["schemas"]["CommandId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The entry. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AuditEntry"];
                };
            };
            /** @description `invalid-request`: The request does not fit. `malformed-http`: This is not HTTP. `host-required`: A Host header is required. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "invalid-request" | "malformed-http" | "host-required";
                    };
                };
            };
            /** @description `unauthenticated`: Say who you are. */
            401: {
                headers: {
                    /** @description How to say who you are. */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "unauthenticated";
                    };
                };
            };
            /** @description `forbidden`: Not with this role. `not-local`: Not from this address. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "forbidden" | "not-local";
                    };
                };
            };
            /** @description `audit-entry-not-found`: No such entry in the audit. `not-found`: There is nothing here. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "audit-entry-not-found" | "not-found";
                    };
                };
            };
            /** @description `request-timeout`: The request took too long to arrive. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "request-timeout";
                    };
                };
            };
            /** @description `uri-too-long`: The URL is too long. */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "uri-too-long";
                    };
                };
            };
            /** @description `expectation-failed`: Nothing but 100-continue can be expected. */
            417: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "expectation-failed";
                    };
                };
            };
            /** @description `misdirected-request`: This server does not go by that name. */
            421: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "misdirected-request";
                    };
                };
            };
            /** @description `too-many-failures`: Too many requests that were not authenticated. */
            429: {
                headers: {
                    /** @description After how many seconds to come back. */
                    "Retry-After": number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "too-many-failures";
                    };
                };
            };
            /** @description `headers-too-large`: The headers are too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "headers-too-large";
                    };
                };
            };
            /** @description `internal-error`: Something went wrong here. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "internal-error";
                    };
                };
            };
            /** @description `store-unreadable`: The database could not be read. */
            503: {
                headers: {
                    /** @description After how many seconds to come back. */
                    "Retry-After": number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "store-unreadable";
                    };
                };
            };
        };
    };
    runCommand: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description `wait=N` (RFC 7240): waits up to N seconds, at most 30, for the command to end, and then answers with its outcome. A malformed one is ignored.
                 * @example wait=10
                 */
                Prefer?: string;
                /**
                 * @description `text/event-stream`: its phases as they happen, until it has ended. Not of a dry run.
                 * @example application/json
                 */
                Accept?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CommandBody"];
            };
        };
        responses: {
            /** @description `Concluded`: it has ended while you waited. `Accepted`: it had ended before. `Preview`: of a dry run. An event stream: its `command.status` events, as the stream tells them, and heartbeats. */
            200: {
                headers: {
                    /** @description Where the command's state is, `GET /commands/{commandId}`. Absent after a dry run. */
                    Location?: string;
                    /** @description What was waited for at most, where somebody preferred to wait. */
                    "Preference-Applied"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Concluded"] | components["schemas"]["Preview"] | components["schemas"]["Accepted"];
                    "text/event-stream": string;
                };
            };
            /** @description It has not ended. */
            202: {
                headers: {
                    /** @description Where the command's state is, `GET /commands/{commandId}`. Absent after a dry run. */
                    Location?: string;
                    /** @description What was waited for at most, where somebody preferred to wait. */
                    "Preference-Applied"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Accepted"];
                };
            };
            /** @description `invalid-request`: The request does not fit. `malformed-json`: The body is not JSON. `json-too-deep`: The body is nested too deep. `malformed-http`: This is not HTTP. `host-required`: A Host header is required. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "invalid-request" | "malformed-json" | "json-too-deep" | "malformed-http" | "host-required";
                    };
                };
            };
            /** @description `unauthenticated`: Say who you are. */
            401: {
                headers: {
                    /** @description How to say who you are. */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "unauthenticated";
                    };
                };
            };
            /** @description `cross-origin`: Not for pages of other origins. `forbidden`: Not with this role. `not-local`: Not from this address. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "cross-origin" | "forbidden" | "not-local";
                    };
                };
            };
            /** @description `request-timeout`: The request took too long to arrive. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "request-timeout";
                    };
                };
            };
            /** @description `body-too-large`: The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "body-too-large";
                    };
                };
            };
            /** @description `uri-too-long`: The URL is too long. */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "uri-too-long";
                    };
                };
            };
            /** @description `unsupported-media-type`: The body must be application/json. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "unsupported-media-type";
                    };
                };
            };
            /** @description `expectation-failed`: Nothing but 100-continue can be expected. */
            417: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "expectation-failed";
                    };
                };
            };
            /** @description `misdirected-request`: This server does not go by that name. */
            421: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "misdirected-request";
                    };
                };
            };
            /** @description `service-not-found`: No such service. `action-not-found`: No such action. `action-not-supported`: The service has no such action. `command-invalid`: The command does not fit the action. `command-id-taken`: The commandId is taken. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "service-not-found" | "action-not-found" | "action-not-supported" | "command-invalid" | "command-id-taken";
                    };
                };
            };
            /** @description `too-many-commands`: Too many commands. `too-many-failures`: Too many requests that were not authenticated. */
            429: {
                headers: {
                    /** @description After how many seconds to come back. */
                    "Retry-After": number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "too-many-commands" | "too-many-failures";
                    };
                };
            };
            /** @description `headers-too-large`: The headers are too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "headers-too-large";
                    };
                };
            };
            /** @description `internal-error`: Something went wrong here. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "internal-error";
                    };
                };
            };
            /** @description `upstream-unreachable`: The service could not be reached. `upstream-invalid`: The service answered nonsense. */
            502: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "upstream-unreachable" | "upstream-invalid";
                    };
                };
            };
            /** @description `store-unavailable`: Nothing can be written now. `store-unreadable`: The database could not be read. */
            503: {
                headers: {
                    /** @description After how many seconds to come back. */
                    "Retry-After": number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "store-unavailable" | "store-unreadable";
                    };
                };
            };
            /** @description `upstream-timeout`: The service did not answer in time. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "upstream-timeout";
                    };
                };
            };
        };
    };
    getCommand: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The id that its sender chose.
                 * @example retry-4711
                 */
                commandId: components["schemas"]["CommandId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Its state. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CommandState"];
                };
            };
            /** @description `invalid-request`: The request does not fit. `malformed-http`: This is not HTTP. `host-required`: A Host header is required. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "invalid-request" | "malformed-http" | "host-required";
                    };
                };
            };
            /** @description `unauthenticated`: Say who you are. */
            401: {
                headers: {
                    /** @description How to say who you are. */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "unauthenticated";
                    };
                };
            };
            /** @description `forbidden`: Not with this role. `not-local`: Not from this address. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "forbidden" | "not-local";
                    };
                };
            };
            /** @description `command-not-found`: No such command. `not-found`: There is nothing here. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "command-not-found" | "not-found";
                    };
                };
            };
            /** @description `request-timeout`: The request took too long to arrive. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "request-timeout";
                    };
                };
            };
            /** @description `uri-too-long`: The URL is too long. */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "uri-too-long";
                    };
                };
            };
            /** @description `expectation-failed`: Nothing but 100-continue can be expected. */
            417: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "expectation-failed";
                    };
                };
            };
            /** @description `misdirected-request`: This server does not go by that name. */
            421: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "misdirected-request";
                    };
                };
            };
            /** @description `too-many-failures`: Too many requests that were not authenticated. */
            429: {
                headers: {
                    /** @description After how many seconds to come back. */
                    "Retry-After": number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "too-many-failures";
                    };
                };
            };
            /** @description `headers-too-large`: The headers are too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "headers-too-large";
                    };
                };
            };
            /** @description `internal-error`: Something went wrong here. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "internal-error";
                    };
                };
            };
            /** @description `store-unreadable`: The database could not be read. */
            503: {
                headers: {
                    /** @description After how many seconds to come back. */
                    "Retry-After": number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "store-unreadable";
                    };
                };
            };
        };
    };
    listServices: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Every service that was ever registered. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Services"];
                };
            };
            /** @description `malformed-http`: This is not HTTP. `host-required`: A Host header is required. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "malformed-http" | "host-required";
                    };
                };
            };
            /** @description `unauthenticated`: Say who you are. */
            401: {
                headers: {
                    /** @description How to say who you are. */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "unauthenticated";
                    };
                };
            };
            /** @description `forbidden`: Not with this role. `not-local`: Not from this address. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "forbidden" | "not-local";
                    };
                };
            };
            /** @description `request-timeout`: The request took too long to arrive. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "request-timeout";
                    };
                };
            };
            /** @description `uri-too-long`: The URL is too long. */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "uri-too-long";
                    };
                };
            };
            /** @description `expectation-failed`: Nothing but 100-continue can be expected. */
            417: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "expectation-failed";
                    };
                };
            };
            /** @description `misdirected-request`: This server does not go by that name. */
            421: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "misdirected-request";
                    };
                };
            };
            /** @description `too-many-failures`: Too many requests that were not authenticated. */
            429: {
                headers: {
                    /** @description After how many seconds to come back. */
                    "Retry-After": number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "too-many-failures";
                    };
                };
            };
            /** @description `headers-too-large`: The headers are too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "headers-too-large";
                    };
                };
            };
            /** @description `internal-error`: Something went wrong here. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "internal-error";
                    };
                };
            };
            /** @description `store-unreadable`: The database could not be read. */
            503: {
                headers: {
                    /** @description After how many seconds to come back. */
                    "Retry-After": number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "store-unreadable";
                    };
                };
            };
        };
    };
    listStuckJobs: {
        parameters: {
            query?: {
                /**
                 * @description Which service; needed where several could answer.
                 * @example palantir
                 */
                service?: components["schemas"]["ServiceId"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description `invalid-request`: The request does not fit. `service-required`: Say which service. `malformed-http`: This is not HTTP. `host-required`: A Host header is required. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "invalid-request" | "service-required" | "malformed-http" | "host-required";
                    };
                    "*/*": unknown;
                };
            };
            /** @description `unauthenticated`: Say who you are. */
            401: {
                headers: {
                    /** @description How to say who you are. */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "unauthenticated";
                    };
                    "*/*": unknown;
                };
            };
            /** @description `forbidden`: Not with this role. `not-local`: Not from this address. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "forbidden" | "not-local";
                    };
                    "*/*": unknown;
                };
            };
            /** @description `stuck-not-supported`: No service can list stuck jobs. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "stuck-not-supported";
                    };
                    "*/*": unknown;
                };
            };
            /** @description `request-timeout`: The request took too long to arrive. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "request-timeout";
                    };
                    "*/*": unknown;
                };
            };
            /** @description `uri-too-long`: The URL is too long. */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "uri-too-long";
                    };
                    "*/*": unknown;
                };
            };
            /** @description `expectation-failed`: Nothing but 100-continue can be expected. */
            417: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "expectation-failed";
                    };
                    "*/*": unknown;
                };
            };
            /** @description `misdirected-request`: This server does not go by that name. */
            421: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "misdirected-request";
                    };
                    "*/*": unknown;
                };
            };
            /** @description `too-many-failures`: Too many requests that were not authenticated. */
            429: {
                headers: {
                    /** @description After how many seconds to come back. */
                    "Retry-After": number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "too-many-failures";
                    };
                    "*/*": unknown;
                };
            };
            /** @description `headers-too-large`: The headers are too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "headers-too-large";
                    };
                    "*/*": unknown;
                };
            };
            /** @description `internal-error`: Something went wrong here. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "internal-error";
                    };
                    "*/*": unknown;
                };
            };
            /** @description `upstream-unreachable`: The service could not be reached. `upstream-invalid`: The service answered nonsense. */
            502: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "upstream-unreachable" | "upstream-invalid";
                    };
                    "*/*": unknown;
                };
            };
            /** @description `upstream-timeout`: The service did not answer in time. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "upstream-timeout";
                    };
                    "*/*": unknown;
                };
            };
            /** @description As the upstream answered. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description As the upstream answered. */
            "3XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description As the upstream answered. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description As the upstream answered. */
            "5XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
        };
    };
    listSecurityEvents: {
        parameters: {
            query?: {
                /** @description Which page. Beyond the last one there are no rows. */
                page?: number;
                /** @description How many rows a page has. */
                limit?: number;
                /** @description Descending, unless told otherwise. */
                sortOrder?: "asc" | "desc";
                /**
                 * @description From this moment on: a date (its first moment, UTC), or a moment with `Z` or an offset.
                 * @example 2026-01-31T12:00:00Z
                 */
                startDate?: components["schemas"]["Bound"];
                /**
                 * @description Before this moment. A date includes that whole day, UTC.
                 * @example 2026-01-31
                 */
                endDate?: components["schemas"]["Bound"];
                /** @description Only events of this kind. */
                kind?: "unauthenticated" | "forbidden" | "not-local" | "misdirected-request" | "cross-origin" | "too-many-failures" | "too-many-commands" | "too-many-streams" | "too-many-tickets" | "refused" | "suppressed" | "token-created" | "token-revoked";
                /** @description Only of this actor. */
                actor?: string;
                /**
                 * @description Only from this IP address.
                 * @example 192.0.2.7
                 */
                address?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page of security events. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SecurityPage"];
                };
            };
            /** @description `invalid-request`: The request does not fit. `malformed-http`: This is not HTTP. `host-required`: A Host header is required. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "invalid-request" | "malformed-http" | "host-required";
                    };
                };
            };
            /** @description `unauthenticated`: Say who you are. */
            401: {
                headers: {
                    /** @description How to say who you are. */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "unauthenticated";
                    };
                };
            };
            /** @description `forbidden`: Not with this role. `not-local`: Not from this address. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "forbidden" | "not-local";
                    };
                };
            };
            /** @description `request-timeout`: The request took too long to arrive. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "request-timeout";
                    };
                };
            };
            /** @description `uri-too-long`: The URL is too long. */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "uri-too-long";
                    };
                };
            };
            /** @description `expectation-failed`: Nothing but 100-continue can be expected. */
            417: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "expectation-failed";
                    };
                };
            };
            /** @description `misdirected-request`: This server does not go by that name. */
            421: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "misdirected-request";
                    };
                };
            };
            /** @description `too-many-failures`: Too many requests that were not authenticated. */
            429: {
                headers: {
                    /** @description After how many seconds to come back. */
                    "Retry-After": number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "too-many-failures";
                    };
                };
            };
            /** @description `headers-too-large`: The headers are too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "headers-too-large";
                    };
                };
            };
            /** @description `internal-error`: Something went wrong here. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "internal-error";
                    };
                };
            };
            /** @description `store-unreadable`: The database could not be read. */
            503: {
                headers: {
                    /** @description After how many seconds to come back. */
                    "Retry-After": number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "store-unreadable";
                    };
                };
            };
        };
    };
    listTokens: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Every token, the oldest first. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TokenList"];
                };
            };
            /** @description `malformed-http`: This is not HTTP. `host-required`: A Host header is required. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "malformed-http" | "host-required";
                    };
                };
            };
            /** @description `unauthenticated`: Say who you are. */
            401: {
                headers: {
                    /** @description How to say who you are. */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "unauthenticated";
                    };
                };
            };
            /** @description `forbidden`: Not with this role. `not-local`: Not from this address. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "forbidden" | "not-local";
                    };
                };
            };
            /** @description `request-timeout`: The request took too long to arrive. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "request-timeout";
                    };
                };
            };
            /** @description `uri-too-long`: The URL is too long. */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "uri-too-long";
                    };
                };
            };
            /** @description `expectation-failed`: Nothing but 100-continue can be expected. */
            417: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "expectation-failed";
                    };
                };
            };
            /** @description `misdirected-request`: This server does not go by that name. */
            421: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "misdirected-request";
                    };
                };
            };
            /** @description `too-many-failures`: Too many requests that were not authenticated. */
            429: {
                headers: {
                    /** @description After how many seconds to come back. */
                    "Retry-After": number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "too-many-failures";
                    };
                };
            };
            /** @description `headers-too-large`: The headers are too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "headers-too-large";
                    };
                };
            };
            /** @description `internal-error`: Something went wrong here. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "internal-error";
                    };
                };
            };
            /** @description `store-unreadable`: The database could not be read. */
            503: {
                headers: {
                    /** @description After how many seconds to come back. */
                    "Retry-After": number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "store-unreadable";
                    };
                };
            };
        };
    };
    createToken: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewToken"];
            };
        };
        responses: {
            /** @description The token. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CreatedToken"];
                };
            };
            /** @description `invalid-request`: The request does not fit. `malformed-json`: The body is not JSON. `json-too-deep`: The body is nested too deep. `malformed-http`: This is not HTTP. `host-required`: A Host header is required. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "invalid-request" | "malformed-json" | "json-too-deep" | "malformed-http" | "host-required";
                    };
                };
            };
            /** @description `unauthenticated`: Say who you are. */
            401: {
                headers: {
                    /** @description How to say who you are. */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "unauthenticated";
                    };
                };
            };
            /** @description `cross-origin`: Not for pages of other origins. `forbidden`: Not with this role. `not-local`: Not from this address. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "cross-origin" | "forbidden" | "not-local";
                    };
                };
            };
            /** @description `request-timeout`: The request took too long to arrive. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "request-timeout";
                    };
                };
            };
            /** @description `body-too-large`: The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "body-too-large";
                    };
                };
            };
            /** @description `uri-too-long`: The URL is too long. */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "uri-too-long";
                    };
                };
            };
            /** @description `unsupported-media-type`: The body must be application/json. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "unsupported-media-type";
                    };
                };
            };
            /** @description `expectation-failed`: Nothing but 100-continue can be expected. */
            417: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "expectation-failed";
                    };
                };
            };
            /** @description `misdirected-request`: This server does not go by that name. */
            421: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "misdirected-request";
                    };
                };
            };
            /** @description `too-many-failures`: Too many requests that were not authenticated. */
            429: {
                headers: {
                    /** @description After how many seconds to come back. */
                    "Retry-After": number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "too-many-failures";
                    };
                };
            };
            /** @description `headers-too-large`: The headers are too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "headers-too-large";
                    };
                };
            };
            /** @description `internal-error`: Something went wrong here. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "internal-error";
                    };
                };
            };
            /** @description `store-unavailable`: Nothing can be written now. */
            503: {
                headers: {
                    /** @description After how many seconds to come back. */
                    "Retry-After": number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "store-unavailable";
                    };
                };
            };
        };
    };
    revokeToken: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The token's id, its 16 digits after `mth_`.
                 * @example 0123456789abcdef
                 */
                id: components["schemas"]["TokenId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What the token is now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Token"];
                };
            };
            /** @description `invalid-request`: The request does not fit. `malformed-http`: This is not HTTP. `host-required`: A Host header is required. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "invalid-request" | "malformed-http" | "host-required";
                    };
                };
            };
            /** @description `unauthenticated`: Say who you are. */
            401: {
                headers: {
                    /** @description How to say who you are. */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "unauthenticated";
                    };
                };
            };
            /** @description `cross-origin`: Not for pages of other origins. `forbidden`: Not with this role. `not-local`: Not from this address. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "cross-origin" | "forbidden" | "not-local";
                    };
                };
            };
            /** @description `token-not-found`: No such token. `not-found`: There is nothing here. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "token-not-found" | "not-found";
                    };
                };
            };
            /** @description `request-timeout`: The request took too long to arrive. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "request-timeout";
                    };
                };
            };
            /** @description `uri-too-long`: The URL is too long. */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "uri-too-long";
                    };
                };
            };
            /** @description `expectation-failed`: Nothing but 100-continue can be expected. */
            417: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "expectation-failed";
                    };
                };
            };
            /** @description `misdirected-request`: This server does not go by that name. */
            421: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "misdirected-request";
                    };
                };
            };
            /** @description `too-many-failures`: Too many requests that were not authenticated. */
            429: {
                headers: {
                    /** @description After how many seconds to come back. */
                    "Retry-After": number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "too-many-failures";
                    };
                };
            };
            /** @description `headers-too-large`: The headers are too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "headers-too-large";
                    };
                };
            };
            /** @description `internal-error`: Something went wrong here. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "internal-error";
                    };
                };
            };
            /** @description `store-unavailable`: Nothing can be written now. `store-unreadable`: The database could not be read. */
            503: {
                headers: {
                    /** @description After how many seconds to come back. */
                    "Retry-After": number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "store-unavailable" | "store-unreadable";
                    };
                };
            };
        };
    };
    createStreamTicket: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The ticket. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StreamTicket"];
                };
            };
            /** @description `malformed-http`: This is not HTTP. `host-required`: A Host header is required. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "malformed-http" | "host-required";
                    };
                };
            };
            /** @description `unauthenticated`: Say who you are. */
            401: {
                headers: {
                    /** @description How to say who you are. */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "unauthenticated";
                    };
                };
            };
            /** @description `cross-origin`: Not for pages of other origins. `forbidden`: Not with this role. `not-local`: Not from this address. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "cross-origin" | "forbidden" | "not-local";
                    };
                };
            };
            /** @description `request-timeout`: The request took too long to arrive. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "request-timeout";
                    };
                };
            };
            /** @description `uri-too-long`: The URL is too long. */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "uri-too-long";
                    };
                };
            };
            /** @description `expectation-failed`: Nothing but 100-continue can be expected. */
            417: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "expectation-failed";
                    };
                };
            };
            /** @description `misdirected-request`: This server does not go by that name. */
            421: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "misdirected-request";
                    };
                };
            };
            /** @description `too-many-tickets`: Too many tickets. `too-many-failures`: Too many requests that were not authenticated. */
            429: {
                headers: {
                    /** @description After how many seconds to come back. */
                    "Retry-After": number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "too-many-tickets" | "too-many-failures";
                    };
                };
            };
            /** @description `headers-too-large`: The headers are too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "headers-too-large";
                    };
                };
            };
            /** @description `internal-error`: Something went wrong here. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "internal-error";
                    };
                };
            };
        };
    };
    getLive: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It runs. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        status: "live";
                    };
                };
            };
            /** @description `malformed-http`: This is not HTTP. `host-required`: A Host header is required. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "malformed-http" | "host-required";
                    };
                };
            };
            /** @description `unauthenticated`: Say who you are. */
            401: {
                headers: {
                    /** @description How to say who you are. */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "unauthenticated";
                    };
                };
            };
            /** @description `not-local`: Not from this address. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "not-local";
                    };
                };
            };
            /** @description `request-timeout`: The request took too long to arrive. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "request-timeout";
                    };
                };
            };
            /** @description `uri-too-long`: The URL is too long. */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "uri-too-long";
                    };
                };
            };
            /** @description `expectation-failed`: Nothing but 100-continue can be expected. */
            417: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "expectation-failed";
                    };
                };
            };
            /** @description `misdirected-request`: This server does not go by that name. */
            421: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "misdirected-request";
                    };
                };
            };
            /** @description `headers-too-large`: The headers are too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "headers-too-large";
                    };
                };
            };
            /** @description `internal-error`: Something went wrong here. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "internal-error";
                    };
                };
            };
        };
    };
    getReady: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It can work. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        status: "ready";
                    };
                };
            };
            /** @description `malformed-http`: This is not HTTP. `host-required`: A Host header is required. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "malformed-http" | "host-required";
                    };
                };
            };
            /** @description `unauthenticated`: Say who you are. */
            401: {
                headers: {
                    /** @description How to say who you are. */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "unauthenticated";
                    };
                };
            };
            /** @description `not-local`: Not from this address. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "not-local";
                    };
                };
            };
            /** @description `request-timeout`: The request took too long to arrive. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "request-timeout";
                    };
                };
            };
            /** @description `uri-too-long`: The URL is too long. */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "uri-too-long";
                    };
                };
            };
            /** @description `expectation-failed`: Nothing but 100-continue can be expected. */
            417: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "expectation-failed";
                    };
                };
            };
            /** @description `misdirected-request`: This server does not go by that name. */
            421: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "misdirected-request";
                    };
                };
            };
            /** @description `headers-too-large`: The headers are too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "headers-too-large";
                    };
                };
            };
            /** @description `internal-error`: Something went wrong here. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "internal-error";
                    };
                };
            };
            /** @description `not-ready`: Not ready. */
            503: {
                headers: {
                    /** @description After how many seconds to come back. */
                    "Retry-After": number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "not-ready";
                    };
                };
            };
        };
    };
    getDocument: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description This document. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        openapi: string;
                        info: Record<string, never>;
                        paths: Record<string, never>;
                    };
                };
            };
            /** @description `malformed-http`: This is not HTTP. `host-required`: A Host header is required. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "malformed-http" | "host-required";
                    };
                };
            };
            /** @description `unauthenticated`: Say who you are. */
            401: {
                headers: {
                    /** @description How to say who you are. */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "unauthenticated";
                    };
                };
            };
            /** @description `forbidden`: Not with this role. `not-local`: Not from this address. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "forbidden" | "not-local";
                    };
                };
            };
            /** @description `request-timeout`: The request took too long to arrive. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "request-timeout";
                    };
                };
            };
            /** @description `uri-too-long`: The URL is too long. */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "uri-too-long";
                    };
                };
            };
            /** @description `expectation-failed`: Nothing but 100-continue can be expected. */
            417: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "expectation-failed";
                    };
                };
            };
            /** @description `misdirected-request`: This server does not go by that name. */
            421: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "misdirected-request";
                    };
                };
            };
            /** @description `too-many-failures`: Too many requests that were not authenticated. */
            429: {
                headers: {
                    /** @description After how many seconds to come back. */
                    "Retry-After": number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "too-many-failures";
                    };
                };
            };
            /** @description `headers-too-large`: The headers are too large. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "headers-too-large";
                    };
                };
            };
            /** @description `internal-error`: Something went wrong here. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code: "internal-error";
                    };
                };
            };
        };
    };
}
