package httpapi

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"html/template"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

//go:embed docs.html
var docsPage string

// docsOperation is one operation as the page of documentation shows it.
type docsOperation struct {
	*huma.Operation
	Body      []docsBody
	Responses []docsResponse
}

type docsBody struct {
	Type   string
	Fields []docsField
}

type docsField struct {
	Name, Type, Description string
	Required                bool
}

type docsResponse struct {
	Status, Description, Example string
}

// serveDocs shows the OpenAPI document as a page that needs no script and nothing from the internet.
func (a *API) serveDocs(w http.ResponseWriter, _ *http.Request) {
	page := template.Must(template.New("docs").Funcs(template.FuncMap{"prose": prose}).Parse(docsPage))
	var out bytes.Buffer
	if err := page.Execute(&out, map[string]any{"Info": a.document.Info, "Operations": a.docsOperations(), "Schemas": a.docsSchemas()}); err != nil {
		panic(err) // a programming error: page and document are our own
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	_, _ = w.Write(out.Bytes())
}

// prose shows a description: what stands between backticks as code, and with a full stop at its end.
func prose(text string) template.HTML {
	if text != "" && !strings.HasSuffix(text, ".") {
		text += "."
	}
	var b strings.Builder
	for i, part := range strings.Split(text, "`") {
		if i%2 == 1 {
			b.WriteString("<code>" + template.HTMLEscapeString(part) + "</code>")
		} else {
			b.WriteString(template.HTMLEscapeString(part))
		}
	}
	return template.HTML(b.String()) //nolint:gosec // every part of it is escaped
}

func (a *API) docsOperations() []docsOperation {
	var all []docsOperation
	for _, path := range slices.Sorted(maps.Keys(a.document.Paths)) {
		item := a.document.Paths[path]
		for _, op := range []*huma.Operation{item.Get, item.Head, item.Post, item.Put, item.Patch, item.Delete} {
			if op != nil {
				all = append(all, docsOperation{Operation: op, Body: a.docsBody(op), Responses: a.docsResponses(op)})
			}
		}
	}
	return all
}

func (a *API) docsBody(op *huma.Operation) []docsBody {
	if op.RequestBody == nil {
		return nil
	}
	var all []docsBody
	for _, mediaType := range slices.Sorted(maps.Keys(op.RequestBody.Content)) {
		all = append(all, docsBody{mediaType, a.fieldsOf(op.RequestBody.Content[mediaType].Schema)})
	}
	return all
}

func (a *API) fieldsOf(s *huma.Schema) []docsField {
	if s.Ref != "" {
		s = a.document.Components.Schemas.SchemaFromRef(s.Ref)
	}
	var fields []docsField
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		p := s.Properties[name]
		fields = append(fields, docsField{name, typeName(p), p.Description, slices.Contains(s.Required, name)})
	}
	return fields
}

// typeName says what a value may be, in a few words.
func typeName(s *huma.Schema) string {
	name := s.Type
	switch {
	case s.Ref != "":
		name = s.Ref[strings.LastIndex(s.Ref, "/")+1:]
	case len(s.Enum) > 0:
		words := make([]string, len(s.Enum))
		for i, word := range s.Enum {
			words[i], _ = word.(string)
		}
		name = strings.Join(words, " | ")
	case len(s.OneOf) > 0:
		names := make([]string, len(s.OneOf))
		for i, one := range s.OneOf {
			names[i] = typeName(one)
		}
		name = strings.Join(names, " or ")
	case s.Items != nil:
		name = "list of " + typeName(s.Items)
	case name == "":
		name = "any"
	}
	if s.Nullable {
		name += " or null"
	}
	return name
}

func (a *API) docsResponses(op *huma.Operation) []docsResponse {
	var all []docsResponse
	for _, status := range slices.Sorted(maps.Keys(op.Responses)) {
		r := op.Responses[status]
		shown := docsResponse{Status: status, Description: r.Description}
		if content := r.Content["application/json"]; content != nil && content.Example != nil {
			example, _ := json.MarshalIndent(content.Example, "", "  ") // made by us, of types that marshal
			shown.Example = string(example)
		} else if content != nil {
			shown.Description += ": " + typeName(content.Schema)
		}
		all = append(all, shown)
	}
	return all
}

func (a *API) docsSchemas() []docsBody {
	var all []docsBody
	schemas := a.document.Components.Schemas.Map()
	for _, name := range slices.Sorted(maps.Keys(schemas)) {
		all = append(all, docsBody{name, a.fieldsOf(schemas[name])})
	}
	return all
}
