/*
 * What becomes of secrets when the process is killed by its own mistake.
 *
 * Threads    secret_crash_catch() before there are any.
 */
#ifndef AEGIS_CRYPTO_SECRET_CRASH_H
#define AEGIS_CRYPTO_SECRET_CRASH_H

/*
 * Wipe all secrets when a signal comes that would leave a core dump, and
 * then die of it, or do what was to be done before.  What is ignored stays
 * ignored.
 */
void secret_crash_catch(void);

#endif
