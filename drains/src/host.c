#include "host.h"

#include <arpa/inet.h>
#include <assert.h>

#include "ascii.h"

_Static_assert(LPI_ADDRESS_TEXT_MAX_BYTES >= INET6_ADDRSTRLEN, "room");

enum { NAME_MAX_BYTES = 253, LABEL_MAX_BYTES = 63 };

static bool is_name_byte(char c)
{
    return lpi_is_letter(c) || lpi_is_digit(c) || c == '-' || c == '_' ||
           c == '.';
}

/* The dot at the end of a name only says that no search list is to be used. */
static lp_span without_root_dot(lp_span text)
{
    if (text.len_bytes > 0 && text.ptr[text.len_bytes - 1] == '.') {
        text.len_bytes--;
    }
    return text;
}

bool lpi_host_has_name_bytes(lp_span text)
{
    for (size_t i = 0; i < text.len_bytes; i++) {
        if (!is_name_byte(text.ptr[i])) {
            return false;
        }
    }
    return true;
}

bool lpi_host_fits_dns(lp_span text)
{
    lp_span name = without_root_dot(text);
    size_t label_bytes = 0;

    if (name.len_bytes > NAME_MAX_BYTES) {
        return false;
    }
    for (size_t i = 0; i < name.len_bytes; i++) {
        if (name.ptr[i] != '.') {
            label_bytes++;
        } else if (label_bytes == 0) {
            return false;
        } else {
            label_bytes = 0;
        }
        if (label_bytes > LABEL_MAX_BYTES) {
            return false;
        }
    }
    return label_bytes > 0;
}

/* The WHATWG's URL standard, "ends-in-a-number checker": what some readers of
 * addresses take for one, such as 2130706433, 127.1 and 0x7f.1. */
bool lpi_host_ends_in_number(lp_span text)
{
    lp_span name = without_root_dot(text);
    size_t at = name.len_bytes;
    bool is_hex;

    while (at > 0 && name.ptr[at - 1] != '.') {
        at--;
    }
    is_hex = name.len_bytes - at >= 2 && name.ptr[at] == '0' &&
             lpi_to_lower(name.ptr[at + 1]) == 'x';
    if (!is_hex && at == name.len_bytes) {
        return false;
    }
    for (at += is_hex ? 2 : 0; at < name.len_bytes; at++) {
        char c = name.ptr[at];

        if (!(is_hex ? lpi_hex_of(c) >= 0 : lpi_is_digit(c))) {
            return false;
        }
    }
    return true;
}

/* inet_pton() on a span. */
static bool read_address(int family, lp_span text, uint8_t *address)
{
    char copy[LPI_ADDRESS_TEXT_MAX_BYTES];

    if (text.len_bytes == 0 || text.len_bytes >= sizeof(copy) ||
        memchr(text.ptr, '\0', text.len_bytes) != NULL) {
        return false;
    }
    memcpy(copy, text.ptr, text.len_bytes);
    copy[text.len_bytes] = '\0';
    return inet_pton(family, copy, address) == 1;
}

bool lpi_host_read_ipv4(lp_span text, uint8_t address[LPI_ADDRESS_BYTES])
{
    memset(address, 0, LPI_ADDRESS_BYTES);
    return read_address(AF_INET, text, address);
}

bool lpi_host_read_ipv6(lp_span text, uint8_t address[LPI_ADDRESS_BYTES])
{
    return read_address(AF_INET6, text, address);
}

lp_span lpi_host_print_ipv6(const uint8_t address[LPI_ADDRESS_BYTES],
                            char out[LPI_ADDRESS_TEXT_MAX_BYTES])
{
    const char *text =
        inet_ntop(AF_INET6, address, out, LPI_ADDRESS_TEXT_MAX_BYTES);

    assert(text != NULL); // it fails only without room
    return lp_span_str(text);
}
