package httpapi

import (
	"context"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/api"
	"github.com/satchel-files/satchel/internal/files"
)

// maxNumber bounds the numbers of pages and versions.
const maxNumber = 1<<31 - 1

func (a *API) addTextRoutes() {
	a.add(a.textRoute())
	a.documentHead(a.textRoute(), "headFileText", "Look at a file's text without it")
	pageNumber := &huma.Param{Name: "number", In: satchel.InPath, Required: true, Description: "From 1", Schema: &huma.Schema{Type: huma.TypeInteger, Minimum: number(1)}}
	a.add(&route{
		Operation: huma.Operation{
			OperationID: "listPages", Method: http.MethodGet, Path: "/files/{file_id}/pages", Tags: []string{"Text"}, Summary: "List the pages of a file's text",
			Description: "Pages, slides, sheets or chapters, in reading order. With `include=text` each has its text, and a part of the list may end early, after about 8 MiB. 404 no_text as for the text.",
			Parameters: append([]*huma.Param{fileParam(), workspaceParam(), queryParam("include", "What else to give", enumSchema("", "text"))},
				partParams("Start behind the page of this number", &huma.Schema{Type: huma.TypeInteger, Minimum: number(0), Maximum: number(maxNumber)})...),
			Responses: a.responses(jsonResponse("A part of the pages", schema[api.PageList](a), &api.PageList{Object: "list", Data: []*api.Page{examplePage()}}), 400, 401, 403, 404, 422),
		}, answer: a.listPages,
	})
	a.add(&route{
		Operation: huma.Operation{
			OperationID: "getPage", Method: http.MethodGet, Path: "/files/{file_id}/pages/{number}", Tags: []string{"Text"}, Summary: "Get a page of a file's text",
			Description: "One page with its text.",
			Parameters:  []*huma.Param{fileParam(), pageNumber, workspaceParam()},
			Responses:   a.responses(jsonResponse("The page", schema[api.Page](a), examplePage()), 400, 401, 403, 404, 422),
		}, answer: a.getPage,
	})
}

// textRoute is the download of the text, which is that of the content but for what is sent.
func (a *API) textRoute() *route {
	rt := a.contentRoute()
	rt.OperationID, rt.Path, rt.Tags, rt.Summary = "getFileText", "/files/{file_id}/text", []string{"Text"}, "Get a file's text"
	rt.Description = "The text that was found in the file, UTF-8, in reading order; headings, lists and tables as Markdown where the document has them as such. A form feed stands between two pages. " +
		"Whole or by ranges. 404 no_text if there is none, or none yet."
	text := map[string]*huma.MediaType{"text/plain": {Schema: textSchema()}}
	rt.Responses["200"].Description, rt.Responses["200"].Content = "The text", text
	rt.answer = a.getText
	return rt
}

// getText answers GET and HEAD /files/{file_id}/text.
func (a *API) getText(ctx context.Context, c *call) (any, error) {
	scope, err := a.enter(ctx, c, satchel.AccessViewer)
	if err != nil {
		return nil, err
	}
	file, text, err := a.files.Text(ctx, scope, c.id())
	if err != nil {
		return nil, err
	}
	defer text.Close()
	c.addReplyHeaders()
	name := strings.TrimSuffix(file.Filename, filepath.Ext(file.Filename)) + ".txt"
	return nil, serveObject(c.w, c.r, servedObject{blob: file.Text, contentType: "text/plain", filename: name, modified: file.Text.ID.Time()}, text)
}

// listPages answers GET /files/{file_id}/pages.
func (a *API) listPages(ctx context.Context, c *call) (any, error) {
	limit, after := c.integer("limit", 1, maxList, 100), c.integer("after", 0, maxNumber, 0)
	withText := c.oneOf("include", "", "text") == "text"
	scope, err := a.enter(ctx, c, satchel.AccessViewer)
	if err != nil {
		return nil, err
	}
	pages, more, err := a.files.Pages(ctx, scope, c.id(), after, limit, withText)
	if err != nil {
		return nil, err
	}
	list := &api.PageList{Object: "list", Data: make([]*api.Page, 0, len(pages)), HasMore: more}
	for i := range pages {
		list.Data = append(list.Data, pageBody(&pages[i], withText))
	}
	return list, nil
}

// getPage answers GET /files/{file_id}/pages/{number}.
func (a *API) getPage(ctx context.Context, c *call) (any, error) {
	scope, err := a.enter(ctx, c, satchel.AccessViewer)
	if err != nil {
		return nil, err
	}
	number, err := c.number("Page")
	if err != nil {
		if _, fileErr := a.files.File(ctx, scope, c.id()); fileErr != nil {
			err = fileErr
		}
		return nil, err
	}
	page, err := a.files.Page(ctx, scope, c.id(), int(number))
	if err != nil {
		return nil, err
	}
	return pageBody(page, true), nil
}

// number gives the number that the path names; what is none is not found.
func (c *call) number(what string) (int64, error) {
	text := c.r.PathValue("number")
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil || n < 1 || strconv.FormatInt(n, 10) != text {
		return 0, &satchel.Error{Code: satchel.CodeNotFound, Message: what + " not found: " + text, In: satchel.InPath, Param: "number"}
	}
	return n, nil
}

func pageBody(p *files.PageText, withText bool) *api.Page {
	body := &api.Page{Object: "page", Number: p.Number, Label: textOrNull(p.Label), Characters: p.Characters}
	if withText {
		body.Text = &p.Text
	}
	return body
}

func examplePage() *api.Page {
	text := "# Doctrine of Being\n\nBeing, pure being, without any further determination."
	return &api.Page{Object: "page", Number: 1, Characters: len(text), Text: &text}
}
