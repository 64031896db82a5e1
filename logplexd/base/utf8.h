/* utf8.h - is this text? (RFC 3629) */
#ifndef LOGPLEXD_UTF8_H
#define LOGPLEXD_UTF8_H

#include <stddef.h>

/* The length of the one character that text begins with; 0 if these bytes are
 * no well-formed UTF-8 (too long a form, a surrogate, cut off). */
size_t utf8_char_bytes(const char *text, size_t len_bytes);

/* Makes text of a string: a byte that is none becomes a question mark. */
void utf8_mend(char *string);

#endif /* LOGPLEXD_UTF8_H */
