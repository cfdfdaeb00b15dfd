/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who asks which API server of Kubernetes: the current context of a kubeconfig (kubernetes.io: "Organizing Cluster
 * Access Using kubeconfig Files"), or the account of the pod that this runs in ("Accessing the API from a Pod").
 * Tokens only: client certificates and programs that make credentials are refused.
 */
#ifndef MRP_MEESEEKS_KUBECONFIG_H
#define MRP_MEESEEKS_KUBECONFIG_H

#include "../base/err.h"

#define KUBERNETES_ACCOUNT "/var/run/secrets/kubernetes.io/serviceaccount"

struct kube_access {
	char *server;     /* owned, as the other texts */
	char *ca_file;    /* NULL: the system's */
	char *token_file; /* NULL: token */
	char *token;      /* NULL: none */
	int ca_fd;        /* of certificates that have no file; ca_file is below /proc then; -1: none */
};

#define KUBE_ACCESS_INIT                   \
	{                                  \
		NULL, NULL, NULL, NULL, -1 \
	}

/* MRP_EINVALID: the file is no kubeconfig, or wants what is not done here. No message holds a token. */
int kubeconfig_parse(struct kube_access *out, const char *text, size_t len, const char *path, struct mrp_err *err);
int kubeconfig_read(struct kube_access *out, const char *path, struct mrp_err *err);
/* By KUBERNETES_SERVICE_HOST and _PORT; MRP_ENOTFOUND outside of a pod. */
int kube_access_of_pod(struct kube_access *out, struct mrp_err *err);
void kube_access_release(struct kube_access *access);

#endif
