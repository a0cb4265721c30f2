/* A folder of the test's own in the temporary folder, gone with all that is
 * in it when the program ends, whether its tests passed or not.
 *
 * if (!folder_make("store")) return 1;    afterwards: folder, folder_file()
 */
#ifndef TESTS_FOLDER_H
#define TESTS_FOLDER_H

#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static char folder[48];

static inline int folder_entry_remove(const char *path, const struct stat *st,
				      int type, struct FTW *at)
{
	(void)st, (void)type, (void)at;
	return remove(path);
}

static inline void folder_remove(void)
{
	(void)nftw(folder, folder_entry_remove, 8, FTW_DEPTH | FTW_PHYS);
}

static inline bool folder_make(const char *of)
{
	snprintf(folder, sizeof(folder), "/tmp/gramline-%s-XXXXXX", of);
	return mkdtemp(folder) && atexit(folder_remove) == 0;
}

/* A path in it. */
#define folder_file(path, name)                                                \
	snprintf((path), sizeof(path), "%s/" name, folder)

#endif
