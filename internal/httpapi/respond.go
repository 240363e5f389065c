package httpapi

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/api"
)

// maxIgnoredHeader bounds x-satchel-ignored: a client can send any number of names.
const maxIgnoredHeader = 1 << 10

// writeJSON answers with a value. Whoever reads it may be a person: text is not escaped for HTML, which the content type rules out.
func writeJSON(w http.ResponseWriter, status int, value any) {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		status = http.StatusInternalServerError // a programming error: our types always encode
		body.Reset()
		body.WriteString(`{"error":{"message":"internal error","type":"server_error","param":null,"code":"internal"}}`)
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(body.Len()))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // a client that is gone needs no answer
}

// respond writes what a handler returned. A nil value means that the handler has written the answer itself.
func (c *call) respond(value any) {
	c.addReplyHeaders()
	if value != nil {
		writeJSON(c.w, http.StatusOK, value)
	}
}

// addReplyHeaders says what of the request was left out of account, and which preferences were followed.
func (c *call) addReplyHeaders() {
	if names := ignoredNames(c.ignored); names != "" {
		c.w.Header().Set("X-Satchel-Ignored", names)
	}
	applied := c.applied
	if c.prefer.strict {
		applied = append([]string{"handling=strict"}, applied...)
	}
	if len(applied) > 0 {
		c.w.Header().Set("Preference-Applied", strings.Join(applied, ", "))
	}
}

// ignoredNames joins names for a header; whatever a header cannot carry is percent-encoded.
func ignoredNames(names []string) string {
	var b strings.Builder
	for i, name := range names {
		name = strings.NewReplacer("%5B", "[", "%5D", "]").Replace(url.QueryEscape(name))
		if b.Len()+len(name) > maxIgnoredHeader {
			b.WriteString(", and " + strconv.Itoa(len(names)-i) + " more")
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(name)
	}
	return b.String()
}

func fileBody(f *satchel.File) *api.File {
	out := &api.File{
		ID: string(f.ID), Object: "file", Bytes: f.Content.Size, CreatedAt: f.CreatedAt().Unix(), Filename: f.Filename,
		Purpose: string(f.Purpose), Status: string(f.Status), StatusDetails: textOrNull(f.StatusDetails), ExpiresAt: unixOrNull(f.ExpiresAt),
		OrgID: string(f.Org), WorkspaceID: string(f.Workspace), UserID: string(f.User), Metadata: json.RawMessage(f.Metadata.String()),
		SHA256: hex.EncodeToString(f.Content.SHA256[:]), ContentType: f.ContentType, Instructions: textOrNull(f.Instructions),
		UpdatedAt: f.UpdatedAt.Unix(),
	}
	out.Document = documentBody(f.Document)
	out.Error = failureBody(f.Failure)
	return out
}

func failureBody(f *satchel.Failure) *api.FileError {
	if f == nil {
		return nil
	}
	return &api.FileError{Code: string(f.Code), Message: f.Message}
}

func documentBody(d *satchel.Document) *api.Document {
	if d == nil {
		return nil
	}
	return &api.Document{
		Format: d.Format, Pages: d.Pages, Characters: d.Characters, Title: textOrNull(d.Title), Author: textOrNull(d.Author),
		Language: textOrNull(d.Language), CreatedAt: unixOrNull(d.Created), ModifiedAt: unixOrNull(d.Modified),
		Width: d.Width, Height: d.Height, Properties: d.Properties,
	}
}

func listBody(files []*satchel.File, more bool) *api.FileList {
	list := &api.FileList{Object: "list", Data: make([]*api.File, len(files)), HasMore: more}
	for i, f := range files {
		list.Data[i] = fileBody(f)
	}
	if len(files) > 0 {
		list.FirstID, list.LastID = &list.Data[0].ID, &list.Data[len(files)-1].ID
	}
	return list
}

func textOrNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func unixOrNull(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	seconds := t.Unix()
	return &seconds
}
