package httpapi

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/files"
	"github.com/satchel-files/satchel/internal/tenant"
)

// readAhead is the buffer under the multipart reader, whose own is small: it makes long parts 1.6 times as fast.
const readAhead = 256 << 10

func newUploadBuffer() any { return bufio.NewReaderSize(nil, readAhead) }

// maxIdempotencyKey bounds an Idempotency-Key, in bytes.
const maxIdempotencyKey = 255

// createFiles answers POST /files.
func (a *API) createFiles(ctx context.Context, c *call) (any, error) {
	key := c.idempotencyKey()
	early, err := a.enterEarly(ctx, c)
	if err != nil {
		return nil, err
	}
	upload, err := a.beginUpload(ctx, c, early, key)
	if err != nil {
		return nil, err
	}
	f := newForm(upload)
	defer a.discard(ctx, f.upload)
	if err := a.readForm(ctx, c, f); err != nil {
		return nil, c.formError(err)
	}
	ws, terms, err := c.checkForm(f)
	if err != nil {
		return nil, err
	}
	made, err := a.publish(ctx, c, f, ws, terms, key)
	switch {
	case err != nil:
		return nil, err
	case len(made) == 1:
		return fileBody(made[0]), nil
	}
	return listBody(made, false), nil
}

// publish makes files of a form that has come, if its sender may still do that, and gives them as they are when the client wants the answer.
func (a *API) publish(ctx context.Context, c *call, f *form, ws satchel.WorkspaceID, terms files.Terms, key string) ([]*satchel.File, error) {
	scope, err := a.stillMay(ctx, c, ws, satchel.AccessWriter)
	if err != nil {
		return nil, err
	}
	if f.vain() { // and would not be now
		return nil, satchel.Errorf(satchel.CodeConflict, "what you may do has changed while the files came; send them again")
	}
	f.upload.AskLast(func(ctx context.Context) error {
		_, err := a.stillMay(ctx, c, ws, satchel.AccessWriter)
		return err
	})
	made, err := a.files.Create(ctx, scope, f.upload, terms, key)
	if err != nil {
		return nil, err
	}
	return a.afterProcessing(ctx, c, scope, made)
}

// afterProcessing gives files as they are when they are processed, or when a client that wants to wait has waited for long enough. The files are
// stored whatever happens here; who may not read in the workspace any more is shown what was made, and nothing of what became of it.
func (a *API) afterProcessing(ctx context.Context, c *call, scope satchel.Scope, made []*satchel.File) ([]*satchel.File, error) {
	within := c.waiting(0)
	if within == 0 {
		return made, nil
	}
	failed := a.files.WaitForAll(a.whileServing(ctx), scope, made, within, a.stillReads(c, scope.Workspace))
	scope, err := a.stillMay(ctx, c, scope.Workspace, satchel.AccessViewer)
	if err != nil {
		return made, nil //nolint:nilerr // the files are there, and belong to others now
	}
	if failed != nil {
		return nil, failed
	}
	for i, file := range made {
		now, err := a.files.File(ctx, scope, string(file.ID))
		if satchel.CodeOf(err) == satchel.CodeNotFound {
			continue // deleted by somebody else: what was made is still the answer
		}
		if err != nil {
			return nil, err
		}
		made[i] = now
	}
	return made, nil
}

// enterEarly ends the first step of an upload. Where the query names the workspace, a refusal need not wait for the form.
func (a *API) enterEarly(ctx context.Context, c *call) (satchel.Scope, error) {
	if c.text("workspace") == "" {
		return satchel.Scope{}, c.faults.Err()
	}
	return a.enter(ctx, c, satchel.AccessWriter)
}

// beginUpload begins an upload by what is known before its form: early is the scope of the workspace that the query names, if it does. Room is held, and
// bytes are taken, only for who may upload: who may nowhere, whatever the form will say, need not send it.
func (a *API) beginUpload(ctx context.Context, c *call, early satchel.Scope, key string) (*files.Upload, error) {
	scope := satchel.Scope{Org: c.caller.Org, Workspace: early.Workspace, User: c.caller.User}
	if early.Workspace == "" {
		only, nowhere, err := a.onlyPlace(ctx, c.caller)
		if err == nil && nowhere {
			err = a.writesNowhere(ctx, c.caller, only)
		}
		if err != nil {
			return nil, err
		}
		scope.Workspace = only
	}
	upload, err := a.files.NewUpload(ctx, scope, c.r.ContentLength, key)
	if err != nil {
		return nil, err
	}
	if early.Workspace != "" && !early.Fresh {
		upload.MustStay()
	}
	return upload, nil
}

// writesNowhere gives the refusal of a caller who may write in no workspace; nil if that has changed at this moment.
func (a *API) writesNowhere(ctx context.Context, caller satchel.Caller, only satchel.WorkspaceID) error {
	_, err := a.tenant.Enter(ctx, caller, cmp.Or(only, satchel.DefaultWorkspace), satchel.AccessWriter)
	if refusal, ok := errors.AsType[*satchel.Error](err); ok && statusOf(refusal.Code) == http.StatusForbidden {
		refusal.Message = "there is no workspace in which you may write; ask an owner or admin of your organization"
	}
	return err
}

// maxPlaces is how many workspaces of a caller are looked at: who has more may surely write in one.
const maxPlaces = 1000

// onlyPlace gives the workspace of a caller whose token has only one, and whether there is none in which the caller may write.
func (a *API) onlyPlace(ctx context.Context, caller satchel.Caller) (only satchel.WorkspaceID, nowhere bool, err error) {
	if len(caller.Workspaces) == 1 {
		only = caller.Workspaces[0]
	}
	switch {
	case caller.ReadOnly:
		return only, true, nil
	case len(caller.Workspaces) > 0:
		return only, !slices.ContainsFunc(caller.Workspaces, func(ws satchel.WorkspaceID) bool {
			_, err := a.tenant.Enter(ctx, caller, ws, satchel.AccessWriter)
			return err == nil
		}), nil
	case !caller.Confined:
		return "", false, nil
	}
	places, err := a.tenant.Workspaces(ctx, caller, satchel.Slice{Limit: maxPlaces})
	writes := func(p tenant.Place) bool { return p.Access == satchel.AccessWriter }
	return "", len(places) < maxPlaces && !slices.ContainsFunc(places, writes), err
}

func (c *call) idempotencyKey() string {
	key := strings.TrimSpace(c.r.Header.Get("Idempotency-Key"))
	printable := !strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r > '~' })
	if len(key) > maxIdempotencyKey || !printable || len(c.r.Header.Values("Idempotency-Key")) > 1 {
		c.faults.Add(&satchel.Error{
			Code: satchel.CodeInvalidValue, In: satchel.InHeader, Param: "Idempotency-Key",
			Message: "an Idempotency-Key is given once and has 1 to 255 printable ASCII characters; a UUID is a good one",
		})
	}
	return key
}

// discard throws away what the request staged and did not publish.
func (a *API) discard(ctx context.Context, upload *files.Upload) {
	if err := upload.Discard(ctx); err != nil {
		a.logger.WarnContext(ctx, "staged bytes were left to the sweeper", "request_id", requestID(ctx), "err", err)
	}
}

// readForm reads the whole form, to the end of the body. After a first fault files are only read away: nothing will come of them.
func (a *API) readForm(ctx context.Context, c *call, f *form) error {
	body, _ := a.buffers.Get().(*bufio.Reader)
	defer a.buffers.Put(body)
	defer body.Reset(nil)
	body.Reset(c.r.Body)
	reader, err := newFormReader(c.r.Header.Get("Content-Type"), body)
	if err != nil {
		return err
	}
	for {
		part, err := reader.NextRawPart()
		if err == io.EOF && reader.headers.complete() { //nolint:errorlint // wrapped, it means that the form breaks off
			break
		}
		if err != nil {
			return malformedForm(err)
		}
		if err := a.addPart(ctx, c, f, part); err != nil {
			return err
		}
	}
	return f.readAway(body) // what follows the last boundary means nothing, but must arrive
}

// formError gives a body that breaks off its own error: when one cannot be read on, its request is cancelled, which may be noticed before
// the reader of the form comes to that place.
func (c *call) formError(err error) error {
	if errors.Is(err, context.Canceled) && c.body != nil && c.body.broken != nil {
		return malformedForm(c.body.broken)
	}
	return err
}

func (a *API) addPart(ctx context.Context, c *call, f *form, part *multipart.Part) error {
	_, params, err := mime.ParseMediaType(part.Header.Get("Content-Disposition"))
	if err != nil || part.FormName() == "" {
		return malformedForm(io.ErrUnexpectedEOF)
	}
	switch name := params["name"]; name {
	case "file", "file[]":
		if err := a.place(ctx, c, f); err != nil {
			return err
		}
		return addFile(ctx, f, params["filename"], part)
	default:
		return f.addText(name, part)
	}
}

// place tells an upload whose files begin where they go, if a field before them has said so. Whether the caller may upload there is answered when the
// form has ended, with all else; who may not is told nothing of what may be used.
func (a *API) place(ctx context.Context, c *call, f *form) error {
	ws, ok := satchel.ParseWorkspaceID(f.fields["workspace"])
	if !ok || c.caller.Org == "" || f.vain() {
		return nil
	}
	var scope satchel.Scope
	scope, f.refused = a.tenant.Enter(ctx, c.caller, ws, satchel.AccessWriter)
	switch {
	case f.refused == nil:
	case statusOf(satchel.CodeOf(f.refused)) >= http.StatusInternalServerError:
		return f.refused
	default:
		return nil // said later
	}
	if !scope.Fresh && c.text("workspace") == "" {
		f.upload.MustStay()
	}
	return f.upload.Place(ctx, ws)
}

// addFile takes a file to the upload. One that comes to nothing is only read away: that of a caller who may not write there, and those behind a fault.
func addFile(ctx context.Context, f *form, sent string, part *multipart.Part) error {
	if f.upload.Len() == satchel.MaxFilesPerPost && !f.seen["file"] {
		f.faults.Add(satchel.BodyFault(satchel.CodeTooMany, "file", nil, "a request may have at most %d files; send the others in a further one", satchel.MaxFilesPerPost))
	}
	name, err := files.ParseFilename(strings.ReplaceAll(sent, "%22", `"`))
	f.faults.Add(err)
	if f.vain() || len(f.faults) > 0 {
		f.seen["file"] = true
		return f.readAway(part)
	}
	content := &partReader{part: part}
	err = f.upload.Add(ctx, name, part.Header.Get("Content-Type"), content)
	if content.err != nil {
		return malformedForm(content.err)
	}
	if fault, ok := errors.AsType[*satchel.Error](err); ok {
		fault.In, fault.Param = satchel.InBody, "file"
	}
	return err
}

// partReader remembers the error with which a part ended early, so that it is told apart from one of the store.
type partReader struct {
	part *multipart.Part
	err  error
}

func (p *partReader) Read(b []byte) (int, error) {
	n, err := p.part.Read(b)
	if err != nil && err != io.EOF { //nolint:errorlint // a bare io.EOF is the end of the part, a wrapped one is not
		p.err = err
	}
	return n, err
}

// checkForm ends the second step: everything that is wrong with the form is reported at once.
func (c *call) checkForm(f *form) (satchel.WorkspaceID, files.Terms, error) {
	if f.upload.Len() == 0 && !f.seen["file"] {
		f.faults.Add(satchel.BodyFault(satchel.CodeMissing, "file", nil, `there is no file: send one in the field "file" (curl: -F file=@logic.pdf)`))
	}
	for _, name := range f.unknown {
		c.unknown(satchel.InBody, name)
	}
	ws := c.formWorkspace(f)
	terms, err := f.values().Check()
	faults := append(c.faults, f.faults...) // not found before: the form's fields are read in the line above
	faults.AddNew(err)
	return ws, terms, faults.Err()
}

// formWorkspace gives the workspace of the form or the query, which must not differ.
func (c *call) formWorkspace(f *form) satchel.WorkspaceID {
	ws := c.workspace()
	text, ok := f.fields["workspace"]
	if !ok {
		return ws
	}
	inForm, ok := satchel.ParseWorkspaceID(text)
	switch {
	case !ok:
		f.faults.Add(badWorkspace(text))
	case c.text("workspace") != "" && inForm != ws:
		f.faults.Add(satchel.BodyFault(satchel.CodeContradiction, "workspace", nil, "workspace is %q in the query and %q in the form; give it once", ws, inForm))
	}
	return inForm
}
