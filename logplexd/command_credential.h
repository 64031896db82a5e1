/*
 * command_credential.h - `logplexd credential`: who may what, while no daemon
 * runs.
 */
#ifndef LOGPLEXD_COMMAND_CREDENTIAL_H
#define LOGPLEXD_COMMAND_CREDENTIAL_H

/* argv[0] is "credential". The exit code, as in sysexits(3). */
int command_credential(int argc, char **argv);

#endif /* LOGPLEXD_COMMAND_CREDENTIAL_H */
