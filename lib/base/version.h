/*
 * Which version of the program this is.
 *
 * It decides nothing: what may be read is said by each format's own number,
 * and what is spoken by the protocol's.
 */
#ifndef AEGIS_BASE_VERSION_H
#define AEGIS_BASE_VERSION_H

const char *version_text(void);

#endif
