#!/bin/sh
# Calls that are never right here, looked for in what is left of a source
# without its comments, its strings and the names of headers.
set -eu
cd "$(dirname "$0")/../.."

find lib cmd tui -name '*.[ch]' | sort | xargs python3 -c '
import re, sys

BANNED = """strcpy strcat strncpy strncat sprintf vsprintf gets strtok atoi atol
    system popen rand srand alloca gmtime localtime ctime asctime tmpnam mktemp
    signal strerror""".split()
NOISE = re.compile(r"""/\*.*?\*/|"(?:[^"\\\n]|\\.)*"|^\#include.*?$""", re.S | re.M)
# Not a member that is called so; whatever is made of the name.
CALL = re.compile(r"(?<![\w.>])(?:%s)\b" % "|".join(BANNED))

bad = 0
for path in sys.argv[1:]:
    text = NOISE.sub(lambda noise: "\n" * noise[0].count("\n"), open(path).read())
    for number, line in enumerate(text.split("\n"), 1):
        if CALL.search(line):
            print("%s:%d: %s" % (path, number, line.strip()))
            bad = 1
sys.exit(bad)
'
