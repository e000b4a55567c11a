package dsl

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/cel-go/common/ast"
	"go.yaml.in/yaml/v4"

	"github.com/rapport-crm/rapport/crm"
)

const (
	// noPurpose is what a pool serves: it may be used for anything.
	noPurpose = "-"
	// allAttributes stands for every attribute, where an expression does not name one.
	allAttributes = "*"
)

// isAttributes tells whether an expression is all attributes of a candidate.
func (x *expression) isAttributes(e ast.Expr) bool {
	if e.Kind() != ast.SelectKind || e.AsSelect().FieldName() != "attributes" {
		return false
	}
	return x.ast.GetType(e.AsSelect().Operand().ID()).TypeName() == typeCandidate
}

// attributeNamed notes an attribute that is read by a text: candidate.attributes["band"]. One whose name is computed may be any.
func (x *expression) attributeNamed(name ast.Expr) {
	if text, ok := literalText(name); ok {
		x.attributeOf(text, name.ID())
	}
}

// attributeOf notes that one attribute is read, not all of them.
func (x *expression) attributeOf(name string, id int64) {
	x.whole--
	x.attribute(name, x.offset(id))
}

func (x *expression) attribute(name string, offset int) {
	x.fields["candidate.attributes."+name] = true
	line, column := x.place(offset)
	x.r.attribute(name, line, column)
}

// attribute looks at an attribute that a document uses: whether the workspace declares it, and whether it may be used here. A workspace
// without `fields` says nothing of either.
func (r *docReader) attribute(name string, line, column int) {
	if r.voc == nil || r.voc.workspace == nil || r.voc.workspace.Fields == nil {
		return
	}
	fields := r.voc.workspace.Fields
	if name == allAttributes {
		for _, each := range slices.Sorted(maps.Keys(fields)) {
			r.specialField(each, line, column)
		}
		return
	}
	if _, declared := fields[name]; !declared {
		fix := fmt.Sprintf("Say in the workspace what it is and what it is for: `fields: {%s: {category: .., purpose: ..}}`.", name)
		if near := nearest(name, slices.Collect(maps.Keys(fields))); near != "" {
			fix = fmt.Sprintf("Did you mean %q? Else declare it in the workspace under `fields`.", near)
		}
		r.addAt(line, column, crm.SeverityWarning, codeField, fmt.Sprintf("The workspace does not declare the field attributes.%s.", clip(name)), fix)
		return
	}
	r.specialField(name, line, column)
}

// specialField refuses a special category of data where nothing allows its use. For a purpose, that is an explicit consent to this very
// purpose (GDPR Art. 9(2)(a)). Data for transactional use are those that an application needs (Art. 9(2)(b)). Who is in a pool
// is seen and used by anything, so that no pool may ask for them. A retention policy may: it only ends the use.
func (r *docReader) specialField(name string, line, column int) {
	f := r.voc.workspace.Fields[name]
	if f.Category != crm.CategorySpecial || r.serves == "" || r.voc.workspace.allows(f, r.serves) {
		return
	}
	message := fmt.Sprintf("attributes.%s is of a special category and declared for %s; this is for %s.", clip(name), f.Purpose, r.serves)
	fix := "Use it only for a purpose that rests on consent and that the field is declared for (GDPR Art. 9(2)(a))."
	switch {
	case r.serves == noPurpose:
		message = fmt.Sprintf("attributes.%s is of a special category, and a pool serves no purpose of its own.", clip(name))
		fix = "Put the condition into a definition whose purpose rests on consent and that the field is declared for (GDPR Art. 9(2)(a))."
	case f.Purpose == r.serves:
		message = fmt.Sprintf("attributes.%s is of a special category, and %s does not rest on consent.", clip(name), r.serves)
	}
	r.addAt(line, column, crm.SeverityError, codeSpecial, message, fix)
}

// allows tells whether a field of a special category may be used for a purpose.
func (ws *Workspace) allows(f Field, purpose string) bool {
	return f.Purpose == purpose && (purpose == crm.PurposeTransactional || ws.Purposes[purpose].Basis == crm.BasisConsent)
}

// special checks the attributes that a message shows, which has no purpose of its own.
func (q *sequenceReader) special(n *yaml.Node, t *Template) {
	if q.voc.workspace == nil {
		return
	}
	for _, name := range t.shows {
		q.specialField(name, n.Line, n.Column)
	}
}

// Fields lists what a text shows, by the names of its variables, sorted. What stands in a comment is not shown.
func (t *Text) Fields() []string {
	if t == nil {
		return nil
	}
	shown := map[string]bool{}
	comment := false
	tokens, _, _ := scanLiquid(t.Source) // it was parsed before, so it scans
	for _, token := range tokens {
		switch word := token.word(); {
		case token.tag && word == "comment":
			comment = true
		case token.tag && word == "endcomment":
			comment = false
		case !comment:
			for _, w := range lexLiquid(token.inner) {
				if root, _, dotted := strings.Cut(w.text, "."); w.kind == 'p' && dotted && slices.Contains(textRoots(), root) {
					shown[w.text] = true
				}
			}
		}
	}
	return sorted(shown)
}

// textRoots are the beginnings of variables that hold data.
func textRoots() []string {
	return []string{"candidate", "application", "enrollment", "interview", "owner", "retention"}
}
