#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Put plan.md into a comment of the merge request (GitLab) or pull request (GitHub), the same comment each time. Needs curl
# and jq, and COMMENT_TOKEN, which may write comments; on GitHub also PULL_REQUEST, its number.
set -eu

marker='<!-- mrprober synchronize -->'
if [ -n "${GITLAB_CI-}" ]; then
	comments=$CI_API_V4_URL/projects/$CI_PROJECT_ID/merge_requests/$CI_MERGE_REQUEST_IID/notes
	one=$comments
	change=PUT
	header="PRIVATE-TOKEN: $COMMENT_TOKEN"
else
	comments=$GITHUB_API_URL/repos/$GITHUB_REPOSITORY/issues/$PULL_REQUEST/comments
	one=$GITHUB_API_URL/repos/$GITHUB_REPOSITORY/issues/comments
	change=PATCH
	header="Authorization: Bearer $COMMENT_TOKEN"
fi

# The token goes by standard input: arguments can be read by every process of the machine.
call()
{
	printf 'header = "%s"\n' "$header" | curl -fsS -K - -H 'Content-Type: application/json' "$@"
}

jq -Rs --arg marker "$marker" '{body: ($marker + "\n" + .)}' plan.md >comment.json
id=$(call "$comments?per_page=100" |
	jq -r --arg marker "$marker" 'map(select(.body | startswith($marker)) | .id) | first // empty')
if [ -n "$id" ]; then
	call -X "$change" --data-binary @comment.json "$one/$id" >/dev/null
else
	call --data-binary @comment.json "$comments" >/dev/null
fi
