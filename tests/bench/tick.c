/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tick FILE NUMBER
 *
 * A check that does nothing but write down when it was started, in its slot of a file that `ticks make` made. It prints
 * what a plugin would. Linked statically: what is measured is who runs it.
 */
#include "ticks.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { UNKNOWN = 3 /* of plugins */ };

int main(int argc, char **argv)
{
	static const char answer[] = "TICK OK\n";
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (argc != 3)
		return UNKNOWN;
	int fd = open(argv[1], O_RDWR);
	off_t at = atol(argv[2]) * (off_t)sizeof(struct tick_slot), page = at & ~(off_t)4095;
	if (fd < 0)
		return UNKNOWN;
	char *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, page);
	if (map == MAP_FAILED)
		return UNKNOWN;
	struct tick_slot *slot = (struct tick_slot *)(void *)(map + (at - page));
	uint64_t n = __atomic_fetch_add(&slot->count, 1, __ATOMIC_RELAXED);
	slot->at_ns[n % TICKS_KEPT] = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	return write(STDOUT_FILENO, answer, sizeof(answer) - 1) < 0 ? UNKNOWN : 0;
}
