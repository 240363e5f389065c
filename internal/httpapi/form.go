package httpapi

import (
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/files"
)

const (
	maxField   = 256 << 10 // bytes of one text field: more than any may mean, and few enough to hold
	maxFields  = 1100      // text fields of one form: as many as metadata has leaves, and the named ones
	maxPending = 4 << 20   // bytes of all text fields of one form together
)

// form is a multipart upload as it is read: text fields are kept, files go to staging as they come, in whatever order. Its faults are those of the second step.
type form struct {
	upload   *files.Upload
	fields   map[string]string
	seen     map[string]bool
	metadata map[string]any // from metadata[…] fields
	unknown  []string
	faults   satchel.Faults
	bytes    int
	parts    int
	refused  error // why nothing comes of the files: their sender may not upload them; nil: it may, for all that is known
	spare    int64 // bytes that may still come and mean nothing
}

func newForm(upload *files.Upload) *form {
	return &form{upload: upload, fields: map[string]string{}, seen: map[string]bool{}, spare: drainTooLarge}
}

// vain reports whether nothing comes of the files.
func (f *form) vain() bool { return f.refused != nil }

// formFields are the text fields by name; expires_after and metadata may also come in brackets.
func formFields() []string {
	return []string{"purpose", "metadata", "instructions", "metadata_schema", "workspace", "expires_after", "expires_after[anchor]", "expires_after[seconds]"}
}

// formReader reads the parts of a form, and knows whether they were all.
type formReader struct {
	*multipart.Reader
	headers *partHeaders
}

// newFormReader checks the content type and gives the reader of the form.
func newFormReader(contentType string, body io.Reader) (*formReader, error) {
	mediaType, params, err := mime.ParseMediaType(contentType)
	named := strings.HasPrefix(strings.ToLower(strings.TrimSpace(contentType)), "multipart/form-data")
	if mediaType != "multipart/form-data" && !named {
		return nil, &satchel.Error{
			Code: satchel.CodeUnsupportedMedia, In: satchel.InHeader, Param: "Content-Type",
			Message: "an upload must be multipart/form-data with the file in the field \"file\" (curl: -F file=@logic.pdf)",
		}
	}
	boundary := params["boundary"]
	if err != nil || boundary == "" || len(boundary) > 70 {
		return nil, &satchel.Error{
			Code: satchel.CodeMalformedMultipart, In: satchel.InHeader, Param: "Content-Type",
			Message: "the Content-Type names no valid boundary; let your HTTP client set this header by itself",
		}
	}
	headers := newPartHeaders(body, boundary)
	return &formReader{multipart.NewReader(headers, boundary), headers}, nil
}

// malformedForm is the answer to a form that breaks off or is none; errors of the connection keep their own meaning.
func malformedForm(err error) error {
	if _, known := errors.AsType[*satchel.Error](bodyError(err)); known {
		return &satchel.Error{Code: satchel.CodeMalformedMultipart, In: satchel.InBody, Message: "the multipart form is broken or breaks off: every part begins and ends with the boundary", Err: err}
	}
	return err
}

// addText reads a text field.
func (f *form) addText(name string, content io.Reader) error {
	if f.parts++; f.parts > maxFields || f.bytes > maxPending || !knownField(name) {
		return f.passOver(name, content)
	}
	text, err := io.ReadAll(io.LimitReader(content, maxField+1))
	if err != nil {
		return malformedForm(err)
	}
	if f.bytes += len(text); f.bytes > maxPending {
		f.faults.Add(satchel.BodyFault(satchel.CodeTooLong, "", nil, "the fields of this form have more than %d bytes together", maxPending))
	}
	switch {
	case len(text) > maxField:
		f.fault(satchel.CodeTooLong, name, "%s must be at most %d bytes", name, maxField)
		return f.readAway(content)
	case !utf8.Valid(text):
		f.fault(satchel.CodeInvalidValue, name, "%s is not valid UTF-8", name)
	default:
		f.setText(name, string(text))
	}
	return nil
}

// passOver reads a field away that means nothing, or is one too many.
func (f *form) passOver(name string, content io.Reader) error {
	switch {
	case f.parts == maxFields+1:
		f.faults.Add(satchel.BodyFault(satchel.CodeTooMany, "", nil, "a form may have at most %d fields", maxFields))
	case f.parts <= maxFields && !knownField(name):
		f.unknown = append(f.unknown, name)
	}
	return f.readAway(content)
}

// readAway reads what nothing comes of, so that the rest of the form is known, and its sender comes to read the answer; but not without end.
func (f *form) readAway(content io.Reader) error {
	n, err := io.CopyN(io.Discard, content, f.spare+1)
	f.spare -= n
	if err == nil {
		return f.enough()
	}
	if err == io.EOF { //nolint:errorlint // the end of the content, which a wrapped one is not
		return nil
	}
	return malformedForm(err)
}

// enough gives the answer to a form of which no more is read: all that is known to be wrong with it.
func (f *form) enough() error {
	switch {
	case len(f.faults) > 0:
		return f.faults
	case f.refused != nil:
		return f.refused
	}
	return satchel.BodyFault(satchel.CodeTooLong, "", nil, "this form has more than %d bytes that mean nothing; leave them out", drainTooLarge)
}

// knownField reports whether a field of that name means something here.
func knownField(name string) bool {
	base, _, brackets := bracketed(name)
	return brackets && (base == "metadata" || base == "metadata_schema") || slices.Contains(formFields(), name)
}

func (f *form) setText(name, text string) {
	base, path, _ := bracketed(name)
	switch {
	case base == "metadata_schema" && name != base: // flattened, its numbers and truth values are text
		f.faults.AddNew(satchel.BodyFault(satchel.CodeInvalidType, base, nil,
			"metadata_schema came in pieces, the first of them %.64q; send it as one field with JSON (Python: json.dumps(schema), JavaScript: JSON.stringify(schema))", name))
	case slices.Contains(formFields(), name):
		if f.once(name) && !absent(text) {
			f.fields[name] = text
		}
	default: // metadata in brackets
		none := name == "metadata[instructions]" && absent(text) // they are a field of their own, wherever they stand
		if strings.HasSuffix(name, "[]") || f.once(name) && !none {
			f.setMetadata(name, path, text)
		}
	}
}

// once reports whether the field comes for the first time; the second time is a fault.
func (f *form) once(name string) bool {
	if f.seen[name] {
		f.fault(satchel.CodeDuplicate, name, "%s is given twice; give it once", name)
		return false
	}
	f.seen[name] = true
	return true
}

// setMetadata puts one flattened value, such as metadata[pub][city], where it belongs; metadata[tags][] appends.
func (f *form) setMetadata(name string, path []string, text string) {
	if f.metadata == nil {
		f.metadata = map[string]any{}
	}
	if len(path) > satchel.MaxMetadataDepth+1 {
		f.fault(satchel.CodeTooDeep, name, "metadata may be %d levels deep; %.128q goes deeper", satchel.MaxMetadataDepth, name)
		return
	}
	object, last := f.metadata, len(path)-1
	appends := path[last] == "" && last > 0
	if appends {
		last--
	}
	for _, key := range path[:last] {
		if _, ok := object[key]; !ok {
			object[key] = map[string]any{}
		}
		inner, ok := object[key].(map[string]any)
		if !ok {
			f.fault(satchel.CodeContradiction, name, "%.128q is both a value and an object", name)
			return
		}
		object = inner
	}
	before, taken := object[path[last]]
	items, isList := before.([]any)
	switch {
	case appends && (isList || !taken):
		object[path[last]] = append(items, text)
	case taken:
		f.fault(satchel.CodeContradiction, name, "%.128q is given in two forms", name)
	default:
		object[path[last]] = text
	}
}

func (f *form) fault(code satchel.Code, name, format string, args ...any) {
	base, path, ok := bracketed(name)
	if !ok {
		base, path = name, nil
	}
	f.faults.Add(satchel.BodyFault(code, base, path, format, args...))
}

// values gives the fields as package files wants them, with what is wrong in their form added to the faults.
func (f *form) values() files.Fields {
	return files.Fields{
		Purpose: f.fields["purpose"], Instructions: f.fields["instructions"], Schema: f.fields["metadata_schema"],
		Metadata: f.patch(), Expiry: f.expiry(),
	}
}

func (f *form) patch() (patch satchel.Patch) {
	text, given := f.fields["metadata"]
	var err error
	switch {
	case given && f.metadata != nil:
		f.fault(satchel.CodeContradiction, "metadata", "metadata is given twice: as JSON and in brackets; give it once")
	case given:
		patch, err = satchel.ParsePatch([]byte(text))
	case f.metadata != nil:
		patch, err = satchel.NewPatch(f.metadata)
	}
	if err != nil {
		f.faults.Add(files.AsField(err))
		return onlyInstructions(patch)
	}
	return patch
}

// onlyInstructions leaves of metadata whose faults are known what is still to be checked, so that nothing is found twice.
func onlyInstructions(metadata satchel.Patch) satchel.Patch {
	text, ok := metadata.Take("instructions")
	if !ok {
		return satchel.Patch{}
	}
	patch, _ := satchel.NewPatch(map[string]any{"instructions": text}) // was checked with the rest
	return patch
}

// expiry reads expires_after from its two bracketed fields, or from one that has it as JSON.
func (f *form) expiry() (e files.Expiry) {
	if anchor, ok := f.fields["expires_after[anchor]"]; ok {
		e.Anchor = &anchor
	}
	if seconds, ok := f.fields["expires_after[seconds]"]; ok {
		n, err := parseSeconds(strings.TrimSpace(seconds))
		f.faults.Add(err)
		e.Seconds = &n
	}
	text, ok := f.fields["expires_after"]
	if !ok {
		return e
	}
	if e.Anchor != nil || e.Seconds != nil {
		f.fault(satchel.CodeContradiction, "expires_after", "expires_after is given twice: as JSON and in brackets; give it once")
		return files.Expiry{}
	}
	object, err := satchel.ParseJSONObject("expires_after", []byte(text))
	if err != nil {
		f.faults.Add(files.AsField(err))
		return files.Expiry{}
	}
	e, err = parseExpiry(object)
	f.faults.Add(err)
	return e
}

func parseSeconds(text string) (int64, error) {
	if !isInteger(text) {
		return 0, satchel.BodyFault(satchel.CodeInvalidType, "expires_after", []string{"seconds"}, "the seconds of expires_after must be an integer, not %.64q", text)
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return -1, nil //nolint:nilerr // far out of range, whatever the sign: the bounds say so
	}
	return n, nil
}
