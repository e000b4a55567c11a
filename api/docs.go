package api

import (
	"bytes"
	_ "embed" // the page's template and style
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"
)

//go:embed docs.html
var docsHTML string

//go:embed docs.css
var docsCSS string

// docsPage is what the page at /docs shows. It is made from the OpenAPI document, so that it cannot say anything else.
type docsPage struct {
	Title, Description, Base string
	Style                    template.CSS
	Groups                   []docsGroup
	Codes                    []docsCode
	Scopes                   []string
}

type docsGroup struct {
	Name, Slug, Description string
	Operations              []docsOperation
}

type docsOperation struct {
	ID, Method, Path, Summary, Description, Scope string
	Params                                        []docsField
	Bodies, Answers                               []docsBody
}

// docsBody is what is sent or answered, by media type or status.
type docsBody struct {
	Title  string
	Shapes []docsShape
}

// docsShape is one of the forms that a body may have.
type docsShape struct {
	Title   string
	Fields  []docsField
	Example string
}

type docsField struct {
	Name, Kind, Doc string
	Required        bool
}

type docsCode struct {
	Code    Code
	Status  int
	Meaning string
}

func docsCodes() []docsCode {
	return []docsCode{
		{CodeInvalid, http.StatusUnprocessableEntity, "The request cannot be right. Every mistake is in errors with its place, and in problems for definitions. A body that is not JSON has status 400."},
		{CodeUnauthorized, http.StatusUnauthorized, "There is no key, or it is not in force."},
		{CodeForbidden, http.StatusForbidden, "The key lacks the scope that the operation needs."},
		{CodeSignature, http.StatusForbidden, "A webhook whose signature does not fit."},
		{CodeNotFound, http.StatusNotFound, "There is no such thing."},
		{CodeMethod, http.StatusMethodNotAllowed, "The address does not take that method."},
		{CodeConflict, http.StatusConflict, "It contradicts the present state, such as stopping a run that has ended."},
		{CodeTooLarge, http.StatusRequestEntityTooLarge, "The body, or a list in it, is too large. Send it in parts."},
		{CodeMediaType, http.StatusUnsupportedMediaType, "The body has a content type that the operation does not take."},
		{CodeInternal, http.StatusInternalServerError, "A mistake of Rapport's. Its log has the details under the request id."},
		{CodeUnavailable, http.StatusServiceUnavailable, "Nothing was stored. Send the same again after the seconds that Retry-After says."},
	}
}

func (s *server) showOpenAPI(c *gin.Context) {
	document, err := s.document()
	if err != nil {
		s.refuse(c, err)
		return
	}
	c.Data(http.StatusOK, "application/vnd.oai.openapi+json;version=3.1", document)
}

func (s *server) showDocs(c *gin.Context) {
	page, err := s.docs()
	if err != nil {
		s.refuse(c, err)
		return
	}
	c.Header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	c.Header("Referrer-Policy", "same-origin")
	c.Data(http.StatusOK, "text/html; charset=utf-8", page)
}

func (s *server) renderDocs() ([]byte, error) {
	page, err := template.New("docs").Parse(docsHTML)
	if err != nil {
		return nil, fmt.Errorf("read docs template: %w", err)
	}
	var out bytes.Buffer
	if err := page.Execute(&out, s.docsPage()); err != nil {
		return nil, fmt.Errorf("write docs: %w", err)
	}
	return out.Bytes(), nil
}

func (s *server) docsPage() *docsPage {
	document := s.huma.OpenAPI()
	base := s.PublicURL
	if base == "" {
		base = "http://localhost:8420"
	}
	page := &docsPage{
		Title: document.Info.Title, Description: document.Info.Description, Base: base, Style: template.CSS(docsCSS), //nolint:gosec // our own file
		Codes: docsCodes(), Scopes: Scopes(),
	}
	for _, tag := range document.Tags {
		page.Groups = append(page.Groups, docsGroup{Name: tag.Name, Slug: strings.ToLower(tag.Name), Description: tag.Description})
	}
	shapes := &shaper{registry: document.Components.Schemas}
	for path, item := range document.Paths {
		for _, op := range []*huma.Operation{item.Get, item.Put, item.Post, item.Delete} {
			if op == nil {
				continue
			}
			i := slices.IndexFunc(page.Groups, func(g docsGroup) bool { return g.Name == op.Tags[0] })
			page.Groups[i].Operations = append(page.Groups[i].Operations, shapes.operation(path, op))
		}
	}
	for i := range page.Groups {
		slices.SortFunc(page.Groups[i].Operations, compareOperations)
	}
	return page
}

// compareOperations orders by path, and what changes something before what reads it.
func compareOperations(a, b docsOperation) int {
	if c := strings.Compare(a.Path, b.Path); c != 0 {
		return c
	}
	order := []string{http.MethodPost, http.MethodPut, http.MethodGet, http.MethodDelete}
	return slices.Index(order, a.Method) - slices.Index(order, b.Method)
}

// shaper turns schemas into tables and examples.
type shaper struct{ registry huma.Registry }

func (sh *shaper) operation(path string, op *huma.Operation) docsOperation {
	d := docsOperation{ID: op.OperationID, Method: op.Method, Path: path, Summary: op.Summary, Description: op.Description, Scope: scopeOf(op)}
	for _, p := range op.Parameters {
		doc := p.Description
		if doc == "" && p.Schema != nil {
			doc = p.Schema.Description
		}
		d.Params = append(d.Params, docsField{Name: p.Name, Kind: p.In + ", " + sh.kind(p.Schema), Doc: doc, Required: p.Required})
	}
	if op.RequestBody != nil {
		for _, media := range sortedKeys(op.RequestBody.Content) {
			d.Bodies = append(d.Bodies, docsBody{Title: media, Shapes: sh.shapes(op.RequestBody.Content[media].Schema)})
		}
	}
	for _, status := range sortedKeys(op.Responses) {
		if answer := op.Responses[status]; status[0] == '2' {
			body := docsBody{Title: status + " " + answer.Description}
			for _, media := range sortedKeys(answer.Content) {
				body.Shapes = append(body.Shapes, sh.shapes(answer.Content[media].Schema)...)
			}
			d.Answers = append(d.Answers, body)
		}
	}
	return d
}

func (sh *shaper) resolve(schema *huma.Schema) *huma.Schema {
	if schema != nil && schema.Ref != "" {
		return sh.registry.SchemaFromRef(schema.Ref)
	}
	return schema
}

func (sh *shaper) shapes(schema *huma.Schema) []docsShape {
	schema = sh.resolve(schema)
	if schema == nil {
		return nil
	}
	if len(schema.OneOf) > 0 {
		var all []docsShape
		for _, one := range schema.OneOf {
			all = append(all, sh.shapes(one)...)
		}
		return all
	}
	title := schema.Description
	if items := sh.resolve(schema.Items); items != nil {
		title = "A list of these. " + items.Description
	}
	shape := docsShape{Title: title, Fields: sh.fields("", schema, 0)}
	if example, err := json.MarshalIndent(sh.example(schema, 0), "", "  "); err == nil {
		shape.Example = string(example)
	}
	return []docsShape{shape}
}

// maxShapeDepth is how deep a table goes: what is nested deeper is looked up in the OpenAPI document.
const maxShapeDepth = 3

func (sh *shaper) fields(prefix string, schema *huma.Schema, depth int) []docsField {
	schema = sh.resolve(schema)
	if schema == nil || depth > maxShapeDepth {
		return nil
	}
	if schema.Items != nil {
		return sh.fields(prefix, schema.Items, depth)
	}
	var fields []docsField
	for _, name := range sortedKeys(schema.Properties) {
		property := schema.Properties[name]
		doc := property.Description
		if target := sh.resolve(property); doc == "" && target != nil {
			doc = target.Description
		}
		fields = append(fields, docsField{Name: prefix + name, Kind: sh.kind(property), Doc: doc, Required: slices.Contains(schema.Required, name)})
		inner := prefix + name + "."
		if target := sh.resolve(property); target != nil && target.Items != nil {
			inner = prefix + name + "[]."
		}
		fields = append(fields, sh.fields(inner, property, depth+1)...)
	}
	return fields
}

func (sh *shaper) kind(schema *huma.Schema) string {
	schema = sh.resolve(schema)
	if schema == nil {
		return "any"
	}
	kind := schema.Type
	switch {
	case schema.Items != nil:
		kind = "list of " + sh.kind(schema.Items)
	case schema.Type == "string" && schema.Format == "date-time":
		kind = "time"
	case schema.Type == "string":
		kind = "text"
	case kind == "":
		kind = "any"
	}
	if len(schema.Enum) > 0 {
		words := make([]string, len(schema.Enum))
		for i, word := range schema.Enum {
			words[i] = fmt.Sprint(word)
		}
		kind = strings.Join(words, " | ")
	}
	return kind
}

// example makes up a value of a schema.
func (sh *shaper) example(schema *huma.Schema, depth int) any {
	schema = sh.resolve(schema)
	switch {
	case schema == nil || depth > maxShapeDepth:
		return nil
	case len(schema.Examples) > 0:
		return schema.Examples[0]
	case len(schema.Enum) > 0:
		return schema.Enum[0]
	case schema.Items != nil:
		if item := sh.example(schema.Items, depth); item != nil {
			return []any{item}
		}
		return nil
	}
	switch schema.Type {
	case huma.TypeObject:
		object := map[string]any{}
		for name, property := range schema.Properties {
			if value := sh.example(property, depth+1); value != nil {
				object[name] = value
			}
		}
		return object
	case huma.TypeInteger, huma.TypeNumber:
		return 1
	case huma.TypeBoolean:
		return true
	case huma.TypeString:
		if schema.Format == "date-time" {
			return "2026-11-06T10:00:00Z"
		}
		return "…"
	}
	return nil
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
