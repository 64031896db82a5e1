/*
 * version.h - which Logplex this is, and what it exports.
 *
 * Versions follow SemVer 2.0.0. The ABI is stable within one major number from
 * 1.0 on; before that every minor number may change it, and the SONAME says so.
 */
#ifndef LOGPLEX_VERSION_H
#define LOGPLEX_VERSION_H

#define LP_VERSION_MAJOR  0
#define LP_VERSION_MINOR  1
#define LP_VERSION_PATCH  0
#define LP_VERSION_STRING "0.1.0"

/* Marks what the shared libraries export; all else is hidden. */
#if defined(__GNUC__)
#define LP_API __attribute__((visibility("default")))
#else
#define LP_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The version of the library that is running, such as "0.1.0", which need not
 * be the one the caller was compiled against. Never NULL, never freed.
 * Threads: any.
 */
LP_API const char *lp_version(void);

#ifdef __cplusplus
}
#endif

#endif /* LOGPLEX_VERSION_H */
