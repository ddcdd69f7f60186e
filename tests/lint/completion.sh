#!/bin/bash
# What bash, zsh and fish offer after each command is what its table has, and
# the files of completions/ are the ones the tables make.
set -u
cd "$(dirname "$0")/../.." || exit 1
aegis=${AEGIS:-build/release/aegis}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
bad=0

"$aegis" --dump-options >"$folder/options"
for shell in bash zsh fish; do
	"$aegis" completion "$shell" >"$folder/$shell" || exit 1
	"$shell" -n "$folder/$shell" || exit 1
done

# kept SHELL FILE: the tree has what was just made.
kept() {
	diff -u "completions/$2" "$folder/$1" >"$folder/difference" 2>&1 &&
		return
	echo "completions/$2 is not what the option tables say" \
		"(make completions writes it again):"
	head -n 20 "$folder/difference"
	bad=1
}
kept bash aegis.bash
kept zsh _aegis
kept fish aegis.fish

# Every place to complete at: "applet" or "applet command".
places() {
	local applet
	"$aegis" --list | while read -r applet; do
		echo "$applet"
		"$aegis" "$applet" --help | awk -v applet="$applet" '
			/^Commands:/ { inside = 1; next }
			/^$/ { inside = 0 }
			inside && /^  [a-z]/ { print applet, $1 }'
	done
}
places >"$folder/places"

# Options the table has at a place: its own, the applet's and the global ones.
expected() {
	awk -F '\t' -v applet="$1" -v command="${2:--}" '
	($1 == applet && ($2 == "-" || $2 == command)) ||
	($1 == "-" && $4 !~ /^(list|list-full|install|dump-options)$/) {
		if ($3 != "-")
			print "-" $3
		print "--" $4
	}' "$folder/options" | sort -u
}

cat >"$folder/ask.bash" <<'ASK'
source "$1/bash"
while read -r applet command; do
	COMP_WORDS=(aegis "$applet" ${command:+"$command"} -)
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
	_aegis
	printf '%s\n' "${COMPREPLY[@]}" | sort -u >"$1/got.$applet.$command"
done <"$1/places"
ASK
cat >"$folder/ask.zsh" <<'ASK'
compadd() { shift; print -rl -- "$@" }
_files() { : }
while read -r applet command; do
	words=(aegis $applet $command -)
	CURRENT=${#words}
	source "$1/zsh" | sort -u | grep '^-' >"$1/got.$applet.$command"
done <"$1/places"
ASK
cat >"$folder/ask.fish" <<'ASK'
source $argv[1]/fish
while read -l applet command
	complete -C (string trim "aegis $applet $command")" -" |
		string replace -r '\t.*' '' |
		sort -u >$argv[1]/got.$applet.$command
end <$argv[1]/places
ASK

export HOME=$folder
for shell in bash zsh fish; do
	"$shell" "$folder/ask.$shell" "$folder" || {
		echo "$shell failed"
		bad=1
	}
	while read -r applet command; do
		got=$folder/got.$applet.$command
		difference=$(diff <(expected "$applet" "$command") \
			<(grep '^-' "$got") | grep '^[<>]') || continue
		echo "$shell: aegis $applet $command: (< table, > completion)"
		echo "$difference"
		bad=1
	done <"$folder/places"
	rm -f "$folder"/got.*
done
exit "$bad"
