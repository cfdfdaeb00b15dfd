/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ctrl-C (SIGINT) and SIGTERM as a question instead of an end: a command that is in the middle of changing something
 * asks interrupted() between two steps, and waits on interrupt_fd() beside its sockets. The first signal only raises
 * the flag; the second one ends the program as if nothing had been caught, so nobody is ever locked in.
 */
#ifndef MRP_BASE_INTERRUPT_H
#define MRP_BASE_INTERRUPT_H

#include "err.h"

/* Catch the two signals from now on. Calling it again does nothing. */
int interrupt_catch(struct mrp_err *err);
/* False until the first signal. */
bool interrupted(void);
/* A descriptor that becomes readable, and stays so, with the first signal; -1 before interrupt_catch. Not yours. */
int interrupt_fd(void);

#endif
