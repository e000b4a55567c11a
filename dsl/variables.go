package dsl

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/osteele/liquid"
	"go.yaml.in/yaml/v4"

	"github.com/rapport-crm/rapport/crm"
)

// templateScope is what a text may show.
type templateScope struct {
	application bool     // there always is one
	data        []string // types of the events that enroll
	anyData     bool     // a message document: the sequences that use it are checked against used
	used        []string // fields of enrollment.event.data that it shows
	placed      []string // of placedVariables, those that are there
	needs       []string // of a message document: those that it shows
	attributes  []string // of candidates, that it shows
}

// dataKnown tells whether events of these types can have a field of data.
func dataKnown(name string, eventTypes []string) bool {
	for _, t := range eventTypes {
		fields, _ := crm.EventFields(t)
		if _, ok := fields[name]; ok || strings.HasPrefix(t, "custom.") {
			return true
		}
	}
	return false
}

// textOf reads a Liquid text and checks its variables.
func (r *docReader) textOf(n *yaml.Node, engine *liquid.Engine, sc *templateScope) *Text {
	src, ok := r.text(n, "a text")
	if !ok {
		return nil
	}
	t, line, err := parseText(engine, src)
	if err != nil {
		at, column := r.src.position(n, lineStart(src, line))
		r.addAt(at, column, crm.SeverityError, codeLiquid, "This text is not well formed: "+clipTo(err.Error(), 160)+".", "")
		return nil
	}
	if r.voc != nil {
		(&textChecker{r: r, node: n, src: src, sc: sc}).check()
	}
	return t
}

func lineStart(src string, line int) int {
	offset := 0
	for i, l := range strings.Split(src, "\n") {
		if i+1 >= line {
			break
		}
		offset += utf8.RuneCountInString(l) + 1
	}
	return offset
}

// textChecker follows the blocks of a text, to know which variables a condition has seen to be there.
type textChecker struct {
	r      *docReader
	node   *yaml.Node
	src    string
	sc     *templateScope
	frames []frame
}

// frame is an open block: what is known inside, and what its else will know.
type frame struct {
	block     string
	known     []string
	otherwise []string
	local     string // variable of a for
}

func (c *textChecker) check() {
	tokens, _, _ := scanLiquid(c.src) // parsed before, so it scans
	comment := false
	for _, t := range tokens {
		switch {
		case t.tag && t.word() == "comment":
			comment = true
		case t.tag && t.word() == "endcomment":
			comment = false
		case comment:
		case t.tag:
			c.tag(t)
		default:
			c.output(t, lexLiquid(t.inner))
		}
	}
}

// tag follows a tag.
func (c *textChecker) tag(t liquidToken) {
	words := lexLiquid(t.inner)
	if len(words) == 0 {
		return
	}
	args := words[1:]
	switch words[0].text {
	case "if", "unless":
		c.operands(t, args)
		f := frame{block: words[0].text, known: guards(args)}
		if f.block == "unless" {
			f.known, f.otherwise = nil, f.known
		}
		c.frames = append(c.frames, f)
	case "elsif":
		c.operands(t, args)
		c.inside(guards(args))
	case "else":
		if top := len(c.frames) - 1; top >= 0 {
			c.inside(c.frames[top].otherwise)
		}
	case "case":
		c.operands(t, args)
		f := frame{block: "case"}
		if len(args) == 1 && args[0].kind == 'p' {
			f.otherwise = []string{args[0].text}
		}
		c.frames = append(c.frames, f)
	case "when":
		if top := len(c.frames) - 1; top >= 0 && c.frames[top].block == "case" {
			c.frames[top].known = c.frames[top].otherwise
		}
	case "for":
		c.loop(t, args)
	case "endif", "endunless", "endcase", "endfor":
		c.frames = c.frames[:max(len(c.frames)-1, 0)]
	}
	if words[0].text == "else" && len(c.frames) > 0 && c.frames[len(c.frames)-1].block == "case" {
		c.inside(nil)
	}
}

func (c *textChecker) inside(known []string) {
	if top := len(c.frames) - 1; top >= 0 {
		c.frames[top].known = known
	}
}

// loop reads `for x in list`.
func (c *textChecker) loop(t liquidToken, args []lexeme) {
	f := frame{block: "for"}
	if len(args) != 3 || args[0].kind != 'p' || args[1].text != "in" || args[2].kind != 'p' {
		c.add(t.start, codeLiquid, "A loop is written as {% for word in candidate.skills %}.", "")
	} else {
		f.local = args[0].text
		c.path(t, args[2], true)
	}
	depth := 0
	for _, outer := range c.frames {
		if outer.block == "for" {
			depth++
		}
	}
	if depth >= 2 {
		c.add(t.start, codeLiquid, "Loops are nested two deep at most.", "")
	}
	c.frames = append(c.frames, f)
}

// guards lists the variables that a condition has seen to be there where it is true.
func guards(words []lexeme) []string {
	var known []string
	clause := []lexeme{}
	flush := func() {
		if g := guard(clause); g != "" {
			known = append(known, g)
		}
		clause = clause[:0]
	}
	for _, w := range words {
		switch {
		case w.kind == 'o' && w.text == "or":
			return nil
		case w.kind == 'o' && w.text == "and":
			flush()
		default:
			clause = append(clause, w)
		}
	}
	flush()
	return known
}

// guard returns the variable that a clause has seen to be there: `x`, `x != ""`, `x == "word"`.
func guard(clause []lexeme) string {
	if len(clause) == 0 || clause[0].kind != 'p' {
		return ""
	}
	if len(clause) == 1 {
		return clause[0].text
	}
	if len(clause) != 3 {
		return ""
	}
	nothing := slices.Contains([]string{"", "nil", "null", "empty", "blank"}, clause[2].text)
	if different := clause[1].text == "!=" || clause[1].text == "<>"; different == nothing {
		return clause[0].text
	}
	return ""
}

// operands checks the variables of a condition, which may be empty there.
func (c *textChecker) operands(t liquidToken, words []lexeme) {
	for _, w := range words {
		switch w.kind {
		case 'p':
			c.path(t, w, true)
		case 'x':
			c.add(t.start+w.at, codeLiquid, fmt.Sprintf("%q is not used in conditions.", clip(w.text)), "")
		}
	}
}

// output checks {{ variable | filter: argument }}.
func (c *textChecker) output(t liquidToken, words []lexeme) {
	if len(words) == 0 {
		c.add(t.start, codeLiquid, "There is nothing between the braces.", "")
		return
	}
	for i, w := range words[1:] {
		before := words[i]
		switch {
		case before.text == "|" && before.kind == 'o':
			if !slices.Contains(templateFilters(), w.text) {
				c.add(t.start+w.at, codeLiquid, fmt.Sprintf("There is no filter %q in messages.", clip(w.text)), suggest(w.text, templateFilters()))
			}
		case w.kind == 'p' && strings.HasSuffix(t.inner[:w.at+len(w.text)], ":"): // a named argument
		case w.kind == 'p':
			c.path(t, w, i < 1 || words[i-1].text != "default" || hasDefault(words[i+1:]))
		case w.kind == 'x':
			c.add(t.start+w.at, codeLiquid, fmt.Sprintf("%q is not used in messages.", clip(w.text)), "Write {{ candidate.first_name | default: \"there\" }}.")
			return
		}
	}
	switch words[0].kind {
	case 'p':
		c.path(t, words[0], hasDefault(words))
	case 'x':
		c.add(t.start, codeLiquid, fmt.Sprintf("%q is not a variable.", clip(words[0].text)), "")
	}
}

// hasDefault tells whether a filter says what to write for an empty value.
func hasDefault(words []lexeme) bool {
	for i, w := range words[1:] {
		if w.text == "default" && words[i].text == "|" {
			return true
		}
	}
	return false
}

// path checks a variable; mayBeEmpty says that the place copes with an empty one.
func (c *textChecker) path(t liquidToken, w lexeme, mayBeEmpty bool) {
	root, rest, _ := strings.Cut(w.text, ".")
	for _, f := range c.frames {
		if f.local == root || root == "forloop" && f.block == "for" {
			return
		}
		mayBeEmpty = mayBeEmpty || slices.Contains(f.known, w.text)
	}
	sure, known := c.sc.variable(root, rest)
	switch {
	case known == nil && !sure && !mayBeEmpty:
		c.add(t.start+w.at, codeMayBeEmpty, w.text+" may be empty.", fmt.Sprintf("Say what to write then: {{ %s | default: \"...\" }}, or ask with {%% if %s %%}.", w.text, w.text))
	case known != nil:
		c.add(t.start+w.at, codeVariable, fmt.Sprintf("There is no variable %q.", clip(w.text)), suggest(w.text, known))
	}
	if name, ok := strings.CutPrefix(w.text, "candidate.attributes."); ok && known == nil {
		c.sc.attributes = append(c.sc.attributes, name)
		line, column := c.position(t.start + w.at)
		c.r.attribute(name, line, column)
	}
}

// variable tells whether a variable surely has a value. known is nil when the variable exists, else what there is.
func (sc *templateScope) variable(root, rest string) (sure bool, known []string) {
	if name := root + "." + rest; slices.Contains(placedVariables(), name) && (sc.anyData || slices.Contains(sc.placed, name)) {
		sc.needs = append(sc.needs, name)
		return name != "interview.place" && name != "interview.with", nil
	}
	switch root {
	case "candidate":
		if name, ok := strings.CutPrefix(rest, "attributes."); ok && name != "" && !strings.Contains(name, ".") {
			return false, nil
		}
		return one(root, rest, candidateVariables(), "id", "score", "created_at", "legal_hold")
	case "application":
		fields := slices.Collect(maps.Keys(applicationFields()))
		if sc.application {
			return one(root, rest, fields, "id", "status")
		}
		return one(root, rest, fields)
	case "owner":
		return one(root, rest, []string{"name", "email", "phone"})
	case "links":
		links := []string{"preferences", "consent", "profile", "request"}
		if sure, known = one(root, rest, links, links...); known != nil {
			known = append(known, sc.places()...)
		}
		return sure, known
	case "enrollment":
		return sc.enrollment(rest)
	}
	known = []string{"candidate.first_name", "application.role", "enrollment.event.data", "owner.name", "links.preferences"}
	return false, append(known, sc.places()...)
}

// placedVariables are those that only the messages of some places have: of an interview, a survey, a retention policy.
func placedVariables() []string {
	return append(interviewVariables(), "links.survey", "retention.due")
}

// places lists the variables that are there beside those of every text.
func (sc *templateScope) places() []string {
	if sc.anyData {
		return placedVariables()
	}
	return sc.placed
}

func (sc *templateScope) enrollment(rest string) (sure bool, known []string) {
	name, ok := strings.CutPrefix(rest, "event.data.")
	if !ok || name == "" || strings.Contains(name, ".") {
		return false, []string{"enrollment.event.data.NAME"}
	}
	if sc.anyData {
		sc.used = append(sc.used, name)
		return false, nil
	}
	if dataKnown(name, sc.data) {
		return false, nil
	}
	fields := []string{}
	for f := range dataFields(sc.data) {
		fields = append(fields, "enrollment.event.data."+f)
	}
	return false, fields
}

// candidateVariables are the fields that a text can show: lists of objects and the map of attributes are none.
func candidateVariables() []string {
	fields := candidateFields()
	for _, f := range []string{"applications", "open_applications", "attributes"} {
		delete(fields, f)
	}
	return slices.Collect(maps.Keys(fields))
}

// one tells whether a field is one of a few, and whether it is one of the sure ones.
func one(root, field string, fields []string, sure ...string) (isSure bool, known []string) {
	if slices.Contains(fields, field) {
		return slices.Contains(sure, field), nil
	}
	known = make([]string, 0, len(fields))
	for _, f := range fields {
		known = append(known, root+"."+f)
	}
	return false, known
}

// add reports a problem at a byte of the text.
func (c *textChecker) add(at int, code, message, fix string) {
	if c.r.full() {
		return
	}
	line, column := c.position(at)
	c.r.addAt(line, column, crm.SeverityError, code, message, fix)
}

// position is where a byte of the text stands in the file.
func (c *textChecker) position(at int) (line, column int) {
	return c.r.src.position(c.node, utf8.RuneCountInString(c.src[:min(at, len(c.src))]))
}
