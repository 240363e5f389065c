package sqlstore

import (
	"encoding/json"
	"time"

	"github.com/satchel-files/satchel"
)

// settledJSON is how a standing is stored. Fields may be added, never given another meaning: older rows stay as they are.
type settledJSON struct {
	Status  satchel.Status `json:"status"`
	Details string         `json:"details,omitempty"`
	Code    satchel.Code   `json:"code,omitempty"`
	Message string         `json:"message,omitempty"`
}

// documentJSON is how a document is stored, on the same terms.
type documentJSON struct {
	Pages      int               `json:"pages,omitempty"`
	Characters int64             `json:"characters,omitempty"`
	Format     string            `json:"format,omitempty"`
	Title      string            `json:"title,omitempty"`
	Author     string            `json:"author,omitempty"`
	Language   string            `json:"language,omitempty"`
	Created    time.Time         `json:"created,omitzero"`
	Modified   time.Time         `json:"modified,omitzero"`
	Width      int               `json:"width,omitempty"`
	Height     int               `json:"height,omitempty"`
	Properties map[string]string `json:"properties,omitempty"`
}

// writeStanding gives the columns settled and document of a file.
func writeStanding(f *satchel.File) (settled, document string, err error) {
	if s := f.Settled; s != nil {
		failure := failureColumns(s.Failure)
		if settled, err = jsonOf(true, settledJSON{s.Status, s.Details, failure.Code, failure.Message}); err != nil {
			return "", "", err
		}
	}
	if f.Document != nil {
		document, err = jsonOf(true, documentJSON(*f.Document))
	}
	return settled, document, err
}

func readSettled(text string) (*satchel.Standing, error) {
	if text == "" {
		return nil, nil
	}
	var s settledJSON
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return nil, err
	}
	return &satchel.Standing{Status: s.Status, Details: s.Details, Failure: readFailure(string(s.Code), s.Message)}, nil
}

func readDocument(text string) (*satchel.Document, error) {
	if text == "" {
		return nil, nil
	}
	var d documentJSON
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		return nil, err
	}
	return (*satchel.Document)(&d), nil
}
