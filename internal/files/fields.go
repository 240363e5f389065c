package files

import (
	"cmp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/metaschema"
)

// Fields is what comes with an upload beside the bytes, as the client gave it; the zero value is an upload with nothing said.
type Fields struct {
	Purpose      string
	Metadata     satchel.Patch // what the metadata shall be; a key "instructions" in it means the field of that name
	Instructions string
	Schema       string // metadata_schema
	Expiry       Expiry
}

// Expiry is an expires_after, of which a client may have given any part.
type Expiry struct {
	Anchor  *string
	Seconds *int64
}

// Terms are Fields that were found to be right.
type Terms struct {
	purpose      satchel.Purpose
	metadata     satchel.Metadata
	instructions string
	schema       string
	lifetime     time.Duration // zero: no expiry
}

// Check finds everything that is wrong with the fields. The error is a satchel.Faults.
func (f Fields) Check() (Terms, error) {
	var faults satchel.Faults
	terms := Terms{instructions: f.instructions(&faults), schema: f.Schema}
	var err error
	terms.purpose, err = parsePurpose(f.Purpose)
	faults.Add(err)
	terms.metadata, err = f.Metadata.Metadata()
	faults.Add(err)
	terms.lifetime, err = f.Expiry.lifetime()
	faults.Add(err)
	faults.Add(checkSchema(f.Schema))
	return terms, faults.Err()
}

// under gives the terms with the workspace's own where the upload left them open. Instructions that nobody gave with the file go only to documents, and to
// a model only where one may be asked.
func (t Terms) under(s satchel.WorkspaceSettings) Terms {
	if t.instructions == "" && t.purpose.Processed() && !s.NoAI {
		t.instructions = s.Instructions
	}
	t.schema = cmp.Or(t.schema, s.Schema)
	t.lifetime = cmp.Or(t.lifetime, s.Lifetime)
	return t
}

// checkSchema finds what makes a metadata_schema unusable.
func checkSchema(text string) error {
	_, err := metaschema.Parse(text)
	return AsField(err)
}

// AsField gives a fault in text that should be JSON the code that it has in a form field or a parameter, where only the value is
// wrong and not the body.
func AsField(err error) error {
	if fault, ok := err.(*satchel.Error); ok && fault.Code == satchel.CodeMalformedJSON { //nolint:errorlint // as the parser gave it
		fault.Code = satchel.CodeInvalidJSON
	}
	return err
}

// instructions gives the one text that stands in the field or in the metadata; it takes it out of the metadata.
func (f Fields) instructions(faults *satchel.Faults) string {
	text := f.Instructions
	if value, ok := f.Metadata.Take("instructions"); ok {
		inner, err := parseInstructions(value)
		faults.Add(err)
		if inner != "" && !blank(text) {
			faults.Add(satchel.BodyFault(satchel.CodeContradiction, "instructions", nil,
				"instructions are given twice: as a field and inside metadata; give them once"))
		}
		if blank(text) {
			text = inner
		}
	}
	text, err := parseInstructions(text)
	faults.Add(err)
	return text
}

// parseInstructions takes any JSON value, as it may stand in metadata, and gives the text; blank means none.
func parseInstructions(value any) (string, error) {
	text, ok := value.(string)
	switch {
	case !ok:
		return "", satchel.BodyFault(satchel.CodeInvalidType, "instructions", nil, "instructions must be a string")
	case len(text) > satchel.MaxInstructions:
		return "", satchel.BodyFault(satchel.CodeTooLong, "instructions", nil,
			"instructions must be at most %d bytes; they have %d", satchel.MaxInstructions, len(text))
	case !utf8.ValidString(text) || strings.ContainsRune(text, 0):
		return "", satchel.BodyFault(satchel.CodeInvalidValue, "instructions", nil, "instructions must be valid UTF-8 without NUL")
	case blank(text):
		return "", nil
	}
	return text, nil
}

func blank(text string) bool { return strings.TrimSpace(text) == "" }

func parsePurpose(text string) (satchel.Purpose, error) {
	if text == "" {
		return satchel.PurposeUserData, nil
	}
	if purpose := satchel.Purpose(text); slices.Contains(satchel.Purposes(), purpose) {
		return purpose, nil
	}
	return "", satchel.BodyFault(satchel.CodeInvalidValue, "purpose", nil, "purpose must be one of %s; %.64q is none of them", purposeNames(), text)
}

func purposeNames() string {
	var names []string
	for _, p := range satchel.Purposes() {
		names = append(names, string(p))
	}
	return strings.Join(names, ", ")
}

// lifetime gives the time from creation to expiry, zero when nothing was said; half of an expires_after is a fault.
func (e Expiry) lifetime() (time.Duration, error) {
	if e.Anchor == nil && e.Seconds == nil {
		return 0, nil
	}
	var faults satchel.Faults
	switch {
	case e.Anchor == nil:
		faults.Add(satchel.BodyFault(satchel.CodeMissing, "expires_after", []string{"anchor"}, `expires_after needs an anchor: "created_at"`))
	case *e.Anchor != "created_at":
		faults.Add(satchel.BodyFault(satchel.CodeInvalidValue, "expires_after", []string{"anchor"},
			`the anchor of expires_after must be "created_at", not %.64q`, *e.Anchor))
	}
	least, most := int64(satchel.MinExpiry/time.Second), int64(satchel.MaxExpiry/time.Second)
	switch {
	case e.Seconds == nil:
		faults.Add(satchel.BodyFault(satchel.CodeMissing, "expires_after", []string{"seconds"}, "expires_after needs seconds, from %d to %d", least, most))
		return 0, faults.Err()
	case *e.Seconds < least || *e.Seconds > most:
		faults.Add(satchel.BodyFault(satchel.CodeOutOfRange, "expires_after", []string{"seconds"},
			"the seconds of expires_after must be between %d and %d", least, most))
		return 0, faults.Err()
	}
	return time.Duration(*e.Seconds) * time.Second, faults.Err()
}

// ParseFilename gives the name that is stored for the name that was sent: what follows the last / or \, without control
// characters. The fault is for the form field "file".
func ParseFilename(sent string) (string, error) { return parseFilename("file", sent) }

// parseFilename is ParseFilename for a field of another name.
func parseFilename(param, sent string) (string, error) {
	switch {
	case len(sent) > satchel.MaxFilename:
		return "", satchel.BodyFault(satchel.CodeTooLong, param, nil, "a file name must be at most %d bytes; this one has %d", satchel.MaxFilename, len(sent))
	case !utf8.ValidString(sent):
		return "", satchel.BodyFault(satchel.CodeInvalidValue, param, nil, "the file name is not valid UTF-8")
	}
	name := sent[strings.LastIndexAny(sent, `/\`)+1:]
	name = strings.Map(withoutControl, name)
	if blank(name) || name == "." || name == ".." {
		return "", satchel.BodyFault(satchel.CodeMissing, param, nil, `there is no file name; give one, such as "logic.pdf"`)
	}
	return name, nil
}

func withoutControl(r rune) rune {
	if r < 0x20 || r >= 0x7f && r <= 0x9f {
		return -1
	}
	return r
}
