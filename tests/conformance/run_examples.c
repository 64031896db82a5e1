/*
 * run_examples FILE - runs the examples of a text file against the parsers.
 *
 * A file is prose. An example begins with "## TITLE" and consists of the lines
 * below it that are indented by four blanks, each "WORD: VALUE". A value may
 * have \n \r \t \0 \\ and \xNN in it, and \{N*c}, which is N times the byte c.
 *
 *   in: BYTES         of a stream; several of them are one after the other
 *   frame_max: N      in bytes; the default if not given
 *   cuts: whole       the stream in one piece only. Else it is also fed in
 *                     two, cut at every byte, and byte by byte, and what comes
 *                     out must be the same
 *   octet: BYTES      a counted frame comes out; "octet cut", "octet
 *                     resynced" if it is marked so. After "end" (as in "end
 *                     line") it comes out because the stream ends
 *   line: BYTES       the same for a line
 *   rest: BYTES       and this is kept for more; nothing, if it is not given
 *   count NAME: N     a counter of the framer at last, such as "count resyncs"
 *
 *   message: BYTES    a syslog message; it is parsed as it stands, and behind a
 *                     count through the framer at every cut
 *   error: N          it is none: the byte N does not fit
 *   is: FORMAT        5424, 5424-no-sd or 3164
 *   pri version time host app procid msgid sd msg: VALUE    its fields
 *   arrival: TIME     when it arrived
 *   name: BYTES       the name that stands for APP-NAME; none, if not given
 *   token: BYTES      of the syslog drain
 *   stored aside tail syslog datagram: BYTES    the forms that it is given
 *
 *   log: SOURCE[PROCESS]: MSG    a line of which all that can be known is what
 *                     stands below, in this order; what it measures is also
 *                     looked for in it cut at every byte (log_examples.c)
 *   kind: NAME        none, if it is not given
 *   status at method host path request_id dyno source code desc from to subject
 *   by: VALUE         dyno only if it is not the process
 *   measure sample count: NAME NUMBER [UNIT]    UNIT in double quotes when it is
 *                     none of ours
 *   unique: NAME TEXT
 *   left_out: N       measures for which there is no room
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "examples.h"
#include "join.h"
#include "logplex/framer.h"
#include "logplex/render.h"
#include "logplex/syslog.h"
#include "logplex/timestamp.h"

static int failures;

static void print_bytes(lp_span span)
{
    for (size_t i = 0; i < span.len_bytes && i < 300; i++) {
        unsigned char c = (unsigned char)span.ptr[i];

        if (c >= ' ' && c < 127) {
            putchar(c);
        } else {
            printf("\\x%02x", c);
        }
    }
}

void fail(const example *ex, int line, const char *what, lp_span expected,
          lp_span got)
{
    failures++;
    printf("%s:%d: %.*s: %s\n    expected \"", ex->file, line,
           (int)ex->title.len_bytes, ex->title.ptr, what);
    print_bytes(expected);
    printf("\"\n    got      \"");
    print_bytes(got);
    printf("\"\n");
}

static bool check(const example *ex, const item *it, const char *what,
                  lp_span got)
{
    if (lp_span_equal(it->value, got)) {
        return true;
    }
    fail(ex, it->line, what, it->value, got);
    return false;
}

static bool check_number(const example *ex, const item *it, const char *what,
                         uint64_t got)
{
    char text[24];
    int n = snprintf(text, sizeof(text), "%llu", (unsigned long long)got);

    return check(ex, it, what, lp_span_of(text, (size_t)n));
}

static bool is_word(const item *it, const char *word)
{
    return lp_span_equal(it->word, lp_span_str(word));
}

static const item *find_item(const example *ex, const char *word)
{
    for (size_t i = 0; i < ex->item_count; i++) {
        if (is_word(&ex->items[i], word)) {
            return &ex->items[i];
        }
    }
    return NULL;
}

static lp_span value_of(const example *ex, const char *word, lp_span otherwise)
{
    const item *it = find_item(ex, word);

    return it != NULL ? it->value : otherwise;
}

static uint64_t number_of(const example *ex, const char *word)
{
    lp_span value = value_of(ex, word, LP_SPAN("0"));
    uint64_t number = 0;

    for (size_t i = 0; i < value.len_bytes; i++) {
        assert(value.ptr[i] >= '0' && value.ptr[i] <= '9');
        number = number * 10 + (uint64_t)(value.ptr[i] - '0');
    }
    return number;
}

/* Streams ----------------------------------------------------------------- */

typedef struct stream {
    const example *ex;
    lp_framer framer;
    char *bytes; /* what the caller of a framer keeps, and its capacity */
    size_t len_bytes;
    size_t next_item;
    bool is_ending;
    bool has_failed;
    char how[64];
} stream;

static bool is_frame_item(const item *it)
{
    return lp_span_starts(it->word, LP_SPAN("octet")) ||
           lp_span_starts(it->word, LP_SPAN("line")) ||
           lp_span_starts(it->word, LP_SPAN("end "));
}

static const item *next_frame_item(stream *st)
{
    while (st->next_item < st->ex->item_count) {
        const item *it = &st->ex->items[st->next_item];

        if (is_frame_item(it)) {
            return it;
        }
        st->next_item++;
    }
    return NULL;
}

static void check_frame(stream *st, const lp_frame *frame)
{
    const item *it = next_frame_item(st);
    char word[64];

    snprintf(word, sizeof(word), "%s%s%s%s", st->is_ending ? "end " : "",
             frame->framing == LP_FRAMING_OCTET ? "octet" : "line",
             frame->cut ? " cut" : "", frame->resynced ? " resynced" : "");
    if (it == NULL) {
        fail(st->ex, st->ex->items[0].line, st->how, LP_SPAN("no frame"),
             frame->bytes);
        st->has_failed = true;
        return;
    }
    st->next_item++;
    if (!is_word(it, word)) {
        fail(st->ex, it->line, st->how, it->word, lp_span_str(word));
        st->has_failed = true;
        return;
    }
    st->has_failed = !check(st->ex, it, st->how, frame->bytes);
}

static void feed(stream *st, lp_span piece)
{
    size_t rest_max = st->framer.frame_max_bytes + LP_FRAME_PREFIX_MAX_BYTES;
    lp_span rest;
    lp_frame frame;

    memcpy(st->bytes + st->len_bytes, piece.ptr, piece.len_bytes);
    rest = lp_span_of(st->bytes, st->len_bytes + piece.len_bytes);
    while (!st->has_failed &&
           lp_framer_next(&st->framer, &rest, &frame) == LP_OK) {
        check_frame(st, &frame);
    }
    if (!st->has_failed && rest.len_bytes > rest_max) {
        fail(st->ex, st->ex->items[0].line, "the rest is too long",
             lp_span_of(NULL, 0), rest);
        st->has_failed = true;
    }
    memmove(st->bytes, rest.ptr, rest.len_bytes);
    st->len_bytes = rest.len_bytes;
}

static bool has_end_items(const example *ex)
{
    for (size_t i = 0; i < ex->item_count; i++) {
        if (lp_span_starts(ex->items[i].word, LP_SPAN("end "))) {
            return true;
        }
    }
    return false;
}

static uint64_t counter_of(const lp_framer *framer, lp_span name)
{
    const struct {
        const char *name;
        uint64_t value;
    } counters[] = {{"octet_frames", framer->octet_frames},
                    {"line_frames", framer->line_frames},
                    {"cut_frames", framer->cut_frames},
                    {"cut_bytes", framer->cut_bytes},
                    {"resyncs", framer->resyncs},
                    {"truncated_frames", framer->truncated_frames},
                    {"truncated_bytes", framer->truncated_bytes}};

    for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++) {
        if (lp_span_equal(name, lp_span_str(counters[i].name))) {
            return counters[i].value;
        }
    }
    fprintf(stderr, "no counter %.*s\n", (int)name.len_bytes, name.ptr);
    exit(2);
}

static bool has_counts(const example *ex, lp_span prefix)
{
    for (size_t i = 0; i < ex->item_count; i++) {
        if (lp_span_starts(ex->items[i].word, prefix)) {
            return true;
        }
    }
    return false;
}

static void finish_stream(stream *st)
{
    static const item no_rest = {{"rest", 4}, {NULL, 0}, 0};
    const item *expected = find_item(st->ex, "rest");
    lp_span prefix = LP_SPAN("count ");
    lp_span rest = lp_span_of(st->bytes, st->len_bytes);
    lp_frame frame;

    if (!has_end_items(st->ex)) {
        check(st->ex, expected != NULL ? expected : &no_rest, st->how, rest);
    }
    if (has_end_items(st->ex) || has_counts(st->ex, LP_SPAN("count trunc"))) {
        st->is_ending = true;
        while (!st->has_failed &&
               lp_framer_finish(&st->framer, &rest, &frame) == LP_OK) {
            check_frame(st, &frame);
        }
    }
    if (!st->has_failed && next_frame_item(st) != NULL) {
        fail(st->ex, next_frame_item(st)->line, st->how,
             next_frame_item(st)->value, LP_SPAN("no frame"));
    }
    for (size_t i = 0; i < st->ex->item_count && !st->has_failed; i++) {
        const item *it = &st->ex->items[i];

        if (lp_span_starts(it->word, prefix)) {
            check_number(st->ex, it, st->how,
                         counter_of(&st->framer,
                                    lp_span_skip(it->word, prefix.len_bytes)));
        }
    }
}

/* step_bytes: 0 cuts once, at first_bytes. */
static void run_stream(const example *ex, lp_span in, size_t first_bytes,
                       size_t step_bytes)
{
    stream st = {.ex = ex};

    st.bytes = malloc(in.len_bytes + 1);
    assert(st.bytes != NULL);
    snprintf(st.how, sizeof(st.how), "first %zu bytes, then %zu at a time",
             first_bytes, step_bytes);
    lp_framer_init(&st.framer, (uint32_t)number_of(ex, "frame_max"));
    for (size_t at = 0; at < in.len_bytes && !st.has_failed;) {
        size_t bytes = at == 0 ? first_bytes : step_bytes;

        if (bytes == 0 || bytes > in.len_bytes - at) {
            bytes = in.len_bytes - at;
        }
        feed(&st, lp_span_of(in.ptr + at, bytes));
        at += bytes;
    }
    if (!st.has_failed) {
        finish_stream(&st);
    }
    free(st.bytes);
}

static lp_span join_input(const example *ex, char *out)
{
    size_t n = 0;

    for (size_t i = 0; i < ex->item_count; i++) {
        if (is_word(&ex->items[i], "in")) {
            memcpy(out + n, ex->items[i].value.ptr,
                   ex->items[i].value.len_bytes);
            n += ex->items[i].value.len_bytes;
        }
    }
    return lp_span_of(out, n);
}

static void run_stream_example(const example *ex)
{
    static char joined[VALUE_MAX_BYTES];
    lp_span in = join_input(ex, joined);
    int failures_before = failures;

    run_stream(ex, in, in.len_bytes, 0);
    if (find_item(ex, "cuts") != NULL) {
        return;
    }
    for (size_t cut = 1; cut < in.len_bytes && failures == failures_before;
         cut++) {
        run_stream(ex, in, cut, 0);
    }
    if (failures == failures_before) {
        run_stream(ex, in, 1, 1);
    }
}

/* Messages ---------------------------------------------------------------- */

static void check_field(const example *ex, const char *word, lp_span got)
{
    const item *it = find_item(ex, word);

    if (it != NULL) {
        check(ex, it, word, got);
    }
}

static void check_field_number(const example *ex, const char *word,
                               uint64_t got)
{
    const item *it = find_item(ex, word);

    if (it != NULL) {
        check_number(ex, it, word, got);
    }
}

static void check_forms(const example *ex, const lp_syslog *msg)
{
    static char stored[VALUE_MAX_BYTES];
    static char aside[VALUE_MAX_BYTES];
    static char out[VALUE_MAX_BYTES];
    lp_span name = value_of(ex, "name", lp_span_of(NULL, 0));
    lp_span token = value_of(ex, "token", LP_SPAN("d.x"));
    lp_span arrival = value_of(ex, "arrival", LP_SPAN("1970-01-01T00:00:00Z"));
    char host_app[512] = "";
    lp_render_scratch scratch;
    lp_line line = {0};
    lp_record record = {0};

    if (name.len_bytes > 0) {
        snprintf(host_app, sizeof(host_app), "host %.*s ", (int)name.len_bytes,
                 name.ptr);
    }
    if (lp_timestamp_parse(arrival, &line.arrival_ns, NULL) != LP_OK ||
        lp_render_line(msg, lp_span_str(host_app), &scratch, &line) != LP_OK) {
        fail(ex, ex->items[0].line, "render", arrival, LP_SPAN("an error"));
        return;
    }
    record.bytes = join(line.parts, line.part_count, stored);
    record.aside = join(line.aside, 2, aside);
    record.marks = line.marks;
    check_field(ex, "stored", record.bytes);
    check_field(ex, "aside", record.aside);
    check_field(ex, "tail",
                lp_span_of(out, lp_render_tail(&record, out, sizeof(out))));
    check_field(ex, "syslog",
                lp_span_of(out, lp_render_syslog(&record, token, true, out,
                                                 sizeof(out))));
    check_field(ex, "datagram",
                lp_span_of(out, lp_render_syslog(&record, token, false, out,
                                                 sizeof(out))));
}

static void check_message(const example *ex, lp_span text)
{
    static const char *formats[] = {"5424", "5424-no-sd", "3164"};
    lp_syslog msg;
    size_t at_byte;
    lp_err err = lp_syslog_parse(text, &msg, &at_byte);

    if (find_item(ex, "error") != NULL) {
        if (err == LP_OK) {
            fail(ex, ex->items[0].line, "error", LP_SPAN("an error"), text);
        } else {
            check_field_number(ex, "error", at_byte);
        }
        return;
    }
    if (err != LP_OK) {
        fail(ex, ex->items[0].line, "parse", text, LP_SPAN("an error"));
        return;
    }
    check_field(ex, "is", lp_span_str(formats[msg.format]));
    check_field_number(ex, "pri", msg.pri);
    check_field_number(ex, "version", msg.version);
    check_field(ex, "time", msg.time);
    check_field(ex, "host", msg.host);
    check_field(ex, "app", msg.app);
    check_field(ex, "procid", msg.procid);
    check_field(ex, "msgid", msg.msgid);
    check_field(ex, "sd", msg.sd);
    check_field(ex, "msg", msg.msg);
    check_forms(ex, &msg);
}

/* Two copies behind one another, through a framer: step_bytes as above. */
static void run_framed(const example *ex, lp_span text, size_t first_bytes,
                       size_t step_bytes)
{
    static char in[VALUE_MAX_BYTES];
    lp_framer framer;
    lp_frame frame;
    lp_span rest;
    size_t frames = 0;
    int n = snprintf(in, sizeof(in), "%zu ", text.len_bytes);
    size_t frame_bytes = (size_t)n + text.len_bytes;
    size_t fed = first_bytes;

    memcpy(in + n, text.ptr, text.len_bytes);
    memcpy(in + frame_bytes, in, frame_bytes);
    lp_framer_init(&framer, 0);
    rest = lp_span_of(in, 0);
    for (;;) {
        rest.len_bytes = (size_t)(in + fed - rest.ptr);
        while (lp_framer_next(&framer, &rest, &frame) == LP_OK) {
            frames++;
            check_message(ex, frame.bytes);
        }
        if (fed == 2 * frame_bytes) {
            break;
        }
        fed += step_bytes == 0 ? 2 * frame_bytes - fed : step_bytes;
    }
    if (frames != 2 || rest.len_bytes > 0) {
        fail(ex, ex->items[0].line, "framed", LP_SPAN("2 frames"), rest);
    }
}

static void run_message_example(const example *ex)
{
    lp_span text = find_item(ex, "message")->value;
    int failures_before = failures;

    check_message(ex, text);
    for (size_t cut = 1; cut <= text.len_bytes && failures == failures_before;
         cut++) {
        run_framed(ex, text, cut, 0);
    }
    if (failures == failures_before) {
        run_framed(ex, text, 1, 1);
    }
}

/* Reading a file ---------------------------------------------------------- */

static char *put_repeated(const char **at, char *out)
{
    char *end;
    unsigned long n = strtoul(*at + 1, &end, 10);

    assert(end[0] == '*' && end[2] == '}');
    memset(out, end[1], n);
    *at = end + 3;
    return out + n;
}

static char *put_escape(const char **at, char *out)
{
    char hex[3] = {0};

    switch (*(*at)++) {
    case 'n':
        *out = '\n';
        break;
    case 'r':
        *out = '\r';
        break;
    case 't':
        *out = '\t';
        break;
    case '0':
        *out = '\0';
        break;
    case '\\':
        *out = '\\';
        break;
    case 'x':
        memcpy(hex, *at, 2);
        *out = (char)strtoul(hex, NULL, 16);
        *at += 2;
        break;
    case '{':
        (*at)--;
        return put_repeated(at, out);
    default:
        fprintf(stderr, "unknown escape before: %s\n", *at);
        exit(2);
    }
    return out + 1;
}

/* The bytes that a value stands for, in memory that lasts. */
static lp_span read_value(const char *at)
{
    static char bytes[VALUE_MAX_BYTES];
    char *out = bytes;
    char *kept;

    while (*at != '\0') {
        if (*at == '\\') {
            at++;
            out = put_escape(&at, out);
        } else {
            *out++ = *at++;
        }
    }
    kept = malloc((size_t)(out - bytes) + 1);
    assert(kept != NULL);
    memcpy(kept, bytes, (size_t)(out - bytes));
    return lp_span_of(kept, (size_t)(out - bytes));
}

static void add_item(example *ex, char *text, int line)
{
    char *colon = strchr(text, ':');
    item *it = &ex->items[ex->item_count];

    if (colon == NULL || ex->item_count == ITEMS_MAX ||
        (colon[1] != ' ' && colon[1] != '\0')) {
        fprintf(stderr, "%s:%d: not WORD: VALUE\n", ex->file, line);
        exit(2);
    }
    it->word = lp_span_of(strndup(text, (size_t)(colon - text)),
                          (size_t)(colon - text));
    it->value = read_value(colon[1] == ' ' ? colon + 2 : colon + 1);
    it->line = line;
    ex->item_count++;
}

static bool is_known_word(lp_span word)
{
    static const char *words[] = {
        "in",     "frame_max", "cuts",  "rest", "message", "error",
        "is",     "pri",       "time",  "host", "version", "app",
        "procid", "msgid",     "sd",    "msg",  "arrival", "name",
        "token",  "stored",    "aside", "tail", "syslog",  "datagram"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (lp_span_equal(word, lp_span_str(words[i]))) {
            return true;
        }
    }
    return is_log_word(word) || lp_span_starts(word, LP_SPAN("octet")) ||
           lp_span_starts(word, LP_SPAN("line")) ||
           lp_span_starts(word, LP_SPAN("end ")) ||
           lp_span_starts(word, LP_SPAN("count "));
}

/* An example that checks nothing is a mistake in the file. */
static void run_example(example *ex, size_t *example_count)
{
    if (ex->title.len_bytes == 0) {
        return;
    }
    for (size_t i = 0; i < ex->item_count; i++) {
        if (!is_known_word(ex->items[i].word)) {
            fprintf(stderr, "%s:%d: unknown word\n", ex->file,
                    ex->items[i].line);
            exit(2);
        }
    }
    if (ex->item_count < 2 && find_item(ex, "log") == NULL) {
        fprintf(stderr, "%s: nothing to check: %s\n", ex->file, ex->title.ptr);
        exit(2);
    }
    (*example_count)++;
    if (find_item(ex, "log") != NULL) {
        run_log_example(ex);
    } else if (find_item(ex, "message") != NULL) {
        run_message_example(ex);
    } else {
        run_stream_example(ex);
    }
    for (size_t i = 0; i < ex->item_count; i++) {
        free((void *)(uintptr_t)ex->items[i].word.ptr);
        free((void *)(uintptr_t)ex->items[i].value.ptr);
    }
    ex->item_count = 0;
}

int main(int argc, char **argv)
{
    example ex = {0};
    char title[256] = "";
    char *text = NULL;
    size_t room = 0;
    ssize_t n;
    size_t example_count = 0;
    FILE *file = argc == 2 ? fopen(argv[1], "r") : NULL;

    if (file == NULL) {
        fprintf(stderr, "usage: run_examples FILE\n");
        return 2;
    }
    ex.file = argv[1];
    for (int line = 1; (n = getline(&text, &room, file)) > 0; line++) {
        text[strcspn(text, "\n")] = '\0';
        if (strncmp(text, "## ", 3) == 0) {
            run_example(&ex, &example_count);
            snprintf(title, sizeof(title), "%s", text + 3);
            ex.title = lp_span_str(title);
        } else if (strncmp(text, "    ", 4) == 0) {
            add_item(&ex, text + 4, line);
        }
    }
    run_example(&ex, &example_count);
    free(text);
    fclose(file);
    printf("%zu examples, %d failures\n", example_count, failures);
    return failures == 0 && example_count > 0 ? 0 : 1;
}
