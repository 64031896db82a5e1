/* utf8.h - text out of what may be none; whether it is: logplex/utf8.h. */
#ifndef LOGPLEXD_UTF8_H
#define LOGPLEXD_UTF8_H

/* Makes text of a string: a byte that is none becomes a question mark. */
void utf8_mend(char *string);

#endif /* LOGPLEXD_UTF8_H */
