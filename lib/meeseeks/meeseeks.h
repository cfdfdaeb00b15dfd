/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One mapping at work: read the source until it can be believed, compare with the variable, write it. Where to read on:
 * source.h (sources; kubeconfig.h and kube_exec.h say who asks Kubernetes), view.h (filters and templates), changes.h
 * (comparing, guards), variable.h (the API).
 *
 * Order: meeseeks_open, then as often as needed meeseeks_compare and perhaps meeseeks_write, meeseeks_close. Prints
 * nothing. Codes: MRP_EREFUSED by a guard; MRP_EFAILED when the source has failed; those of http.h from the API.
 */
#ifndef MRP_MEESEEKS_MEESEEKS_H
#define MRP_MEESEEKS_MEESEEKS_H

#include "changes.h"
#include "source.h"
#include "variable.h"

struct meeseeks;

/* `mapping` and `patience` (may be NULL) must outlive it. MRP_EUSAGE, MRP_EINVALID: options or keys are wrong. */
struct meeseeks *meeseeks_open(
	const struct node_mapping *mapping, const struct http_patience *patience, struct mrp_err *err);
void meeseeks_close(struct meeseeks *meeseeks);

/* What would change. The pages of a list that differs from the variable are read until two readings agree, as servers
 * that go by position lose a node when another one goes meanwhile; MRP_EREFUSED when they never do. */
int meeseeks_compare(struct meeseeks *meeseeks, struct http_client *http, struct changes *changes, struct mrp_err *err);
int meeseeks_guard(const struct meeseeks *meeseeks, const struct changes *changes, struct mrp_err *err);
/* Write what was compared. When somebody has written the variable since, compare with that: guards apply again, and
 * MRP_ELOCKED when `asked` (somebody has said yes to these changes) and they are others now. `changes` are those that
 * were made, in the end. */
int meeseeks_write(
	struct meeseeks *meeseeks, struct http_client *http, struct changes *changes, bool asked, struct mrp_err *err);

#endif
