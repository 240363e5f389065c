package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/satchel-files/satchel/api"
)

// expectFrom is the size of a body, in bytes, from which on the server is asked before the body is sent.
const expectFrom = 1 << 20

// Source is one file to be sent.
type Source struct {
	Name string    // the file name that the server stores, less folders and control characters
	Body io.Reader // read once, to its end; from where it stands, and again from there if the upload is repeated and Body can seek
	Size int64     // bytes that Body will give; -1: unknown
}

// Upload is what POST /files takes: 1 to 100 files that appear together or not at all, and what holds for all of them.
type Upload struct {
	Sources        []Source
	Purpose        string          // empty: user_data
	Metadata       json.RawMessage // a JSON object; nil: none
	Instructions   string          // how the files are to be processed
	MetadataSchema json.RawMessage // a JSON Schema that binds what the AI writes; nil: none
	ExpiresAfter   time.Duration   // in whole seconds, an hour to 30 days; zero: never
	// IdempotencyKey makes the upload safe to repeat: the same key with the same content within 24 hours gives the same files.
	// The client repeats an upload by itself only if it has one and every Body can seek.
	IdempotencyKey string
}

// Upload sends the files, streaming, and gives them as the server stored them, in the order of the sources.
func (c *Client) Upload(ctx context.Context, u Upload) ([]*api.File, error) {
	body, err := newForm(u)
	if err != nil {
		return nil, err
	}
	defer body.stop()
	k := call{
		method:     http.MethodPost,
		path:       "/files",
		query:      c.inWorkspace(),
		header:     http.Header{"Content-Type": {body.contentType}},
		body:       body,
		repeatable: u.IdempotencyKey != "" && body.seekable(),
	}
	if u.IdempotencyKey != "" {
		k.header.Set("Idempotency-Key", u.IdempotencyKey)
	}
	if size := body.size(); size < 0 || size >= expectFrom {
		k.header.Set("Expect", "100-continue")
	}
	var answer uploadAnswer
	if err := c.callJSON(ctx, k, &answer); err != nil {
		if cause := body.failure(); cause != nil && ctx.Err() == nil {
			return nil, cause
		}
		return nil, err
	}
	return answer.files(len(u.Sources))
}

// uploadAnswer reads both shapes: a file, and a list of them.
type uploadAnswer struct {
	api.File
	Object string      `json:"object"`
	Data   []*api.File `json:"data"`
}

func (a *uploadAnswer) files(want int) ([]*api.File, error) {
	files := a.Data
	if a.Object == "file" {
		a.File.Object = a.Object
		files = []*api.File{&a.File}
	}
	if len(files) != want {
		return nil, fmt.Errorf("the server answered with %d files for %d that were sent", len(files), want)
	}
	return files, nil
}

// form is the multipart body of an upload: pieces of text around the sources, so that nothing is copied and the length is known.
type form struct {
	contentType string
	pieces      []string // one before each source, and one behind the last
	sources     []*source
	current     *formBody
}

func newForm(u Upload) (*form, error) {
	var text bytes.Buffer
	w := multipart.NewWriter(&text)
	f := &form{contentType: w.FormDataContentType()}
	for _, field := range u.fields() {
		_ = w.WriteField(field[0], field[1]) // a bytes.Buffer takes everything
	}
	for _, s := range u.Sources {
		_, _ = w.CreatePart(partHeader(s.Name))
		f.pieces = append(f.pieces, text.String())
		text.Reset()
		f.sources = append(f.sources, newSource(s))
	}
	if len(f.sources) == 0 {
		return nil, errors.New("an upload needs at least one file")
	}
	_ = w.Close()
	f.pieces = append(f.pieces, text.String())
	return f, nil
}

// fields gives names and values of the form's fields; they stand before the files.
func (u Upload) fields() [][2]string {
	var all [][2]string
	add := func(name, value string) {
		if value != "" {
			all = append(all, [2]string{name, value})
		}
	}
	add("purpose", u.Purpose)
	add("metadata", string(u.Metadata))
	add("instructions", u.Instructions)
	add("metadata_schema", string(u.MetadataSchema))
	if u.ExpiresAfter != 0 {
		add("expires_after[anchor]", "created_at")
		add("expires_after[seconds]", strconv.FormatInt(int64(u.ExpiresAfter/time.Second), 10))
	}
	return all
}

// partHeader announces a file. What cannot stand in a header, control characters and bytes that are no UTF-8, is left out or
// replaced: the server would not store it either.
func partHeader(name string) textproto.MIMEHeader {
	name = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(name, "\uFFFD"))
	name = strings.ReplaceAll(name, `"`, "%22")
	return textproto.MIMEHeader{
		"Content-Disposition": {`form-data; name="file"; filename="` + name + `"`},
		"Content-Type":        {"application/octet-stream"},
	}
}

// size is the length of the whole body in bytes, -1 if a source's is unknown.
func (f *form) size() int64 {
	total := int64(0)
	for _, piece := range f.pieces {
		total += int64(len(piece))
	}
	for _, s := range f.sources {
		if s.size < 0 {
			return -1
		}
		total += s.size
	}
	return total
}

func (f *form) seekable() bool {
	for _, s := range f.sources {
		if s.seeker == nil {
			return false
		}
	}
	return true
}

// failure is what went wrong in reading a source, nil if nothing did.
func (f *form) failure() error {
	for _, s := range f.sources {
		if err := s.failure.Load(); err != nil {
			return err
		}
	}
	return nil
}

// open gives the body anew. An attempt that is still reading is stopped first.
func (f *form) open() (io.ReadCloser, int64, error) {
	again := f.current != nil
	f.stop()
	var parts []io.Reader
	for i, s := range f.sources {
		if again {
			if err := s.rewind(); err != nil {
				return nil, 0, err
			}
		}
		parts = append(parts, strings.NewReader(f.pieces[i]), s.reader())
	}
	parts = append(parts, strings.NewReader(f.pieces[len(f.pieces)-1]))
	f.current = &formBody{r: io.MultiReader(parts...), blocking: !f.seekable()}
	return f.current, f.size(), nil
}

func (f *form) underWay() bool {
	return f.current != nil && f.current.begun.Load() && !f.current.ended.Load()
}

// stop makes sure that no attempt reads the sources any more.
func (f *form) stop() {
	if f.current != nil {
		_ = f.current.Close()
	}
}

// setIf sets a query parameter that has a value.
func setIf(query url.Values, name, value string) {
	if value != "" {
		query.Set(name, value)
	}
}
