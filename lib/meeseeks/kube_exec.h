/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credentials that a program makes: the `exec` of a user in a kubeconfig (kubernetes.io, "Authenticating", "client-go
 * credential plugins"), client.authentication.k8s.io/v1 and v1beta1. It is run when there is no credential or the last
 * one has ended, without a terminal. What it prints is a secret.
 */
#ifndef MRP_MEESEEKS_KUBE_EXEC_H
#define MRP_MEESEEKS_KUBE_EXEC_H

#include "../base/arena.h"
#include "../http/peer.h"
#include "kubeconfig.h"

/* Borrowed until the next call. */
struct kube_credential {
	const char *token;                /* NULL: none */
	const char *cert_file, *key_file; /* NULL: none */
	unsigned serial;                  /* another one: the files are others */
};

struct kube_exec;

/* Both are borrowed; `patience` may be NULL. */
struct kube_exec *kube_exec_new(const struct kube_program *program, const struct http_patience *patience);
void kube_exec_free(struct kube_exec *exec);
/* Blocks for a minute at most. MRP_EFAILED, MRP_EINTERRUPTED; no message holds what the program has printed. */
int kube_exec_get(struct kube_exec *exec, struct kube_credential *out, struct mrp_err *err);
/* The credential was not accepted: the next call runs the program. */
void kube_exec_forget(struct kube_exec *exec);

/* What a program has printed, for tests and kube_exec.c: token, texts of files, and when it ends (milliseconds since
 * 1970; INT64_MAX: it does not say). Texts are borrowed from `text`'s copy in the arena. */
struct exec_answer {
	const char *token, *cert, *key;
	int64_t ends_ms;
};
int exec_answer_read(struct exec_answer *out, struct arena *arena, const char *text, size_t len,
	const char *api_version, struct mrp_err *err);

#endif
