/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who asks which API server of Kubernetes: a context of a kubeconfig (kubernetes.io: "Organizing Cluster Access Using
 * kubeconfig Files"), or the account of the pod that this runs in ("Accessing the API from a Pod"). Tokens, client
 * certificates and programs that make either (kube_exec.h); other ways are refused, and so is a server that anybody
 * could be.
 */
#ifndef MRP_MEESEEKS_KUBECONFIG_H
#define MRP_MEESEEKS_KUBECONFIG_H

#include "kube_program.h"
#include "memory_file.h"

#define KUBERNETES_ACCOUNT "/var/run/secrets/kubernetes.io/serviceaccount"

/* Texts are owned; NULL where nothing is said. */
struct kube_access {
	char *server, *tls_name;
	char *ca_file; /* NULL: the system's */
	char *cert_file, *key_file;
	char *token_file, *token;
	struct kube_program program;
	struct memory_file ca, cert, key; /* what has no file of its own; the paths above are theirs then */
};

#define KUBE_ACCESS_INIT                                                                        \
	{                                                                                       \
		.program = KUBE_PROGRAM_INIT, .ca = MEMORY_FILE_INIT, .cert = MEMORY_FILE_INIT, \
		.key = MEMORY_FILE_INIT                                                         \
	}

/* `context` NULL: the current one. MRP_EINVALID: the file is no kubeconfig, or wants what is not done here. No message
 * holds a secret. */
int kubeconfig_parse(struct kube_access *out, const char *text, size_t len, const char *path, const char *context,
	struct mrp_err *err);
int kubeconfig_read(struct kube_access *out, const char *path, const char *context, struct mrp_err *err);
/* Of KUBECONFIG: "a:b", one configuration together, in which the first that says something counts. Those that are not
 * there are passed over; MRP_ENOTFOUND when none is. */
int kubeconfig_read_list(struct kube_access *out, const char *paths, const char *context, struct mrp_err *err);
/* By KUBERNETES_SERVICE_HOST and _PORT; MRP_ENOTFOUND outside of a pod. */
int kube_access_of_pod(struct kube_access *out, struct mrp_err *err);
void kube_access_release(struct kube_access *access);

#endif
