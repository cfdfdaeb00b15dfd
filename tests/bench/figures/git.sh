# shellcheck shell=sh disable=SC2154,SC2034 # variables of run.sh
# SPDX-License-Identifier: Apache-2.0
# figure git: configs of a commit in a packed repository: load, in sync, 100 changes, who changed all

git_here() {
	GIT_AUTHOR_NAME=bench GIT_AUTHOR_EMAIL=bench@example.net GIT_COMMITTER_NAME=bench \
		GIT_COMMITTER_EMAIL=bench@example.net git -C "$tree" -c gc.auto=0 "$@"
}

git_commit() {
	git_here add -A && git_here commit -q -m "$1" && git_here gc -q
}

figure_git() {
	if ! command -v git >/dev/null; then
		say "git: skipped, there is no git"
		return
	fi
	git_here init -q -b main .
	git_commit start
	start_api
	"$mrprober" synchronize --yes --api-url "$api_url" --revision main "$tree" >/dev/null || fail "cannot synchronize"
	pair=0
	while [ $((pair += 1)) -le "$pairs" ]; do
		say "git: $pair of $pairs"
		measure floor-git "$bin/floor-git" "$tree" main
		measure git-validate "$mrprober" synchronize --validate --revision main "$tree"
		rm -rf "$MRPROBER_STATE_DIR/trees" # what is remembered of the commit
		measure_requests git-check "$mrprober" synchronize --check --api-url "$api_url" --revision main "$tree"
		measure_requests git-again "$mrprober" synchronize --check --api-url "$api_url" --revision main "$tree"
		"$bin/gen-configs" -n "$count" -r "$changes" -R "1$pair" "$tree"
		git_commit "change $pair"
		measure_requests git-change "$mrprober" synchronize --yes --api-url "$api_url" --revision main "$tree"
		measure git-since "$mrprober" synchronize --check --api-url "$api_url" --revision main \
			--changed-since main~1 "$tree"
	done
	start_api # an empty one: who changed every object is looked up
	pair=0
	while [ $((pair += 1)) -le "$pairs" ]; do
		measure git-all sh -c '"$@" >/dev/null || [ $? = 2 ]' sh \
			"$mrprober" synchronize --check --api-url "$api_url" --revision main "$tree"
	done
	stop "$api_pid"
	api_pid=
	rm -rf "$tree/.git"
	row_ratio "git: load and check $count (--validate)" ms floor-git-ms git-validate-ms "<= 1.7"
	row_ratio "git: in sync (--check)" ms floor-git-ms git-check-ms "<= 1.7"
	row_each "git: in sync: requests" count git-check-requests "== 1"
	row_value "git: in sync, once more" ms git-again-ms "< 100"
	row_each "git: in sync, once more: requests" count git-again-requests "== 1"
	row_value "git: in sync: peak resident size" MiB git-check-mib "< 64"
	row_ratio "git: synchronize $changes changes" ms floor-git-ms git-change-ms ""
	row_ratio "git: --check --changed-since the last commit" ms floor-git-ms git-since-ms ""
	row_ratio "git: --check of an empty API, who changed all" ms floor-git-ms git-all-ms ""
}
