/* What is read lies in the message, in order, and fits its grammar. */
#include <string.h>

#include "fuzz.h"
#include "logplex/syslog.h"

static void check_field(lp_span field, const char **from, lp_span all)
{
    REQUIRE(is_within(field, all));
    REQUIRE(field.len_bytes <= LP_SYSLOG_FIELD_MAX_BYTES);
    if (field.len_bytes > 0) {
        REQUIRE(field.ptr >= *from);
        REQUIRE(memchr(field.ptr, ' ', field.len_bytes) == NULL ||
                field.len_bytes <= sizeof("Nov 21 00:17:52") - 1 ||
                field.ptr[10] == ' ');
        *from = field.ptr + field.len_bytes;
    }
}

static void check_5424(const lp_syslog *msg)
{
    const lp_span *fields[] = {&msg->time, &msg->host, &msg->app, &msg->procid,
                               &msg->msgid};

    for (size_t i = 0; i < 5; i++) {
        REQUIRE(fields[i]->len_bytes > 0);
        REQUIRE(i == 4 || fields[i]->ptr[fields[i]->len_bytes] == ' ');
        REQUIRE(i == 4 || fields[i + 1]->ptr ==
                              fields[i]->ptr + fields[i]->len_bytes + 1);
    }
    REQUIRE(msg->prefix.ptr + msg->prefix.len_bytes == msg->host.ptr);
    REQUIRE((msg->format == LP_SYSLOG_5424) == (msg->sd.len_bytes > 0));
    if (msg->sd.len_bytes > 0) {
        REQUIRE(msg->sd.ptr[0] == '-' || msg->sd.ptr[0] == '[');
        REQUIRE(msg->sd.ptr[0] == '-' ||
                msg->sd.ptr[msg->sd.len_bytes - 1] == ']');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    lp_span all = lp_span_of((const char *)data, size);
    const char *from = all.ptr;
    size_t at_byte = SIZE_MAX;
    lp_syslog msg;
    lp_syslog again;

    if (lp_syslog_parse(all, &msg, &at_byte) != LP_OK) {
        REQUIRE(at_byte <= size);
        return 0;
    }
    check_field(msg.time, &from, all);
    check_field(msg.host, &from, all);
    check_field(msg.app, &from, all);
    check_field(msg.procid, &from, all);
    check_field(msg.msgid, &from, all);
    REQUIRE(is_within(msg.sd, all));
    REQUIRE(msg.msg.ptr >= from);
    REQUIRE(msg.msg.ptr + msg.msg.len_bytes == all.ptr + size);
    if (msg.format != LP_SYSLOG_3164) {
        check_5424(&msg);
    } else {
        REQUIRE(msg.prefix.len_bytes == 0 && msg.time.len_bytes > 0);
    }
    // Nothing of the last call is left in the next.
    memset(&again, 0xff, sizeof(again));
    REQUIRE(lp_syslog_parse(all, &again, NULL) == LP_OK);
    REQUIRE(lp_span_equal(again.msg, msg.msg) && again.pri == msg.pri &&
            lp_span_equal(again.msgid, msg.msgid));
    return 0;
}
