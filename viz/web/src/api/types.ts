// What logplexd answers (docs/http.md). Times are in seconds since 1970. All names
// are held to openapi.json (types_check.ts).

export interface Dist {
    count: number;
    sum: number;
    mean: number;
    min: number;
    max: number;
    p50: number | null;
    p95: number | null;
    p99: number | null;
    error: number | null;
    exemplars: Record<Percentile, number[]>;
}

export type Percentile = "p50" | "p95" | "p99" | "max";

export interface CodeCount {
    code: string | null;
    meaning: string | null;
    count: number;
    exemplars: number[];
}

// What was sampled of it.
export interface Memory {
    total?: number;
    rss?: number;
    cache?: number;
    swap?: number;
    quota?: number;
    share: number | null;
}

export interface Process {
    process: string | null;
    lines: number | null; // null: it may be one of the others
    line_bytes: number | null;
    requests: number | null; // the same; or detail has faded
    failed: number | null;
    response_ms: Dist | null;
    busy: number | null;
    memory: Memory | null;
    load: { "1m"?: number; "5m"?: number; "15m"?: number } | null;
    codes: Record<string, number>;
    events: Record<string, number>;
    skew_ms: { mean: number; min: number; max: number } | null;
}

export interface Route {
    route: string | null;
    count: number;
    failed: number;
    response_ms: Dist | null;
}

export interface Measure {
    name: string | null;
    of: string | null; // empty: of all processes; null: of others
    is_platform: boolean | null; // or the application's; null: of several
    op: "measure" | "sample" | "count" | "unique" | null; // null: of several
    unit: string | null;
    count: number;
    sum: number | null;
    mean: number | null;
    min: number | null;
    max: number | null;
    last: number | null;
    p50: number | null;
    p95: number | null;
    p99: number | null;
    error: number | null;
}

export interface Ledger {
    appended: number;
    resident: number;
    evicted: number;
    oldest_seq: number;
    next_seq: number;
    too_big: number;
    refused: number;
}

export interface Classes {
    "1xx": number;
    "2xx": number;
    "3xx": number;
    "4xx": number;
    "5xx": number;
    none: number; // no status, or what is no number
    other: number; // a number that is no status
}

export type Detail = "full" | "core" | "coarse" | "bare";

// Since when there is what detail; 0: there is none.
export interface Kept {
    full_from: number;
    core_from: number;
    from: number;
}

// Lines in no number, for want of memory; times as in `now`.
export interface Uncounted {
    lines: number;
    since: number;
    last: number;
    is_now: boolean;
    why: string;
}

export interface Snapshot {
    channel: string;
    epoch: string;
    now: number;
    from: number;
    to: number;
    window_s: number;
    detail: Detail;
    uncounted: Uncounted | null;
    lines: { count: number; per_s: number; bytes: number; lost: number;
             behind: number; held: number; late_s: number;
             first_seq: number; end_seq: number };
    requests: { count: number; per_s: number; failed: number;
                in_flight: number; response_ms: Dist | null };
    classes: Classes;
    status: { status: string | null; count: number;
              response_ms: Dist | null }[];
    codes: CodeCount[];
    events: Record<string, number>;
    events_of_none: number; // of these, how many no process has
    queue: { wait_ms: Dist | null; depth: Dist | null; threshold_ms: number;
             is_over: boolean };
    bytes: Dist | null;
    processes: Process[];
    routes: Route[];
    measures: Measure[];
    series: { used: number; max: number; other_values: number };
    // Values that their measure can't have, since the daemon counts.
    odd: { values: number; newest_seq: number | null };
    kept: Record<Tier, Kept>;
    ledger: Ledger;
}

export type Column = (number | null)[];

export interface Marker {
    t: number;
    kind: string;
    process: string;
    text: string;
    seq: number;
}

export type Tier = "seconds" | "tens" | "minutes";

export interface Series {
    channel: string;
    epoch: string;
    tier: Tier;
    step_s: number;
    from: number;
    to: number;
    uncounted: Uncounted | null;
    t: number[];
    requests: Column;
    failed: Column;
    mean: Column;
    p50: Column;
    p95: Column;
    p99: Column;
    max: Column;
    s_none: Column;
    s1xx: Column;
    s2xx: Column;
    s3xx: Column;
    s4xx: Column;
    s5xx: Column;
    s_other: Column;
    codes: Record<string, Column>;
    wait_mean: Column;
    lines: Column;
    lost: Column;
    memory_mean: Column;
    memory_max: Column;
    memory_quota: Column;
    load_max: Column;
    by_process: Record<string, Record<string, Column>>;
    first_seq: Column;
    end_seq: Column;
    detail: Column;
    markers: Marker[];
}

export interface Frame {
    second: number;
    skipped: number;
    snapshot: Snapshot;
    points: Series;
}

export interface FleetChannel {
    id: string;
    name: string;
    lines: number;
    requests: number;
    failed: number;
    errors: number;
    p95_ms: number | null;
    memory_share: number | null;
    lost_lines: number;
    held_lines: number;
    uncounted: Uncounted | null;
    top_code: string | null;
    meaning: string | null;
    sparks: number[];
    spark_step_s: number;
    sparks_of: "requests" | "lines";
}

export interface Fleet {
    now: number;
    window_s: number;
    totals: { channels: number; active: number; lines_per_s: number;
              requests_per_s: number; failed_per_s: number; errors: number;
              lost_lines: number; uncounted_channels: number;
              uncounted_lines: number };
    matched: number;
    channels: FleetChannel[];
}

export interface Line {
    seq: number;
    t: number;
    time: string;
    source: string;
    process: string;
    severity: number;
    text: string;
    cut?: boolean;
}

// Of what was asked for by number and can't be shown: one of them says why.
export interface AbsentLine {
    seq: number;
    evicted?: true;
    hidden?: true;
    unknown?: true;
    left_out?: true;
}

// Of all three ways to ask for lines; each has some of it.
export interface Lines {
    epoch: string;
    epoch_is_over?: boolean;
    request_id?: string;
    lines: (Line | AbsentLine)[];
    scanned?: number;
    matched?: number;
    gave_up?: number;
    evicted?: number;
    hidden?: number;
    covers?: Covers;
    complete?: boolean;
    why?: string | null;
}

// Which lines an answer is of: those that were looked at.
export interface Covers {
    from_seq: number;
    end_seq: number;
    from: number | null;
}

// A question's groups (docs/questions.md); the rest of all lines is in other.
export interface AnswerGroup {
    by: (string | null)[];
    count: number;
    sum?: number;
    mean?: number;
    min?: number;
    max?: number;
    quantiles?: Record<string, number | null>;
    newest_seq: number;
    missed_max: number;
}

export interface Answer {
    measure: string | null;
    by: string[];
    unit: string | null;
    from: number;
    to: number;
    epoch: string;
    groups: AnswerGroup[];
    other: Omit<AnswerGroup, "by" | "newest_seq" | "missed_max"> | null;
    groups_seen: number;
    is_exact: boolean;
    without_measure: number;
    other_units: number;
    scanned: number;
    matched: number;
    gave_up: number;
    evicted: number;
    hidden: number;
    covers: Covers;
    complete: boolean;
    why: string | null;
    error: number | null;
    took_ms: number;
}

export interface DrainStatus {
    state: string;
    lag_lines: number;
    lag_s: number;
    delivered_lines: number;
    lost_lines: Record<string, number>;
    last_error?: string | null;
    last_error_at?: string | null;
    last_success_at?: string | null;
    retry_at?: string | null;
}

export interface Drain {
    id: number;
    token: string;
    url?: string;
    warnings?: string[];
    status?: DrainStatus;
}
