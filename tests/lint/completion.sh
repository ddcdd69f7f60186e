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
"$aegis" --list | while read -r applet; do
	echo "$applet"
	"$aegis" "$applet" --help | awk -v applet="$applet" '
		/^Commands:/ { inside = 1; next }
		/^$/ { inside = 0 }
		inside && /^  [a-z]/ { print applet, $1 }'
done >"$folder/places"

# Options the table has at a place: its own, the applet's and the global ones.
# "applet command -o" a line, as are those that a shell offers.
awk -F '\t' '
function add(place) {
	if ($3 != "-")
		print place, "-" $3
	print place, "--" $4
}
FILENAME ~ /places$/ {
	places[++count] = $0
	split($0, words, " ")
	applets[count] = words[1]
	commands[count] = words[2] != "" ? words[2] : "-"
	next
}
$1 == "-" && $4 ~ /^(list|list-full|install|dump-options)$/ { next }
{
	for (i = 1; i <= count; i++)
		if ($1 == "-" || ($1 == applets[i] &&
		    ($2 == "-" || $2 == commands[i])))
			add(places[i])
}' "$folder/places" "$folder/options" | LC_ALL=C sort -u >"$folder/expected"

cat >"$folder/ask.bash" <<'ASK'
source "$1/bash"
while read -r applet command; do
	COMP_WORDS=(aegis "$applet" ${command:+"$command"} -)
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
	COMPREPLY=()
	_aegis
	printf "$applet${command:+ $command} %s\n" "${COMPREPLY[@]}"
done <"$1/places"
ASK
cat >"$folder/ask.zsh" <<'ASK'
compadd() { shift; printf "$place %s\n" "$@" }
_files() { : }
while read -r place; do
	words=(aegis ${=place} -)
	CURRENT=${#words}
	source "$1/zsh"
done <"$1/places"
ASK
cat >"$folder/ask.fish" <<'ASK'
source $argv[1]/fish
while read -l place
	set answers (complete -C "aegis $place -")
	printf "$place %s\n" (string replace -r '\t.*' '' -- $answers)
end <$argv[1]/places
ASK

export HOME=$folder
for shell in bash zsh fish; do
	"$shell" "$folder/ask.$shell" "$folder" >"$folder/answers" || {
		echo "$shell failed"
		bad=1
	}
	grep ' -[^ ]*$' "$folder/answers" | LC_ALL=C sort -u |
		diff "$folder/expected" - >"$folder/difference" && continue
	echo "$shell: (< table, > completion)"
	grep '^[<>]' "$folder/difference"
	bad=1
done
exit "$bad"
