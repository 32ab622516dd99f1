#!/usr/bin/env python3
"""Derives and checks the data of this folder from Postgres's own sources.

    derive.py constants SOURCE...   the lines of templates.txt that need no judgement: texts without a placeholder
    derive.py check SOURCE...       holds templates.txt against every report that Postgres can make
    derive.py files SOURCE...       files.txt: the files of the server that raise reports
    derive.py conditions SOURCE...  conditions.txt: the name of every SQLSTATE

SOURCE is an unpacked source tree of PostgreSQL; give one per major version. What has a placeholder was classified by
hand: see the head of templates.txt.
"""
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
# Where the reports of a statement that reads or writes come from, and of the connection that it runs on.
CONSTANTS = [
    "access", "executor", "jit", "lib", "optimizer", "parser", "partitioning", "rewrite", "snowball", "storage",
    "tcop", "tsearch", "utils", "commands/async.c", "commands/constraint.c", "commands/copy.c",
    "commands/copyfrom.c", "commands/copyfromparse.c", "commands/copyto.c", "commands/createas.c",
    "commands/explain.c", "commands/lockcmds.c", "commands/matview.c", "commands/portalcmds.c",
    "commands/prepare.c", "commands/sequence.c", "commands/tablecmds.c", "commands/trigger.c", "commands/variable.c",
    "catalog/heap.c", "catalog/index.c", "catalog/namespace.c",
    "libpq/pqformat.c", "libpq/pqcomm.c", "libpq/be-fsstubs.c",
]
# Start-up, replication and recovery: not the answer to a statement. Definitions of tables: their own statements.
NOT_FROM = re.compile(
    r"^(xlog|guc-file|slot|logical|snapbuild|reorderbuffer|walsummar|init|hba|parse_utilcmd|rewriteDefine|relcache|"
    r"regproc|commit_ts|multixact|reloptions|ts_cache|attribute_stats|stat_utils|relation_stats|aio|bufmgr|md\.|"
    r"dict_|spell|genfile|pg_upgrade)"
)


def codes(root):
    found = {}
    with open(f"{root}/src/backend/utils/errcodes.txt") as lines:
        for line in lines:
            match = re.match(r"^(\w{5})\s+[EWS]\s+(ERRCODE_\w+)(?:\s+(\w+))?", line)
            if match:
                found[match[2]] = (match[1], match[3] or match[2][8:].lower())
    return found


def without_comments(text):
    out, i = [], 0
    while i < len(text):
        if text[i] in "\"'":
            j = i + 1
            while j < len(text) and text[j] != text[i]:
                j += 2 if text[j] == "\\" else 1
            out.append(text[i : j + 1])
            i = j + 1
        elif text.startswith("/*", i):
            j = text.find("*/", i)
            i = j + 2 if j >= 0 else len(text)
            out.append(" ")
        elif text.startswith("//", i):
            j = text.find("\n", i)
            i = j if j >= 0 else len(text)
        else:
            out.append(text[i])
            i += 1
    return "".join(out)


def marks(text, start):
    """Every character outside of literals, with its depth in brackets."""
    depth, j = 0, start
    while j < len(text):
        char = text[j]
        if char in "\"'":
            k = j + 1
            while k < len(text) and text[k] != char:
                k += 2 if text[k] == "\\" else 1
            j = k + 1
            continue
        if char in ")]}":
            depth -= 1
        yield j, char, depth
        if char in "([{":
            depth += 1
        j += 1


def inside(text, start):
    for j, char, depth in marks(text, start):
        if depth == 0 and j > start and char == ")":
            return text[start + 1 : j]
    return text[start + 1 :]


def split(text):
    cuts = [j for j, char, depth in marks(text, 0) if char == "," and depth == 0]
    return [text[a + 1 : b].strip() for a, b in zip([-1] + cuts, cuts + [len(text)])]


def formats(expression):
    """The format strings that an expression may be; None where it is not made of literals."""
    expression = expression.strip()
    match = re.match(r"^(?:_|gettext_noop)\((.*)\)$", expression, re.S)
    if match:
        return formats(match[1])
    if expression.startswith("(") and inside(expression, 0) == expression[1:-1]:
        return formats(expression[1:-1])
    question = next((j for j, char, depth in marks(expression, 0) if char == "?" and depth == 0), None)
    if question is not None:
        rest = expression[question + 1 :]
        colon = next((j for j, char, depth in marks(rest, 0) if char == ":" and depth == 0), None)
        if colon is not None:
            first, second = formats(rest[:colon]), formats(rest[colon + 1 :])
            return first + second if first and second else None
    text = ""
    for token in re.findall(r'"(?:[^"\\]|\\.)*"|\w+|\S', expression):
        if token[0] == '"':
            text += token[1:-1].encode().decode("unicode_escape")
        elif token in ("PRId64", "PRIu64", "INT64_FORMAT", "UINT64_FORMAT"):
            text += "lld" if token.startswith("PRI") else "%lld"
        else:
            return None
    return [text]


# A report without errcode has the one of its level.
DEFAULT = {"ERROR": "XX000", "FATAL": "XX000", "PANIC": "XX000", "WARNING": "01000", "NOTICE": "00000", "INFO": "00000"}
PARTS = re.compile(r"\b(errmsg|errdetail|errhint)(?:_internal|_plural)?\s*\(")


def reports(roots):
    """Yields (SQLSTATE, level, M or D or H, format, path below src/backend) for every report."""
    for root in roots:
        known = codes(root)
        for folder, _, names in os.walk(f"{root}/src/backend"):
            for name in sorted(names):
                path = os.path.relpath(f"{folder}/{name}", f"{root}/src/backend")
                generated = any(os.path.exists(f"{folder}/{name[:-2]}.{kind}") for kind in "yl")
                if not name.endswith((".c", ".y", ".l", ".h")) or (name.endswith(".c") and generated):
                    continue
                with open(f"{folder}/{name}", errors="replace") as file:
                    text = without_comments(file.read())
                for call in re.finditer(r"\b(ereport|errsave|ereturn|elog)\s*\(", text):
                    arguments = split(inside(text, call.end() - 1))
                    if call[1] == "elog":
                        level = arguments[0]
                        for text_ in formats(arguments[1]) or [] if len(arguments) > 1 else []:
                            yield DEFAULT.get(level, "?"), level, "M", text_, path
                        continue
                    level = arguments[0] if call[1] == "ereport" else "ERROR"
                    rest = ",".join(arguments[1:])
                    named = [known[code][0] for code in re.findall(r"\bERRCODE_\w+", rest) if code in known]
                    unknown = re.search(r"\berrcode(_for_\w+)?\s*\(", rest)
                    states = named or (["?"] if unknown else [DEFAULT.get(level, "?")])
                    for part in PARTS.finditer(rest):
                        given = split(inside(rest, part.end() - 1))
                        given = given[:2] if "_plural" in part[0] else given[:1]
                        field = {"errmsg": "M", "errdetail": "D", "errhint": "H"}[part[1]]
                        for expression in given:
                            for text_ in formats(expression) or []:
                                for state in dict.fromkeys(states):
                                    yield state, level, field, text_, path


def line(state, field, text):
    return f"{state} {text}" if field == "M" else f"{field} {state} {text}"


def is_constant(text):
    return "%" not in text.replace("%%", "")


def constants(roots):
    lines = set()
    for state, level, field, text, path in reports(roots):
        wanted = any(path == part or path.startswith(part + "/") for part in CONSTANTS)
        if not wanted or NOT_FROM.match(os.path.basename(path)) or path.startswith("utils/init"):
            continue
        if not is_constant(text) or level.startswith(("DEBUG", "LOG")) or "?" in state or state[:2] in ("XX", "F0"):
            continue
        if "\n" not in text.rstrip("\n"):
            lines.add(line(state, field, text.replace("%%", "%").rstrip("\n")))
    return sorted(lines)


def parsed():
    with open(f"{HERE}/templates.txt") as lines:
        for one in lines:
            match = re.match(r"^(?:([DH]) )?([0-9A-Z]{5}) (.+)$", one.rstrip("\n"))
            if match:
                yield match[1] or "M", match[2], match[3]


def pattern(template):
    """The template as an expression whose groups are what passes."""
    parts = re.split(r"(%[sdtv])", template)
    kinds = {"%s": "(.+?)", "%d": "(-?[0-9]+)", "%t": "(.+?)", "%v": ".*"}
    return re.compile("^" + "".join(kinds.get(part) or re.escape(part) for part in parts) + "$", re.S)


# Reports that another one's template takes for its own, with nothing but names in the places of names.
SAME = {
    'constraint "%s" for table "%s" does not exist',
    'constraint "%s" of domain "%s" does not exist',
    'constraint "%s" of relation "%s" does not exist',
    'invalid byte value for encoding "%s": 0x%02x',
    'could not obtain lock on relation "%s.%s"',
    'argument "%s" of jsonpath item method .%s() is invalid for type bigint',
    'argument "%s" of jsonpath item method .%s() is invalid for type boolean',
    'argument "%s" of jsonpath item method .%s() is invalid for type double precision',
    'argument "%s" of jsonpath item method .%s() is invalid for type integer',
    'argument "%s" of jsonpath item method .%s() is invalid for type numeric',
}
CONVERSION = re.compile(r"%(?:[-0-9.*]*)(?:l|ll|z)?[sdiuxXgfcpm]")


def check(roots):
    """Every template is one of Postgres's, and nothing that isn't listed could pass as one that is."""
    wrong = 0
    # The value of every placeholder is a canary; it must not stand where a name would pass.
    known, seen = set(), set()
    for state, level, field, text, path in reports(roots):
        known.add((field, state, CONVERSION.sub("%", text.replace("%%", "\0")).replace("\0", "%")))
        seen.add((field, state, text))
    by_state = {}
    for field, state, template in parsed():
        by_state.setdefault((field, state), []).append((template, pattern(template)))
        shape = re.sub(r"%[sdtv]", "%", template)
        loose = re.compile("^" + ".*".join(re.escape(part) for part in shape.split("%")) + "$")
        if not any(f == field and s == state and loose.match(text) for f, s, text in known):
            # Reports with a computed code or format: read by hand.
            print(f"not found in the sources: {line(state, field, template)}")
    for field, state, text in sorted(seen):
        if is_constant(text) or text in SAME:
            continue
        shape = CONVERSION.sub("%", text.replace("%%", "\0")).replace("\0", "%")
        numeric = CONVERSION.sub(lambda m: "CANARY" if m[0][-1] in "scm" else "77", text.replace("%%", "%"))
        for template, expression in by_state.get((field, state), []):
            own = re.sub(r"%[sdtv]", "%", template) == shape
            match = expression.match(numeric)
            if match and not own and any(group and ("CANARY" in group or "77" in group) for group in match.groups()):
                print(f"passes as {line(state, field, template)!r}: {text!r}")
                wrong += 1
    return wrong


def files(roots):
    found = sorted({os.path.basename(path) for _, _, _, _, path in reports(roots)})
    # Its messages are libxml's.
    found.remove("xml.c")
    # What is generated may be named by either file.
    return sorted({*found, *(re.sub(r"\.[yl]$", ".c", name) for name in found)})


def conditions(roots):
    found = {}
    for root in roots:
        for state, name in codes(root).values():
            found.setdefault(state, name.replace("_", " "))
    return [f"{state} {name}" for state, name in sorted(found.items())]


def main():
    what, roots = sys.argv[1], sys.argv[2:]
    if what == "check":
        sys.exit(1 if check(roots) else 0)
    for one in {"constants": constants, "files": files, "conditions": conditions}[what](roots):
        print(one)


main()
