package dsl

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"go.yaml.in/yaml/v4"

	"github.com/rapport-crm/rapport/crm"
)

var (
	undefinedPattern = regexp.MustCompile(`^(undefined field|undeclared reference to) '([^']*)'`)
	ownerPattern     = regexp.MustCompile(`[A-Za-z_][A-Za-z0-9_.]*$`)
	typePattern      = regexp.MustCompile(`@(\w+)(:[\w.,]+)?`)
)

// expression is an expression that is being checked: it knows where its characters are in the file.
type expression struct {
	r    *docReader
	node *yaml.Node
	sc   *scope
	ast  *ast.AST

	reads, steps, rounds, events map[string]bool
	pools, fields                map[string]bool
	whole                        int // how often all attributes are read, less how often one of them is
	now, loops, failed           bool
	moves                        bool
	replaces                     int
}

// condition compiles a scalar to a condition. It is nil, after a problem was reported, when it is not one.
func (r *docReader) condition(n *yaml.Node, sc *scope) *Condition {
	return r.expression(n, sc, cel.BoolType)
}

// timing compiles a scalar to an expression for a moment.
func (r *docReader) timing(n *yaml.Node, sc *scope) *Condition {
	return r.expression(n, sc, cel.TimestampType)
}

// expression compiles a scalar to an expression of a type.
func (r *docReader) expression(n *yaml.Node, sc *scope, want *cel.Type) *Condition {
	if n.Kind == yaml.ScalarNode && n.Style&yaml.TaggedStyle != 0 || cutByComma(n) {
		r.addQuote(n.Line, n.Column)
		return nil
	}
	src, ok := r.text(n, "a condition")
	if !ok {
		return nil
	}
	env, err := r.envs.of(sc)
	if err != nil {
		r.add(n, codeExprType, "This expression cannot be checked: "+err.Error()+".", "")
		return nil
	}
	x := &expression{
		r: r, node: n, sc: sc, reads: map[string]bool{}, steps: map[string]bool{}, rounds: map[string]bool{},
		events: map[string]bool{}, pools: map[string]bool{}, fields: map[string]bool{},
	}
	if len(src) > maxExpressionChars {
		x.add(0, codeExprSize, fmt.Sprintf("This expression has more than %d characters.", maxExpressionChars), "Split it over several steps.")
		return nil
	}
	parsed, issues := env.Parse(src)
	if issues.Err() != nil {
		x.report(issues, codeExprSyntax)
		return nil
	}
	checked, issues := env.Check(parsed)
	if issues.Err() != nil {
		x.report(issues, codeExprType)
		return nil
	}
	if got := checked.OutputType(); !got.IsEquivalentType(want) {
		if want == cel.BoolType {
			x.add(0, codeExprBool, fmt.Sprintf("A condition is true or false; this is of type %s.", plainType(got.String())), "Compare it with something.")
		} else {
			x.add(0, codeExprType, fmt.Sprintf("This is no moment but of type %s.", plainType(got.String())), "Convert it: date(...).")
		}
		return nil
	}
	return x.compile(env, checked, src)
}

func (x *expression) compile(env *cel.Env, checked *cel.Ast, src string) *Condition {
	x.ast = checked.NativeRep()
	ast.PreOrderVisit(x.ast.Expr(), ast.NewExprVisitor(x.visit))
	if x.whole > 0 {
		x.attribute(allAttributes, 0)
	}
	if x.replaces > 1 {
		x.add(0, codeExprSize, "replace() may be used once in an expression.", "")
	}
	if x.loops && !x.failed {
		x.cost(env, checked)
	}
	if x.failed {
		return nil
	}
	options := []cel.ProgramOption{cel.EvalOptions(cel.OptOptimize)}
	if x.loops {
		options = append(options, cel.CostLimit(maxCost))
	}
	program, err := env.Program(checked, options...)
	if err != nil {
		x.add(0, codeExprType, "This expression cannot work: "+clip(err.Error())+".", "")
		return nil
	}
	c := &Condition{
		Source: src, Reads: sorted(x.reads), Fields: sorted(x.fields), Steps: sorted(x.steps), Rounds: sorted(x.rounds), Events: sorted(x.events), UsesNow: x.now,
		program: program, always: constant(x.ast.Expr()), pools: sorted(x.pools), moves: x.moves,
		unsure: !absence{x.ast}.sure(x.ast.Expr(), map[string]bool{}),
	}
	x.sayConstant(c)
	return c
}

func sorted(set map[string]bool) []string {
	list := make([]string, 0, len(set))
	for k := range set {
		list = append(list, k)
	}
	slices.Sort(list)
	return list
}

// visit looks at one node of the checked tree.
func (x *expression) visit(e ast.Expr) {
	switch e.Kind() {
	case ast.IdentKind:
		if e.AsIdent() == "now" {
			x.now, x.moves = true, true
		}
	case ast.SelectKind:
		x.field(e.AsSelect(), e.ID())
	case ast.CallKind:
		x.call(e)
	case ast.ComprehensionKind:
		x.loops = true
	case ast.ListKind, ast.LiteralKind, ast.MapKind, ast.StructKind, ast.UnspecifiedExprKind:
	}
}

// field notes what a selection reads, and checks the names of steps.
func (x *expression) field(s ast.SelectExpr, id int64) {
	name := s.FieldName()
	if x.isAttributes(s.Operand()) {
		x.attributeOf(name, id)
	}
	switch base, _, _ := strings.Cut(x.ast.GetType(s.Operand().ID()).TypeName(), ":"); base {
	case typeCandidate:
		x.reads[name] = true
		if name == "attributes" {
			x.whole++
		} else {
			x.fields["candidate."+name] = true
		}
		if name == "score" { // points lose value as time passes
			x.now = true
		}
		if strings.HasSuffix(name, "applications") {
			x.depends("application.")
		}
	case typeApplication:
		x.fields["application."+name] = true
		x.depends("application.")
	case typeSteps:
		x.steps[name] = true
		x.step(name, id)
	case typeRounds:
		x.rounds[name], x.fields["rounds"] = true, true
		x.depends("interview.")
		x.depends("scorecard.")
		x.round(name, id)
	case typeStep:
		x.fields["steps."+name] = true
		x.depends("message.")
		if name == "result" || name == "outcome" {
			x.depends("task.")
		}
	}
}

// depends notes that events of a family can change the value.
func (x *expression) depends(family string) {
	for _, t := range crm.EventTypes() {
		if strings.HasPrefix(t, family) {
			x.events[t] = true
		}
	}
}

func (x *expression) step(name string, id int64) {
	if x.sc.steps == nil || x.sc.steps[name] != nil {
		return
	}
	message := fmt.Sprintf("No step %q comes before this.", name)
	x.add(x.offset(id), codeExprStep, message, suggest(name, stepIDs(x.sc.steps)))
}

func (x *expression) round(name string, id int64) {
	if x.sc.rounds[name] {
		return
	}
	message := fmt.Sprintf("No round %q comes before this.", name)
	x.add(x.offset(id), codeExprStep, message, suggest(name, slices.Collect(maps.Keys(x.sc.rounds))))
}

// call checks the names that functions are given, and literals against vocabularies.
func (x *expression) call(e ast.Expr) {
	c := e.AsCall()
	switch c.FunctionName() {
	case operators.Equals, operators.NotEquals:
		x.compare(c.Args()[0], c.Args()[1])
		x.compare(c.Args()[1], c.Args()[0])
	case operators.Index:
		if x.isAttributes(c.Args()[0]) {
			x.attributeNamed(c.Args()[1])
		}
	case operators.In:
		if x.isAttributes(c.Args()[1]) {
			x.attributeNamed(c.Args()[0])
		}
		if list := c.Args()[1]; list.Kind() == ast.ListKind {
			for _, word := range list.AsList().Elements() {
				x.compare(c.Args()[0], word)
			}
		}
	case "matches":
		x.loops = true
	case "replace":
		x.replaces++
	case "@consented":
		x.fields["consents"] = true
		x.depends("consent.")
		x.name(c.Args()[1], x.purpose)
	case "@in_pool":
		x.depends("pool.")
		x.name(c.Args()[1], x.pool)
	case "@enrolled":
		x.fields["enrollments"] = true
		x.now = true // no event tells of it
		x.name(c.Args()[1], x.sequence)
	}
}

// compare checks a literal that a field with a vocabulary is compared with.
func (x *expression) compare(fieldExpr, literal ast.Expr) {
	word, ok := literalText(literal)
	if !ok || fieldExpr.Kind() != ast.SelectKind || x.r.voc == nil {
		return
	}
	s := fieldExpr.AsSelect()
	words := x.sc.words(x.r.voc, x.ast.GetType(s.Operand().ID()).TypeName(), path(s.Operand()), s.FieldName())
	if len(words) > 0 && !slices.Contains(words, word) {
		message := fmt.Sprintf("%s is never %q.", path(fieldExpr), word)
		x.add(x.offset(literal.ID()), codeStatus, message, suggest(word, words))
	}
}

// name checks an argument that names something.
func (x *expression) name(arg ast.Expr, check func(name string, offset int)) {
	name, ok := literalText(arg)
	if !ok {
		x.add(x.offset(arg.ID()), codeExprType, "A name is written as a text here, so that it can be checked.", "")
		return
	}
	if x.r.voc != nil {
		check(name, x.offset(arg.ID()))
	}
}

func (x *expression) purpose(name string, offset int) {
	if name == crm.PurposeTransactional {
		x.add(offset, codePurpose, "Nobody consents to transactional messages: they need no consent.", "")
		return
	}
	if ws := x.r.voc.workspace; ws != nil {
		if _, ok := ws.Purposes[name]; !ok {
			x.add(offset, codePurpose, fmt.Sprintf("The workspace declares no purpose %q.", name), suggest(name, purposeNames(ws)))
		}
	}
}

func (x *expression) sequence(name string, offset int) {
	if !slices.Contains(x.r.voc.sequences, name) {
		x.add(offset, codeSequence, fmt.Sprintf("There is no sequence %q.", name), suggest(name, x.r.voc.sequences))
	}
}

func (x *expression) pool(name string, offset int) {
	x.pools[name] = true
	if _, known := x.r.voc.pools[name]; !known {
		x.add(offset, codePool, fmt.Sprintf("There is no pool %q.", name), suggest(name, slices.Collect(maps.Keys(x.r.voc.pools))))
	}
}

// literalText returns the value of a text literal.
func literalText(e ast.Expr) (string, bool) {
	if e.Kind() != ast.LiteralKind {
		return "", false
	}
	s, ok := e.AsLiteral().(types.String)
	return string(s), ok
}

// path writes a chain of selections as it stands in the expression.
func path(e ast.Expr) string {
	switch {
	case e.Kind() == ast.IdentKind:
		return e.AsIdent()
	case e.Kind() == ast.SelectKind:
		return path(e.AsSelect().Operand()) + "." + e.AsSelect().FieldName()
	}
	return "this"
}

// add reports an error at an offset, in runes, of the expression.
func (x *expression) add(offset int, code, message, fix string) {
	line, column := x.place(offset)
	x.failed = true
	x.r.addAt(line, column, crm.SeverityError, code, message, fix)
}

func (x *expression) place(offset int) (line, column int) { return x.r.src.position(x.node, offset) }

func (x *expression) offset(id int64) int {
	if at, ok := x.ast.SourceInfo().GetOffsetRange(id); ok {
		return int(at.Start)
	}
	return 0
}

// report turns the issues of CEL into problems.
func (x *expression) report(issues *cel.Issues, code string) {
	for i, e := range issues.Errors() {
		// What follows an error of syntax is noise, and so is what follows a loop that does not exist.
		if i == 3 || i == 1 && (code == codeExprSyntax || strings.Contains(issues.Errors()[0].Message, "reference to 'map'") ||
			strings.Contains(issues.Errors()[0].Message, "reference to 'filter'")) {
			return
		}
		x.issue(e, code)
	}
}

func (x *expression) issue(e *cel.Error, code string) {
	offset := runeOffset(x.node.Value, e.Location)
	message := plainType(strings.NewReplacer(" (in container '')", "", "'@", "'", "(@env, ", "(", "Syntax error: ", "").Replace(e.Message))
	message = clipTo(message, 160)
	var fix string
	m := undefinedPattern.FindStringSubmatch(message)
	switch {
	case m == nil:
		message, fix = syntaxWords(message)
	case m[1] == "undefined field":
		owner := ownerBefore(x.node.Value, offset)
		message = fmt.Sprintf("There is no field %q in %s.", m[2], orThis(owner))
		fix = suggest(m[2], x.sc.names(owner))
	default:
		code, message, fix = x.undeclared(m[2], code)
	}
	x.add(offset, code, message, fix)
}

// syntaxWords puts a message of CEL's parser into plain words.
func syntaxWords(message string) (plain, fix string) {
	before, _, _ := strings.Cut(message, " expecting ")
	switch {
	case strings.Contains(before, "'<EOF>'"):
		return "The expression ends too early.", ""
	case strings.HasPrefix(before, "token recognition error at: '= "):
		return "One = is nothing in an expression.", "Compare with ==."
	}
	return upperFirst(before) + ".", ""
}

// undeclared explains a name that means nothing at this place.
func (x *expression) undeclared(name, code string) (newCode, message, fix string) {
	switch name {
	case "event":
		return codeExprEvent, "There is no event here: this is a condition on the state.", "Give the match an `on`, or use enrollment.event for the event that enrolled."
	case "application":
		return codeExprEvent, "There is no application here.", "Make the sequence `per: application`, or match events that name one."
	case "enrollment", "steps":
		if x.sc.interview {
			return codeExprEvent, "An interview has rounds, not steps.", "Use rounds.ID."
		}
		return codeExprEvent, "There is no run here yet.", ""
	case "map", "filter":
		return codeExprType, name + "() is left out of the language: over maps it has no stable order.", "Use exists() or all()."
	case "rounds":
		return codeExprEvent, "Only an interview has rounds, and only its own conditions see them.", ""
	}
	return code, fmt.Sprintf("There is nothing called %q.", name), suggest(name, x.sc.names(""))
}

func orThis(owner string) string {
	if owner == "" {
		return "this"
	}
	return owner
}

// ownerBefore returns the chain of names that ends before offset.
func ownerBefore(src string, offset int) string {
	runes := []rune(src)
	return ownerPattern.FindString(strings.TrimSuffix(string(runes[:min(offset, len(runes))]), "."))
}

// plainType drops what marks the names of our types.
func plainType(s string) string {
	return typePattern.ReplaceAllString(s, "$1")
}

func clipTo(s string, n int) string {
	s = strings.Join(strings.Fields(s), " ")
	if runes := []rune(s); len(runes) > n {
		return string(runes[:n]) + "..."
	}
	return s
}

// runeOffset turns CEL's line (from 1) and column (from 0) into an offset in runes.
func runeOffset(src string, at common.Location) int {
	offset := 0
	for i, line := range strings.Split(src, "\n") {
		if i+1 >= at.Line() {
			break
		}
		offset += len([]rune(line)) + 1
	}
	return max(offset+at.Column(), 0)
}
