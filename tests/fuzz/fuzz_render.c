/*
 * The first byte says whether a name stands for APP-NAME. What is stored of a
 * message reads as a frame of its own, with the same fields; so does what a
 * syslog drain gets.
 */
#include <string.h>

#include "fuzz.h"
#include "join.h"
#include "logplex/framer.h"
#include "logplex/render.h"

static lp_span or_nil(lp_span field)
{
    return field.len_bytes == 0 ? LP_SPAN("-") : field;
}

/* The one frame that text is. */
static lp_span unframe(lp_span text)
{
    lp_framer framer;
    lp_frame frame;

    lp_framer_init(&framer, 1 << 25);
    REQUIRE(lp_framer_next(&framer, &text, &frame) == LP_OK);
    REQUIRE(frame.framing == LP_FRAMING_OCTET);
    REQUIRE(text.len_bytes == 0);
    return frame.bytes;
}

static void check_fields(const lp_syslog *msg, const lp_syslog *again,
                         lp_span app)
{
    REQUIRE(again->pri == msg->pri && again->version == 1);
    REQUIRE(lp_span_equal(again->app, app));
    REQUIRE(lp_span_equal(again->procid, or_nil(msg->procid)));
    REQUIRE(lp_span_equal(again->msgid, LP_SPAN("-")));
    if (msg->format != LP_SYSLOG_3164 &&
        !lp_span_equal(msg->time, LP_SPAN("-"))) {
        REQUIRE(lp_span_equal(again->time, msg->time));
    }
}

/* The stored form has no STRUCTURED-DATA, so that a MSG that begins like it is
 * read as such: compare from its mark on. */
static void check_stored(const lp_syslog *msg, const lp_record *record,
                         lp_span app)
{
    lp_syslog again;

    REQUIRE(lp_span_equal(lp_record_app(record), app));
    REQUIRE(lp_span_equal(lp_record_procid(record), or_nil(msg->procid)));
    REQUIRE(lp_span_equal(lp_record_msg(record), msg->msg));
    REQUIRE(lp_syslog_parse(unframe(record->bytes), &again, NULL) == LP_OK);
    check_fields(msg, &again, app);
    REQUIRE(lp_span_equal(again.time, lp_record_time(record)));
    REQUIRE(lp_span_equal(again.host, LP_SPAN("host")));
}

static void check_syslog(const lp_syslog *msg, const lp_record *record,
                         lp_span app, char *out, size_t room_bytes)
{
    size_t n = lp_render_syslog(record, LP_SPAN("d.x"), true, out, room_bytes);
    lp_syslog again;

    REQUIRE(n <= room_bytes);
    REQUIRE(lp_syslog_parse(unframe(lp_span_of(out, n)), &again, NULL) ==
            LP_OK);
    check_fields(msg, &again, app);
    REQUIRE(lp_span_equal(again.host, LP_SPAN("d.x")));
    REQUIRE(lp_span_equal(again.sd, LP_SPAN("-")));
    REQUIRE(lp_span_starts(again.msg, msg->msg));
    REQUIRE(again.msg.ptr[again.msg.len_bytes - 1] == '\n');
    REQUIRE(again.msg.len_bytes <= msg->msg.len_bytes + 1);
}

static void check_aside(const lp_syslog *msg, lp_span aside)
{
    const lp_span fields[] = {or_nil(msg->host), or_nil(msg->msgid), msg->sd};

    if (aside.len_bytes == 0) {
        REQUIRE((lp_span_equal(fields[0], LP_SPAN("-")) ||
                 lp_span_equal(fields[0], LP_SPAN("host"))) &&
                lp_span_equal(fields[1], LP_SPAN("-")) &&
                lp_span_equal(or_nil(fields[2]), LP_SPAN("-")));
        return;
    }
    for (size_t i = 0; i < 3; i++) {
        REQUIRE(lp_span_starts(aside, fields[i]));
        aside = lp_span_skip(aside, fields[i].len_bytes);
        if (aside.len_bytes > 0) {
            REQUIRE(aside.ptr[0] == ' ');
            aside = lp_span_skip(aside, 1);
        }
    }
    REQUIRE(aside.len_bytes == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t room_bytes = size + 256;
    lp_render_scratch scratch;
    lp_line line = {.arrival_ns = INT64_C(1355108448123456789)};
    lp_record record = {0};
    lp_syslog msg;
    lp_span host_app;
    lp_span app;
    char *out;

    if (size == 0 ||
        lp_syslog_parse(lp_span_of((const char *)data + 1, size - 1), &msg,
                        NULL) != LP_OK) {
        return 0;
    }
    host_app = data[0] % 2 ? LP_SPAN("host name ") : lp_span_of(NULL, 0);
    app = data[0] % 2 ? LP_SPAN("name") : or_nil(msg.app);
    out = malloc(3 * room_bytes);
    REQUIRE(out != NULL);
    REQUIRE(lp_render_line(&msg, host_app, &scratch, &line) == LP_OK);
    REQUIRE(line.part_count <= LP_LINE_PARTS_MAX);
    record.bytes = join(line.parts, line.part_count, out);
    record.aside = join(line.aside, 2, out + room_bytes);
    record.marks = line.marks;
    check_stored(&msg, &record, app);
    check_aside(&msg, record.aside);
    check_syslog(&msg, &record, app, out + 2 * room_bytes, room_bytes);
    REQUIRE(lp_render_tail(&record, out + 2 * room_bytes, room_bytes) <=
            room_bytes);
    free(out);
    return 0;
}
