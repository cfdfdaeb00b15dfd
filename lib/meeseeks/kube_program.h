/* SPDX-License-Identifier: Apache-2.0 */
/* A program that makes credentials, as `exec` of a user in a kubeconfig says. kube_exec.h runs it. */
#ifndef MRP_MEESEEKS_KUBE_PROGRAM_H
#define MRP_MEESEEKS_KUBE_PROGRAM_H

#include "../value/value.h"

struct kube_program {
	struct strvec argv; /* empty: there is none */
	struct strvec env;  /* ours, and what the kubeconfig and the protocol say */
	char *api_version;
	char *hint; /* how to install it, for people; NULL: nobody says */
};

#define KUBE_PROGRAM_INIT                               \
	{                                               \
		.argv = STRVEC_INIT, .env = STRVEC_INIT \
	}

/* `path` is of the kubeconfig, beside which a program with a '/' in its name is. MRP_EINVALID. */
int kube_program_read(struct kube_program *out, const struct value *exec, const struct value *cluster, const char *path,
	struct mrp_err *err);
void kube_program_release(struct kube_program *program);
/* A name in a kubeconfig is relative to its folder. Yours to free. */
char *kube_beside(const char *path, const char *name);

#endif
