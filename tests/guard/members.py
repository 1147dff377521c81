# SPDX-License-Identifier: GPL-2.0-or-later
"""Which members of structures are read, with enough of C's types for this
tree to tell two members of one name apart."""

import re

from ctext import TOKEN, closing, opening

WORD = re.compile(r'[A-Za-z_]\w*')
NOT_TYPES = {'const', 'volatile', 'struct', 'union', 'enum', 'static',
             'extern', 'inline', 'unsigned', 'signed', 'return', 'else'}
ASSIGN = {'=', '+=', '-=', '*=', '/=', '%=', '&=', '|=', '^=', '<<=', '>>=',
          '++', '--'}
ENDS = {';', '{', '}'}          # what a statement begins after


class Types:
    """The structures of some sources: .member[type][name] is its type."""

    def __init__(self, files):
        self.member = {}
        self.where = {}
        self.unions = set()     # what is written as one is read as another
        self.returns = {}
        self.globals = {}
        for f in files:
            self.structures(f.tokens, f.name)
            for m in f.functions():
                self.returns[m['name']] = self.named(m['type'])
        for f in files:
            for name, kind in variables(outside(f.tokens), self).items():
                self.globals.setdefault((f.name, name), kind)
            for m in re.finditer(r'\b(\w+)[\s*]+(\w+)\([^;{}()]*\);', f.code):
                self.returns.setdefault(m[2], self.known(m[1]))

    def known(self, name):
        return name if name in self.member else None

    def named(self, text):
        """The structure that a declaration's @text names."""
        words = [w for w in WORD.findall(text) if w not in NOT_TYPES]
        return words[0] if words else None

    def structures(self, t, where):
        i = 0
        while i < len(t):
            if t[i] in ('struct', 'union') and i + 1 < len(t):
                brace = i + 1 if t[i + 1] == '{' else i + 2
                if brace < len(t) and t[brace] == '{':
                    i = self.structure(t, i, brace, where)
                    continue
            i += 1

    def structure(self, t, at, brace, where):
        end = closing(t, brace)
        tag = t[at + 1] if brace == at + 2 else None
        after = t[end + 1] if end + 1 < len(t) else ''
        name = (after if at and t[at - 1] == 'typedef' else None) or tag \
            or f'{where}:{after}'
        self.member.setdefault(name, {})        # tables of one name are one
        if self.where.setdefault(name, where) != where:
            self.where[name] = ''               # two files have one
        if t[at] == 'union':
            self.unions.add(name)
        self.body(t[brace + 1:end], name, where)
        if not tag and after and WORD.match(after):
            self.globals[where, after] = name   # a table with its own type
        elif not tag and after == '*':
            self.globals[where, t[end + 2]] = name
        return end

    def body(self, t, name, where):
        """Split the members at their semicolons."""
        i = 0
        while i < len(t):
            if t[i] in ('struct', 'union') and '{' in t[i + 1:i + 3]:
                brace = t.index('{', i)
                end = closing(t, brace)
                inner = f'{name}.{len(self.member)}'
                if t[end + 1] == ';':           # anonymous: ours
                    self.body(t[brace + 1:end], name, where)
                else:
                    self.member[inner] = {}
                    self.where[inner] = where
                    if t[i] == 'union':
                        self.unions.add(inner)
                    self.body(t[brace + 1:end], inner, where)
                    self.member[name][t[end + 1]] = inner
                i = t.index(';', end) + 1
                continue
            end = i
            while end < len(t) and t[end] != ';':
                end = closing(t, end) + 1 if t[end] in '([{' else end + 1
            self.declare(t[i:end], name)
            i = end + 1

    def declare(self, t, name):
        if 'enum' in t and '{' in t:
            t = ['int'] + t[closing(t, t.index('{')) + 1:]
        t = ['int' if w in ('unsigned', 'signed') else w for w in t]
        words = [w for w in t if WORD.match(w) and w not in NOT_TYPES]
        if '(' in t and t[t.index('(') + 1:][:1] == ['*']:
            self.member[name][t[t.index('(') + 2]] = None
            return
        if '(' in t or len(words) < 1:
            return                              # made by a macro
        kind, last, depth = words[0], None, 0
        for w in t + [',']:
            depth += (w == '[') - (w == ']')
            if depth == 0 and w in (',', ':') and last:
                self.member[name][last] = kind
                last = None
            elif depth == 0 and WORD.match(w) and w != kind:
                last = w


def outside(t):
    """The tokens of @t that are in no bracket: of a file, its objects."""
    out, i = [], 0
    while i < len(t):
        if t[i] in '({':
            i = closing(t, i)
            out.append(';')
        else:
            out.append(t[i])
        i += 1
    return out + [';', ';', ';']


def variables(t, types):
    """{variable: structure} of the tokens @t of a function."""
    found = {}
    for i in range(len(t) - 1):
        kind = types.known(t[i])
        if not kind or (i and t[i - 1] in ('.', '->')):
            continue
        j = i + 1
        if t[j] == ')' and t[i - 1] == '(':     # g_autoptr(Type) name
            j += 1
        while j < len(t):
            while j < len(t) and t[j] in ('*', 'const'):
                j += 1
            if j >= len(t) or not WORD.match(t[j]):
                break
            found[t[j]] = kind
            while j + 1 < len(t) and t[j + 1] not in (',', ';', ')', '{'):
                j = closing(t, j + 1) if t[j + 1] in '([' else j + 1
            if j + 2 >= len(t) or t[j + 1] != ',' or t[j + 2] == 'const' or \
                    types.known(t[j + 2]) or t[j + 3] not in ',;=[' and \
                    t[j + 2] != '*':
                break
            j += 2
    return found


class Reader:
    """What a function's tokens do to members."""

    def __init__(self, types, where, t, reads, guesses):
        self.types, self.where, self.t = types, where, t
        self.local = variables(t, types)
        self.reads, self.guesses = reads, guesses

    def start(self, at):
        """Where the primary expression that ends at @at begins."""
        while True:
            if self.t[at] in ')]':
                at = opening(self.t, at)
                if at and (WORD.match(self.t[at - 1]) or
                           self.t[at - 1] in ')]') and \
                        self.t[at - 1] not in ('return', 'if', 'while'):
                    at -= 1
                    continue
            if at > 1 and self.t[at - 1] in ('.', '->') and \
                    WORD.match(self.t[at]):
                at -= 2
                continue
            return at

    def kind(self, at):
        """The structure of the expression that ends at @at, or None."""
        t = self.t
        if t[at] == ']':
            return self.kind(opening(t, at) - 1)
        if t[at] == ')':
            begin = opening(t, at)
            if begin and WORD.match(t[begin - 1]):
                if t[begin - 1] in ('g_array_index', 'g_new0', 'g_new'):
                    return next(filter(self.types.known, t[begin:at]), None)
                return self.types.known(self.types.returns.get(t[begin - 1]))
            inner = [w for w in t[begin + 1:at] if self.types.known(w)]
            if inner and t[begin + 1] == '(':
                return inner[0]                 # ((Type *)expression)
            return self.kind(at - 1) if at - 1 > begin else None
        if not WORD.match(t[at]):
            return None
        if at > 1 and t[at - 1] in ('.', '->'):
            of = self.kind(at - 2)
            return self.types.known(self.types.member.get(of, {}).get(t[at])) \
                or self.types.member.get(of, {}).get(t[at])
        return self.local.get(t[at]) or \
            self.types.globals.get((self.where, t[at]))

    def written_only(self, at):
        """Whether the member at @at is what a statement only changes."""
        end = at + 1
        while end < len(self.t) and self.t[end] == '[':
            end = closing(self.t, end) + 1
        begin = self.start(at)
        before = self.t[begin - 1] if begin else ';'
        if end < len(self.t) and self.t[end] in ASSIGN:
            return before in ENDS or self.t[end] == '=' and before in '=)'
        return before in ('++', '--') and begin > 1 and \
            self.t[begin - 2] in ENDS

    def run(self):
        t = self.t
        for i in range(1, len(t) - 1):
            if t[i] not in ('.', '->') or not WORD.match(t[i + 1]):
                continue
            if t[i] == '.' and t[i - 1] in '{,':
                continue                        # a designated initialiser
            if self.written_only(i + 1):
                continue
            of = self.kind(i - 1)
            if of in self.types.member and \
                    t[i + 1] in self.types.member[of]:
                self.reads.add((of, t[i + 1]))
            else:
                self.guesses.add(t[i + 1])


def unread(files, types):
    """(structure, member) that none of @files reads. What cannot be told is
    a read of every structure that the file can know."""
    reads, guesses = set(), {}
    for f in files:
        guessed = guesses.setdefault(f.name, set())
        for m in f.functions():
            body = TOKEN.findall(m['params'] + m['body'])
            Reader(types, f.name, body, reads, guessed).run()
        for body in f.macros.values():
            guessed.update(re.findall(r'(?:->|\.)\s*(\w+)\b(?!\s*=[^=])',
                                      body))
        for args in re.findall(r'\b(?:[A-Z_0-9]+|offsetof)\(([^;{}()]*)\)',
                               f.plain):            # MACRO(Type, member)
            words = re.findall(r'\w+', args)
            if any(map(types.known, words)):
                guessed.update(words)
    everywhere = set().union(*guesses.values())
    for name, members in types.member.items():
        if name in types.unions:
            continue
        where = types.where[name]
        known = guesses[where] if where.endswith('.c') else everywhere
        for member in members:
            if (name, member) not in reads and member not in known:
                yield name, member
